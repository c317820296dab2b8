#include "train/checkpoint_file.h"

#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/assert.h"
#include "formats/json.h"

namespace sputnik {
namespace {

constexpr std::string_view kMagic = "SPUTNIK\n";
constexpr std::size_t kPrefixBytes = 24;  // before the header
constexpr std::size_t kAlignment = 64;
constexpr std::string_view kNamePrefix = "checkpoint-";

// Writes and sums up. After an error, writes nothing more.
class SummedFile {
 public:
  explicit SummedFile(const std::filesystem::path& path)
      : file_(std::fopen(path.c_str(), "wb")), state_(XXH3_createState()) {
    check(file_ != nullptr);
    SPUTNIK_ASSERT(state_ != nullptr && XXH3_64bits_reset(state_) == XXH_OK);
  }
  ~SummedFile() {
    if (file_ != nullptr) std::fclose(file_);
    XXH3_freeState(state_);
  }
  SummedFile(const SummedFile&) = delete;
  SummedFile& operator=(const SummedFile&) = delete;

  void write(const void* data, std::size_t n) {
    if (error_ != 0 || n == 0) return;
    check(std::fwrite(data, 1, n, file_) == n);
    SPUTNIK_ASSERT(XXH3_64bits_update(state_, data, n) == XXH_OK);
  }
  // 0, or the errno of what failed first.
  int finish() {
    const std::uint64_t sum = XXH3_64bits_digest(state_);
    write(&sum, sizeof(sum));
    if (error_ == 0) check(std::fflush(file_) == 0 && ::fsync(::fileno(file_)) == 0);
    return error_;
  }

 private:
  void check(bool ok) {
    if (!ok) error_ = errno != 0 ? errno : EIO;
  }

  std::FILE* file_;
  XXH3_state_t* state_;
  int error_ = 0;
};

void sync_folder(const std::filesystem::path& folder) {
  const int fd = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  // Some file systems cannot sync a folder; the file itself is safe by now.
  (void)::fsync(fd);
  ::close(fd);
}

}  // namespace

Result<void> write_checkpoint_file(const std::filesystem::path& path, const nlohmann::json& header,
                                   std::span<const CheckpointArray> arrays) {
  nlohmann::json with_arrays = header;
  auto& list = with_arrays["arrays"] = nlohmann::json::array();
  for (const CheckpointArray& array : arrays)
    list.push_back(nlohmann::json::array({array.name, array.values.size()}));
  const std::string text = with_arrays.dump();

  const std::filesystem::path temporary = path.string() + ".tmp";
  int error = 0;
  {
    SummedFile file(temporary);
    const std::uint32_t numbers[2] = {kCheckpointVersion, 0};
    const std::uint64_t header_bytes = text.size();
    file.write(kMagic.data(), kMagic.size());
    file.write(numbers, sizeof(numbers));
    file.write(&header_bytes, sizeof(header_bytes));
    file.write(text.data(), text.size());
    const std::string zeros((kAlignment - (kPrefixBytes + text.size()) % kAlignment) % kAlignment,
                            '\0');
    file.write(zeros.data(), zeros.size());
    for (const CheckpointArray& array : arrays)
      file.write(array.values.data(), array.values.size_bytes());
    error = file.finish();
  }
  if (error == 0 && ::rename(temporary.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) {
    ::unlink(temporary.c_str());
    return io_error("{}: {}", path.string(), std::strerror(error));
  }
  sync_folder(path.parent_path());
  return ok_result();
}

CheckpointFile::CheckpointFile(MappedFile file)
    : file_(std::move(file)), header_(std::make_unique<nlohmann::json>()) {}
CheckpointFile::CheckpointFile(CheckpointFile&&) noexcept = default;
CheckpointFile& CheckpointFile::operator=(CheckpointFile&&) noexcept = default;
CheckpointFile::~CheckpointFile() = default;

Result<CheckpointFile> CheckpointFile::open(const std::filesystem::path& path) {
  SPUTNIK_TRY(MappedFile mapped, MappedFile::open(path));
  CheckpointFile file(std::move(mapped));
  if (auto parsed = file.parse(); !parsed.ok()) return std::move(parsed).error().in(path.string());
  return file;
}

Result<void> CheckpointFile::parse() {
  const std::span<const std::byte> bytes = file_.bytes();
  if (bytes.size() < kPrefixBytes + sizeof(std::uint64_t) ||
      std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0)
    return corrupt("this is no checkpoint of training");
  std::uint32_t version = 0;
  std::memcpy(&version, bytes.data() + 8, sizeof(version));
  if (version != kCheckpointVersion) {
    return unsupported("checkpoint version {}, but this program reads version {}", version,
                       kCheckpointVersion);
  }
  const std::size_t end = bytes.size() - sizeof(std::uint64_t);
  std::uint64_t sum = 0, header_bytes = 0;
  std::memcpy(&sum, bytes.data() + end, sizeof(sum));
  if (sum != XXH3_64bits(bytes.data(), end))
    return corrupt("the checksum is wrong: the file is cut or was changed");
  std::memcpy(&header_bytes, bytes.data() + 16, sizeof(header_bytes));
  if (header_bytes > end - kPrefixBytes) return corrupt("header_bytes is {}", header_bytes);
  const auto* text = reinterpret_cast<const char*>(bytes.data() + kPrefixBytes);
  SPUTNIK_TRY(*header_, parse_json({text, static_cast<std::size_t>(header_bytes)}));
  if (!header_->is_object() || !header_->contains("arrays") || !(*header_)["arrays"].is_array())
    return corrupt("arrays is missing");
  std::size_t at = kPrefixBytes + static_cast<std::size_t>(header_bytes);
  at += (kAlignment - at % kAlignment) % kAlignment;
  for (const auto& entry : (*header_)["arrays"]) {
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() ||
        !entry[1].is_number_unsigned())
      return corrupt("an entry of arrays is not [name, n]");
    const auto n = entry[1].get<std::uint64_t>();
    if (at > end || n > (end - at) / sizeof(float)) return corrupt("an array leads past the end");
    const auto* values = reinterpret_cast<const float*>(bytes.data() + at);
    arrays_[entry[0].get<std::string>()] = {values, static_cast<std::size_t>(n)};
    at += static_cast<std::size_t>(n) * sizeof(float);
  }
  if (at != end) return corrupt("{} bytes belong to no array", end > at ? end - at : 0);
  return ok_result();
}

Result<std::span<const float>> CheckpointFile::values(std::string_view name, std::size_t n) const {
  const auto it = arrays_.find(std::string(name));
  if (it == arrays_.end()) return corrupt("{}: {} is missing", file_.path().string(), name);
  if (it->second.size() != n) {
    return corrupt("{}: {} has {} values, not {}", file_.path().string(), name, it->second.size(),
                   n);
  }
  return it->second;
}

std::filesystem::path checkpoint_path(const std::filesystem::path& folder, std::int64_t step) {
  return folder / fmt::format("{}{:08}", kNamePrefix, step);
}

std::vector<std::filesystem::path> checkpoints_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kNamePrefix)) continue;
    const std::string_view number = std::string_view(name).substr(kNamePrefix.size());
    if (number.size() >= 8 && number.find_first_not_of("0123456789") == number.npos)
      paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end(), std::greater<>());
  return paths;
}

std::uint64_t stable_hash(std::string_view bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

}  // namespace sputnik
