#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace sputnik {
namespace {

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

Error system_error(const std::filesystem::path& path, int error_number) {
  const ErrorCode code = error_number == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo;
  return make_error(code, "{}: {}", path.string(), std::strerror(error_number));
}

// Checks that it is a regular file, so that opening a pipe or a device cannot block for ever.
Result<std::size_t> regular_file_size(int fd, const std::filesystem::path& path) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return system_error(path, errno);
  if (S_ISDIR(info.st_mode)) return io_error("{}: is a directory", path.string());
  if (!S_ISREG(info.st_mode)) return io_error("{}: is not a regular file", path.string());
  return static_cast<std::size_t>(info.st_size);
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) return system_error(path, errno);
  SPUTNIK_TRY(const std::size_t size, regular_file_size(fd.get(), path));

  MappedFile file;
  file.path_ = path;
  if (size > 0) {
    void* data = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
    if (data == MAP_FAILED && errno == ENOMEM) {
      return make_error(ErrorCode::kExhausted,
                        "{}: {:.1f} GB of address space are needed, and there is less (ulimit -v)",
                        path.string(), static_cast<double>(size) / 1e9);
    }
    if (data == MAP_FAILED) return system_error(path, errno);
    file.data_ = static_cast<const std::byte*>(data);
    file.size_ = size;
  }
  return file;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      path_(std::move(other.path_)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(path_, other.path_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) return system_error(path, errno);
  SPUTNIK_TRY(const std::size_t size, regular_file_size(fd.get(), path));
  if (size > max_bytes) {
    return exhausted("{}: {} bytes, at most {} are read", path.string(), size, max_bytes);
  }
  std::string content(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const ssize_t n = ::read(fd.get(), content.data() + done, size - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error(path, errno);
    if (n == 0) break;  // shortened while we read it
    done += static_cast<std::size_t>(n);
  }
  content.resize(done);
  return content;
}

Result<void> write_file_atomically(const std::filesystem::path& path, std::string_view content) {
  const std::string temporary = fmt::format("{}.{}.tmp", path.string(), ::getpid());
  {
    const FileDescriptor fd(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (fd.get() < 0) return system_error(temporary, errno);
    std::size_t done = 0;
    int failure = 0;
    while (done < content.size() && failure == 0) {
      const ssize_t n = ::write(fd.get(), content.data() + done, content.size() - done);
      if (n >= 0) done += static_cast<std::size_t>(n);
      if (n < 0 && errno != EINTR) failure = errno;
    }
    if (failure == 0 && ::fsync(fd.get()) != 0) failure = errno;
    if (failure != 0) {
      ::unlink(temporary.c_str());
      return system_error(path, failure);
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int failure = errno;
    ::unlink(temporary.c_str());
    return system_error(path, failure);
  }
  return ok_result();
}

}  // namespace sputnik
