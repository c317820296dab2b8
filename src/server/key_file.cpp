#include "server/key_file.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "base/utf8.h"
#include "formats/json.h"
#include "formats/printable.h"

namespace sputnik::server {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxFileBytes = 16 << 20;
constexpr std::size_t kIdLetters = 8;
constexpr std::size_t kLetters = 43;  // 62^43 > 2^256
constexpr std::size_t kMaxNameBytes = 100;
constexpr std::int64_t kMaxPerMin = 1'000'000'000'000;
constexpr std::string_view kPrefix = "sk-";
constexpr std::string_view kAlphabet =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

Error system_error(const std::filesystem::path& path) {
  return io_error("{}: {}", path.string(), std::strerror(errno));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

template <std::size_t N>
std::string to_hex(const std::array<unsigned char, N>& bytes) {
  char text[2 * N + 1];
  sodium_bin2hex(text, sizeof text, bytes.data(), N);
  return text;
}

template <std::size_t N>
bool from_hex(std::string_view text, std::array<unsigned char, N>& bytes) {
  std::size_t n = 0;
  return text.size() == 2 * N &&
         sodium_hex2bin(bytes.data(), N, text.data(), text.size(), nullptr, &n, nullptr) == 0 &&
         n == N;
}

bool is_key_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return kAlphabet.find(c) != std::string_view::npos; });
}

std::array<unsigned char, 32> hash_of(std::string_view secret,
                                      const std::array<unsigned char, 16>& salt) {
  std::array<unsigned char, 32> hash;
  crypto_generichash(hash.data(), hash.size(),
                     reinterpret_cast<const unsigned char*>(secret.data()), secret.size(),
                     salt.data(), salt.size());
  return hash;
}

Result<ApiKey> parse_key(const JsonObject& json) {
  ApiKey key;
  SPUTNIK_TRY(key.id, json.get_string("id"));
  SPUTNIK_TRY(key.name, json.get_string("name"));
  SPUTNIK_TRY(const auto scopes, json.get_string_list("scopes"));
  key.may_infer = std::find(scopes.begin(), scopes.end(), "infer") != scopes.end();
  key.may_manage = std::find(scopes.begin(), scopes.end(), "manage") != scopes.end();
  SPUTNIK_TRY(key.requests_per_min, json.get_i64_or("requests_per_min", 0, 0, kMaxPerMin));
  SPUTNIK_TRY(key.tokens_per_min, json.get_i64_or("tokens_per_min", 0, 0, kMaxPerMin));
  SPUTNIK_TRY(key.created_s, json.get_i64_or("created", 0));
  SPUTNIK_TRY(const std::string salt, json.get_string("salt"));
  SPUTNIK_TRY(const std::string hash, json.get_string("hash"));
  if (key.id.size() != kIdLetters || !is_key_text(key.id)) return json.error("id", "is malformed");
  if (!from_hex(salt, key.salt)) return json.error("salt", "is malformed");
  if (!from_hex(hash, key.hash)) return json.error("hash", "is malformed");
  return key;
}

Json to_json(const ApiKey& key) {
  Json scopes = Json::array();
  if (key.may_infer) scopes.push_back("infer");
  if (key.may_manage) scopes.push_back("manage");
  return {{"id", key.id},
          {"name", key.name},
          {"scopes", scopes},
          {"requests_per_min", key.requests_per_min},
          {"tokens_per_min", key.tokens_per_min},
          {"created", key.created_s},
          {"salt", to_hex(key.salt)},
          {"hash", to_hex(key.hash)}};
}

Result<void> write_all(int fd, std::string_view bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error(path);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return ok_result();
}

// The lock of a file beside it: the file itself is replaced.
Result<int> lock_beside(const std::filesystem::path& file) {
  const std::filesystem::path path = file.string() + ".lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return system_error(path);
  while (::flock(fd, LOCK_EX) != 0) {
    if (errno == EINTR) continue;
    const Error error = system_error(path);
    ::close(fd);
    return error;
  }
  return fd;
}

Result<void> write_keys(const std::filesystem::path& file, const std::vector<ApiKey>& keys) {
  Json all = Json::array();
  for (const ApiKey& key : keys) all.push_back(to_json(key));
  const std::string text =
      Json{{"version", 1}, {"keys", all}}.dump(2, ' ', false, Json::error_handler_t::replace) +
      "\n";

  const std::filesystem::path temporary = file.string() + ".new";
  ::unlink(temporary.c_str());  // of a program that died; the lock is ours
  {
    const Descriptor fd(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (fd.get() < 0) return system_error(temporary);
    SPUTNIK_CHECK_OK(write_all(fd.get(), text, temporary));
    if (::fsync(fd.get()) != 0) return system_error(temporary);
  }
  if (::rename(temporary.c_str(), file.c_str()) != 0) return system_error(file);
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
  const Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || ::fsync(fd.get()) != 0) return system_error(folder);
  return ok_result();
}

