#include "formats/gguf_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>

namespace sputnik {
namespace {

static_assert(std::endian::native == std::endian::little, "values are written as they lie");

constexpr std::uint64_t kAlignment = 32;  // what readers assume where general.alignment is absent

template <class T>
void append_value(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

void append_string(std::string& out, std::string_view text) {
  append_value(out, std::uint64_t{text.size()});
  out += text;
}

template <class T>
std::string bytes_of(T value) {
  std::string bytes;
  append_value(bytes, value);
  return bytes;
}

void append_array(std::string& out, const GgufArray& array) {
  append_value(out, array.element_type);
  append_value(out, array.size);
  out.append(reinterpret_cast<const char*>(array.numbers.data()), array.numbers.size());
  for (const std::string_view text : array.strings) append_string(out, text);
  for (const GgufArray& inner : array.arrays) append_array(out, inner);
}

// The widest form, back in the width that the file gave it.
std::string bytes_of(const GgufValue& value) {
  if (const auto* text = std::get_if<std::string_view>(&value.value)) {
    std::string bytes;
    append_string(bytes, *text);
    return bytes;
  }
  if (const auto* array = std::get_if<GgufArray>(&value.value)) {
    std::string bytes;
    append_array(bytes, *array);
    return bytes;
  }
  if (const auto* flag = std::get_if<bool>(&value.value)) return bytes_of(std::uint8_t{*flag});
  if (const auto* real = std::get_if<double>(&value.value)) {
    return value.type == GgufType::kFloat32 ? bytes_of(static_cast<float>(*real)) : bytes_of(*real);
  }
  const std::uint64_t bits = std::holds_alternative<std::uint64_t>(value.value)
                                 ? std::get<std::uint64_t>(value.value)
                                 : static_cast<std::uint64_t>(std::get<std::int64_t>(value.value));
  switch (value.type) {
    case GgufType::kUint8:
    case GgufType::kInt8:
      return bytes_of(static_cast<std::uint8_t>(bits));
    case GgufType::kUint16:
    case GgufType::kInt16:
      return bytes_of(static_cast<std::uint16_t>(bits));
    case GgufType::kUint32:
    case GgufType::kInt32:
      return bytes_of(static_cast<std::uint32_t>(bits));
    default:
      return bytes_of(bits);
  }
}

std::uint64_t aligned(std::uint64_t n) {
  return (n + kAlignment - 1) / kAlignment * kAlignment;
}

Result<void> write_all(int fd, std::span<const std::byte> bytes,
                       const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error("{}: {}", path.string(), std::strerror(errno));
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return ok_result();
}

// A rename is on the disk when its folder is. Failing here loses nothing that was there before.
void sync_folder(const std::filesystem::path& folder) {
  const int fd = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  (void)::fsync(fd);
  ::close(fd);
}

}  // namespace

void GgufKeys::put(std::string_view key, GgufType type, std::string bytes) {
  const auto [it, is_new] = index_.emplace(std::string(key), entries_.size());
  if (is_new) entries_.push_back({it->first, type, {}});
  entries_[it->second].type = type;
  entries_[it->second].bytes = std::move(bytes);
}

void GgufKeys::set(std::string_view key, std::string_view text) {
  std::string bytes;
  append_string(bytes, text);
  put(key, GgufType::kString, std::move(bytes));
}

void GgufKeys::set(std::string_view key, bool value) {
  put(key, GgufType::kBool, bytes_of(std::uint8_t{value}));
}

void GgufKeys::set(std::string_view key, std::uint32_t value) {
  put(key, GgufType::kUint32, bytes_of(value));
}

void GgufKeys::set(std::string_view key, float value) {
  put(key, GgufType::kFloat32, bytes_of(value));
}

void GgufKeys::set(std::string_view key, std::span<const std::string> texts) {
  std::string bytes = bytes_of(GgufType::kString);
  append_value(bytes, std::uint64_t{texts.size()});
  for (const std::string& text : texts) append_string(bytes, text);
  put(key, GgufType::kArray, std::move(bytes));
}

void GgufKeys::set(std::string_view key, std::span<const std::int32_t> numbers) {
  std::string bytes = bytes_of(GgufType::kInt32);
  append_value(bytes, std::uint64_t{numbers.size()});
  for (const std::int32_t number : numbers) append_value(bytes, number);
  put(key, GgufType::kArray, std::move(bytes));
}

void GgufKeys::set(std::string_view key, const GgufValue& value) {
  put(key, value.type, bytes_of(value));
}

std::string GgufKeys::bytes() const {
  std::string out;
  for (const Entry& entry : entries_) {
    append_string(out, entry.key);
    append_value(out, entry.type);
    out += entry.bytes;
  }
  return out;
}

std::uint64_t GgufTensorLine::data_bytes() const {
  SPUTNIK_ASSERT(!shape.empty());
  std::int64_t rows = 1;
  for (std::size_t i = 0; i + 1 < shape.size(); ++i) rows *= shape[i];
  return static_cast<std::uint64_t>(rows * row_bytes(dtype, shape.back()));
}

// -------------------------------------------------------------------------------------------------------

struct GgufFileWriter::State {
  std::filesystem::path path;
  std::filesystem::path temporary;
  int fd = -1;
  std::vector<std::uint64_t> data_bytes;  // by tensor
  std::size_t tensor = 0;                 // whose data come next
  std::uint64_t n_appended = 0;           // bytes of it
  std::uint64_t file_bytes = 0;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (fd < 0) return;
    ::close(fd);
    ::unlink(temporary.c_str());
  }

