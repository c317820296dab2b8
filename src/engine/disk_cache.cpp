#include "engine/disk_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace sputnik {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kExtension = ".kv";
constexpr std::string_view kUnfinished = ".part";
constexpr std::int64_t kMaxJobBytes = std::int64_t{512} << 20;  // waiting to be written

struct Header {
  char magic[8];
  std::uint32_t version;
  std::uint32_t n_tokens;
  BlockHash key, parent, hash;
  std::int32_t tokens[kBlockTokens];
  std::int64_t block_bytes;
  std::uint64_t checksum;  // XXH3-64 of the block, seeded with that of this head with zero here
};
static_assert(sizeof(Header) == 384 && std::is_trivially_copyable_v<Header>);

constexpr char kMagic[8] = {'S', 'P', 'T', 'N', 'K', 'K', 'V', '\n'};
constexpr std::uint32_t kVersion = 1;

std::uint64_t checksum(Header header, std::span<const std::byte> block) {
  header.checksum = 0;
  // The head's own sum is the seed of the block's.
  return XXH3_64bits_withSeed(block.data(), block.size(), XXH3_64bits(&header, sizeof header));
}

std::string hex(const BlockHash& hash) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : hash) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

bool is_hex_name(std::string_view name) {
  return name.size() == 64 && name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

struct FileDescriptor {
  int fd;
  explicit FileDescriptor(int f) : fd(f) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() {
    if (fd >= 0) ::close(fd);
  }
};

// False: an error, or the file ends before.
bool read_all(int fd, void* memory, std::size_t n, std::size_t at) {
  auto* to = static_cast<char*>(memory);
  while (n > 0) {
    const ssize_t got = ::pread(fd, to, n, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    to += got;
    at += static_cast<std::size_t>(got);
    n -= static_cast<std::size_t>(got);
  }
  return true;
}

std::span<const std::int32_t> tokens_of(const Header& header) {
  return {header.tokens, header.n_tokens};
}

// Everything that can be wrong with a head, but for what the checksum covers.
bool is_sound(const Header& header, std::int64_t file_bytes, const DiskCacheOptions& options) {
  return std::memcmp(header.magic, kMagic, sizeof kMagic) == 0 && header.version == kVersion &&
         header.n_tokens >= 1 && header.n_tokens <= kBlockTokens && header.key == options.key &&
         header.block_bytes == options.block_bytes &&
         file_bytes == options.block_bytes + static_cast<std::int64_t>(sizeof header) &&
         header.hash == block_hash(header.parent, tokens_of(header));
}

struct OldFile {
  fs::file_time_type time;
  fs::path path;
  std::int64_t bytes;
};

// The blocks of every key, oldest first.
std::vector<OldFile> list_blocks(const fs::path& directory) {
  std::vector<OldFile> files;
  std::error_code error;
  for (fs::directory_iterator folder(directory, error), end; !error && folder != end;
       folder.increment(error)) {
    if (!is_hex_name(folder->path().filename().string())) continue;
    std::error_code inner;
    for (fs::directory_iterator file(folder->path(), inner); !inner && file != end;
         file.increment(inner)) {
      std::error_code ignored;
      if (!file->is_regular_file(ignored)) continue;
      if (file->path().extension() == kUnfinished) {
        fs::remove(file->path(), ignored);  // of a process that was killed
        continue;
      }
      if (file->path().extension() != kExtension || !is_hex_name(file->path().stem().string()))
        continue;
      const auto size = file->file_size(ignored);
      if (ignored) continue;
      files.push_back(
          {file->last_write_time(ignored), file->path(), static_cast<std::int64_t>(size)});
    }
  }
  std::sort(files.begin(), files.end(),
            [](const OldFile& a, const OldFile& b) { return a.time < b.time; });
  return files;
}

}  // namespace

Result<std::unique_ptr<DiskCache>> DiskCache::open(const DiskCacheOptions& options) {
  SPUTNIK_ASSERT(options.block_bytes > 0);
  std::unique_ptr<DiskCache> cache(new DiskCache(options));
  cache->folder_ = options.directory / hex(options.key);
  std::error_code error;
  fs::create_directories(cache->folder_, error);
  if (error)
    return io_error("{}: cannot make this folder: {}", cache->folder_.string(), error.message());
  // What people asked is theirs.
  fs::permissions(options.directory, fs::perms::owner_all, error);
  SPUTNIK_CHECK_OK(cache->read_index());
  cache->thread_ = std::thread([raw = cache.get()] { raw->write_files(); });
  return cache;
}

DiskCache::~DiskCache() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Result<void> DiskCache::read_index() {
  std::vector<OldFile> files = list_blocks(options_.directory);
  std::int64_t total = 0;
  for (const OldFile& file : files) total += file.bytes;
  std::error_code ignored;
  for (const OldFile& file : files) {
    if (total > options_.max_bytes) {
      total -= file.bytes;
      fs::remove(file.path, ignored);
      continue;
    }
    if (file.path.parent_path() != folder_) continue;
    Header header;
    const FileDescriptor in(::open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (in.fd < 0 || !read_all(in.fd, &header, sizeof header, 0) ||
        !is_sound(header, file.bytes, options_) || file.path.stem().string() != hex(header.hash)) {
      ++n_rejected_;
      fs::remove(file.path, ignored);
      continue;
    }
    const auto tokens = tokens_of(header);
    add(header.hash, {header.parent, {tokens.begin(), tokens.end()}, file.bytes, ++clock_});
  }
  return ok_result();
}

fs::path DiskCache::path_of(const BlockHash& hash) const {
  return folder_ / (hex(hash) + std::string(kExtension));
}

void DiskCache::add(const BlockHash& hash, Entry entry) {
  const BlockHash parent = entry.parent;
  const std::int64_t n_bytes = entry.file_bytes;
  if (!index_.emplace(hash, std::move(entry)).second) return;
  children_.emplace(parent, hash);
  bytes_ += n_bytes;
}

void DiskCache::forget(const BlockHash& hash) {
  const auto it = index_.find(hash);
  if (it == index_.end()) return;
  auto [first, last] = children_.equal_range(it->second.parent);
  first = std::find_if(first, last, [&](const auto& child) { return child.second == hash; });
  if (first != last) children_.erase(first);
  bytes_ -= it->second.file_bytes;
  index_.erase(it);
  std::error_code ignored;
  fs::remove(path_of(hash), ignored);
}

void DiskCache::make_room(std::int64_t n_bytes) {
  while (!index_.empty() && bytes_ + n_bytes > options_.max_bytes) {
    const auto oldest = std::min_element(
        index_.begin(), index_.end(),
        [](const auto& a, const auto& b) { return a.second.last_used < b.second.last_used; });
    forget(BlockHash(oldest->first));
  }
}

std::optional<DiskCache::Found> DiskCache::find(const BlockHash& parent,
                                                std::span<const std::int32_t> tokens) {
  take_written();
  std::optional<Found> found;
  for (auto [it, end] = children_.equal_range(parent); it != end; ++it) {
    Entry& entry = index_.at(it->second);
    const std::size_t n = std::min(entry.tokens.size(), tokens.size());
    const std::int64_t n_equal =
        std::mismatch(entry.tokens.begin(), entry.tokens.begin() + static_cast<std::ptrdiff_t>(n),
                      tokens.begin())
            .first -
        entry.tokens.begin();
    if (n_equal > (found ? found->n_equal : 0)) {
      found = {it->second, static_cast<std::int64_t>(entry.tokens.size()), n_equal};
    }
  }
  return found;
}

bool DiskCache::read(const BlockHash& hash, std::span<std::byte> block) {
  SPUTNIK_ASSERT(static_cast<std::int64_t>(block.size()) == options_.block_bytes);
  const auto it = index_.find(hash);
  if (it == index_.end()) return false;
  const FileDescriptor in(::open(path_of(hash).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat status {};
  Header header;
  const bool good = in.fd >= 0 && ::fstat(in.fd, &status) == 0 &&
                    read_all(in.fd, &header, sizeof header, 0) &&
                    is_sound(header, status.st_size, options_) && header.hash == hash &&
                    read_all(in.fd, block.data(), block.size(), sizeof header) &&
                    header.checksum == checksum(header, block);
  if (!good) {
    ++n_rejected_;
    forget(hash);
    return false;
  }
  it->second.last_used = ++clock_;
  (void)::futimens(in.fd, nullptr);  // for the order after the next start
  return true;
}

void DiskCache::store(const BlockHash& parent, const BlockHash& hash,
                      std::span<const std::int32_t> tokens, std::span<const std::byte> block) {
  take_written();
  if (const auto it = index_.find(hash); it != index_.end()) {
    it->second.last_used = ++clock_;
    return;
  }
  const auto file_bytes = static_cast<std::int64_t>(sizeof(Header) + block.size());
  {
    const std::lock_guard lock(mutex_);
    if (failed_ || job_bytes_ + file_bytes > kMaxJobBytes) return;
    for (const Job& job : jobs_)
      if (job.hash == hash) return;
  }
  if (file_bytes > options_.max_bytes) return;
  make_room(file_bytes);
  Header header{};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.version = kVersion;
  header.n_tokens = static_cast<std::uint32_t>(tokens.size());
  header.key = options_.key;
  header.parent = parent;
  header.hash = hash;
  std::copy(tokens.begin(), tokens.end(), header.tokens);
  header.block_bytes = options_.block_bytes;
  header.checksum = checksum(header, block);
  Job job{parent, hash, {tokens.begin(), tokens.end()}, {}};
  job.file.resize(static_cast<std::size_t>(file_bytes));
  std::memcpy(job.file.data(), &header, sizeof header);
  std::memcpy(job.file.data() + sizeof header, block.data(), block.size());
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    job_bytes_ += file_bytes;
  }
  changed_.notify_all();
}

// What the thread has written belongs into the index.
void DiskCache::take_written() {
  std::vector<Job> written;
  {
    const std::lock_guard lock(mutex_);
    written.swap(written_);
  }
  for (Job& job : written) {
    const auto file_bytes = static_cast<std::int64_t>(sizeof(Header)) + options_.block_bytes;
    make_room(file_bytes);
    add(job.hash, {job.parent, std::move(job.tokens), file_bytes, ++clock_});
  }
}

void DiskCache::flush() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return jobs_.empty() && !writing_; });
  lock.unlock();
  take_written();
}

