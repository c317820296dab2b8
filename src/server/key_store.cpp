#include "server/key_store.h"

#include <sys/stat.h>

#include <cerrno>
#include <map>
#include <mutex>

namespace sputnik::server {
namespace {

// What changes when a file is replaced, even within one tick of the clock.
struct Stamp {
  ino_t inode = 0;
  off_t size = -1;  // -1: there is no file
  timespec modified{}, changed{};

  static Stamp of(const std::filesystem::path& file) {
    struct stat info {};
    if (::stat(file.c_str(), &info) != 0) return {};
    return {info.st_ino, info.st_size, info.st_mtim, info.st_ctim};
  }
  bool operator==(const Stamp& other) const {
    const auto same = [](const timespec& a, const timespec& b) {
      return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
    };
    return inode == other.inode && size == other.size && same(modified, other.modified) &&
           same(changed, other.changed);
  }
};

}  // namespace

struct KeyStore::Impl {
  Result<void> refresh() {  // under the mutex
    const Stamp now = Stamp::of(file);
    if (was_read && now == stamp) return ok_result();
    was_read = true;
    stamp = now;  // before reading: what changes meanwhile is read again
    auto read = read_keys(file);
    if (!read.ok()) {
      problem = read.error().message;
      return std::move(read).error();
    }
    problem.clear();
    keys.clear();
    for (ApiKey& key : read.value()) {
      auto shared = std::make_shared<const ApiKey>(std::move(key));
      keys[shared->id] = shared;
    }
    had_keys |= !keys.empty();
    return ok_result();
  }

  std::filesystem::path file;
  std::mutex mutex;
  Stamp stamp;
  bool was_read = false;
  bool had_keys = false;
  std::string problem;
  std::map<std::string, std::shared_ptr<const ApiKey>, std::less<>> keys;
};

KeyStore::KeyStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KeyStore::~KeyStore() = default;

Result<std::unique_ptr<KeyStore>> KeyStore::open(std::filesystem::path file) {
  auto impl = std::make_unique<Impl>();
  impl->file = std::move(file);
  SPUTNIK_CHECK_OK(impl->refresh());
  return std::unique_ptr<KeyStore>(new KeyStore(std::move(impl)));
}

bool KeyStore::needs_key() {
  const std::lock_guard lock(impl_->mutex);
  (void)impl_->refresh().ok();
  return impl_->had_keys;
}

std::shared_ptr<const ApiKey> KeyStore::find(std::string_view secret) {
  const std::string_view id = key_id(secret);
  if (id.empty()) return nullptr;
  std::shared_ptr<const ApiKey> key;
  {
    const std::lock_guard lock(impl_->mutex);
    (void)impl_->refresh().ok();
    const auto found = impl_->keys.find(id);
    if (found != impl_->keys.end()) key = found->second;
  }
  return key != nullptr && is_key(*key, secret) ? key : nullptr;
}

std::string KeyStore::problem() {
  const std::lock_guard lock(impl_->mutex);
  return impl_->problem;
}

const std::filesystem::path& KeyStore::file() const {
  return impl_->file;
}

}  // namespace sputnik::server