  Error system_error() const { return io_error("{}: {}", path.string(), std::strerror(errno)); }
};

GgufFileWriter::GgufFileWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
GgufFileWriter::GgufFileWriter(GgufFileWriter&&) noexcept = default;
GgufFileWriter& GgufFileWriter::operator=(GgufFileWriter&&) noexcept = default;
GgufFileWriter::~GgufFileWriter() = default;

std::uint64_t GgufFileWriter::file_bytes() const {
  return state_->file_bytes;
}

Result<GgufFileWriter> GgufFileWriter::create(const std::filesystem::path& path,
                                              const GgufKeys& keys,
                                              std::vector<GgufTensorLine> tensors) {
  auto state = std::make_unique<State>();
  std::string head = "GGUF";
  append_value(head, std::uint32_t{3});
  append_value(head, std::uint64_t{tensors.size()});
  append_value(head, std::uint64_t{keys.size()});
  head += keys.bytes();
  std::uint64_t offset = 0;
  for (const GgufTensorLine& tensor : tensors) {
    append_string(head, tensor.name);
    append_value(head, static_cast<std::uint32_t>(tensor.shape.size()));
    for (auto size = tensor.shape.rbegin(); size != tensor.shape.rend(); ++size)
      append_value(head, static_cast<std::uint64_t>(*size));
    append_value(head, traits(tensor.dtype).ggml_type);
    append_value(head, offset);
    state->data_bytes.push_back(tensor.data_bytes());
    offset += aligned(state->data_bytes.back());
  }
  head.resize(aligned(head.size()), '\0');
  state->file_bytes = head.size() + offset;

  const std::filesystem::path folder = path.parent_path();
  std::error_code unknown;
  const auto space = std::filesystem::space(folder.empty() ? "." : folder, unknown);
  if (!unknown && space.available < state->file_bytes) {
    return exhausted("{}: {:.2f} GB are needed, and the disk has {:.2f} GB left", path.string(),
                     static_cast<double>(state->file_bytes) / 1e9,
                     static_cast<double>(space.available) / 1e9);
  }
  state->path = path;
  state->temporary = fmt::format("{}.{}.tmp", path.string(), ::getpid());
  state->fd = ::open(state->temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (state->fd < 0) return state->system_error();
  SPUTNIK_CHECK_OK(
      write_all(state->fd, std::as_bytes(std::span(head.data(), head.size())), state->path));
  return GgufFileWriter(std::move(state));
}

Result<void> GgufFileWriter::append(std::span<const std::byte> data) {
  State& s = *state_;
  SPUTNIK_ASSERT(s.tensor < s.data_bytes.size() &&
                 data.size() <= s.data_bytes[s.tensor] - s.n_appended);
  SPUTNIK_CHECK_OK(write_all(s.fd, data, s.path));
  s.n_appended += data.size();
  if (s.n_appended < s.data_bytes[s.tensor]) return ok_result();
  constexpr std::byte kZeros[kAlignment] = {};
  const std::uint64_t padding = aligned(s.n_appended) - s.n_appended;
  SPUTNIK_CHECK_OK(write_all(s.fd, std::span(kZeros).first(padding), s.path));
  ++s.tensor;
  s.n_appended = 0;
  return ok_result();
}

Result<void> GgufFileWriter::finish() {
  State& s = *state_;
  SPUTNIK_ASSERT(s.tensor == s.data_bytes.size());
  if (::fsync(s.fd) != 0 || ::rename(s.temporary.c_str(), s.path.c_str()) != 0)
    return s.system_error();
  ::close(s.fd);
  s.fd = -1;
  sync_folder(s.path.parent_path());
  return ok_result();
}

}  // namespace sputnik