std::optional<Error> DiskCache::error() {
  const std::lock_guard lock(mutex_);
  return std::exchange(error_, std::nullopt);
}

Result<void> DiskCache::write_file(const fs::path& path, std::span<const std::byte> file) {
  fs::path part = path;
  part += kUnfinished;
  bool ok = true;
  int error = 0;
  {
    const FileDescriptor out(
        ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    ok = out.fd >= 0;
    std::size_t done = 0;
    while (ok && done < file.size()) {
      const ssize_t n = ::write(out.fd, file.data() + done, file.size() - done);
      if (n < 0 && errno == EINTR) continue;
      ok = n > 0;
      if (ok) done += static_cast<std::size_t>(n);
    }
    if (!ok) error = errno;
  }
  // Not synced: after a power cut a file may be damaged, and is then found to be.
  if (ok && ::rename(part.c_str(), path.c_str()) != 0) {
    ok = false;
    error = errno;
  }
  if (ok) return ok_result();
  (void)::unlink(part.c_str());
  return io_error("{}: {}", path.parent_path().string(),
                  std::error_code(error, std::generic_category()).message());
}

void DiskCache::write_files() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    writing_ = true;
    lock.unlock();
    auto written = write_file(path_of(job.hash), job.file);
    lock.lock();
    writing_ = false;
    job_bytes_ -= static_cast<std::int64_t>(job.file.size());
    if (written.ok()) {
      job.file = {};
      written_.push_back(std::move(job));
    } else {
      failed_ = true;
      error_ = std::move(written).error();
      jobs_.clear();
      job_bytes_ = 0;
    }
    changed_.notify_all();
  }
}

}  // namespace sputnik
