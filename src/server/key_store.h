// The keys that a server knows: those of the file as it is now.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "server/key_file.h"

namespace sputnik::server {

// Any thread may call any function. Each look-up looks at the file's time and size, and reads it
// again if they have changed: who was revoked is out at once. A file that cannot be read leaves the
// keys as they were; one that is gone leaves none. A store that has once had keys never becomes one
// that needs none.
class KeyStore {
 public:
  // Reads the file. Errors as read_keys().
  static Result<std::unique_ptr<KeyStore>> open(std::filesystem::path file);
  ~KeyStore();

  bool needs_key();
  // nullptr: there is no such key, or no longer.
  std::shared_ptr<const ApiKey> find(std::string_view secret);
  // Why the file could not be read the last time; empty: it could.
  std::string problem();

  const std::filesystem::path& file() const;

 private:
  struct Impl;
  explicit KeyStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sputnik::server