Result<void> check_name(std::string_view name) {
  if (name.empty()) return invalid_argument("a key needs a name");
  if (name.size() > kMaxNameBytes)
    return invalid_argument("the name has more than {} bytes", kMaxNameBytes);
  if (printable(name, kMaxNameBytes) != name)
    return invalid_argument("the name holds control characters, or is not UTF-8");
  return ok_result();
}

}  // namespace

std::filesystem::path default_key_file() {
  const char* config = std::getenv("XDG_CONFIG_HOME");
  const char* home = std::getenv("HOME");
  std::filesystem::path folder =
      config != nullptr && *config != '\0'
          ? std::filesystem::path(config)
          : std::filesystem::path(home != nullptr ? home : ".") / ".config";
  return folder / "sputnik" / "keys.json";
}

Result<std::vector<ApiKey>> read_keys(const std::filesystem::path& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) {
    if (errno == ENOENT) return std::vector<ApiKey>();
    return system_error(file);
  }
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return io_error("{}: others may write to it; chmod 600 is what it needs", file.string());
  SPUTNIK_TRY(const JsonDocument document, JsonDocument::read(file, kMaxFileBytes));
  SPUTNIK_TRY(const std::int64_t version, document.root().get_i64("version"));
  if (version != 1) return corrupt("{}: version {} is not known", file.string(), version);
  SPUTNIK_TRY(const auto list, document.root().get_object_list("keys"));
  std::vector<ApiKey> keys;
  for (const JsonObject& json : list) {
    SPUTNIK_TRY(ApiKey key, parse_key(json));
    keys.push_back(std::move(key));
  }
  return keys;
}

Result<NewKey> create_key(const std::filesystem::path& file, ApiKey of) {
  SPUTNIK_CHECK_OK(check_name(of.name));
  if (!of.may_infer && !of.may_manage) return invalid_argument("a key needs a scope");
  if (sodium_init() < 0) return io_error("the system has no random numbers");
  if (file.has_parent_path()) {
    std::error_code error;
    std::filesystem::create_directories(file.parent_path(), error);
    if (error) return io_error("{}: {}", file.parent_path().string(), error.message());
  }
  SPUTNIK_TRY(const int lock, lock_beside(file));
  const Descriptor locked(lock);
  SPUTNIK_TRY(auto keys, read_keys(file));

  NewKey made;
  const auto is_taken = [&](std::string_view id) {
    return std::any_of(keys.begin(), keys.end(), [&](const ApiKey& key) { return key.id == id; });
  };
  do {
    made.secret = kPrefix;
    for (std::size_t i = 0; i < kLetters; ++i) {
      const std::uint32_t letter =
          randombytes_uniform(static_cast<std::uint32_t>(kAlphabet.size()));
      made.secret += kAlphabet[letter];
    }
  } while (is_taken(key_id(made.secret)));
  of.id = key_id(made.secret);
  of.created_s = static_cast<std::int64_t>(std::time(nullptr));
  randombytes_buf(of.salt.data(), of.salt.size());
  of.hash = hash_of(made.secret, of.salt);
  made.key = of;
  keys.push_back(std::move(of));
  SPUTNIK_CHECK_OK(write_keys(file, keys));
  return made;
}

Result<ApiKey> revoke_key(const std::filesystem::path& file, std::string_view id) {
  std::error_code error;
  if (!std::filesystem::exists(file, error))
    return not_found("there are no keys in {}", file.string());
  SPUTNIK_TRY(const int lock, lock_beside(file));
  const Descriptor locked(lock);
  SPUTNIK_TRY(auto keys, read_keys(file));
  const auto found =
      std::find_if(keys.begin(), keys.end(), [&](const ApiKey& key) { return key.id == id; });
  if (found == keys.end())
    return not_found("there is no key \"{}\"; `sputnik key list` shows which there are",
                     printable(id));
  const ApiKey revoked = *found;
  keys.erase(found);
  SPUTNIK_CHECK_OK(write_keys(file, keys));
  return revoked;
}

std::string_view key_id(std::string_view secret) {
  if (secret.size() != kPrefix.size() + kLetters || !secret.starts_with(kPrefix)) return {};
  secret.remove_prefix(kPrefix.size());
  return is_key_text(secret) ? secret.substr(0, kIdLetters) : std::string_view();
}

bool is_key(const ApiKey& key, std::string_view secret) {
  const auto hash = hash_of(secret, key.salt);
  return sodium_memcmp(hash.data(), key.hash.data(), hash.size()) == 0;
}

}  // namespace sputnik::server
