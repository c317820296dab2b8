// The file of API keys. It holds no key: of each one a salt and a hash.
//
// The hash is BLAKE2b with a random salt, and not one of the slow hashes that passwords need. A
// slow hash makes guessing expensive where there is little to guess; a key here is 43 random
// letters, 256 bits, which nobody tries out however fast the hash is. And it is computed for every
// request.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sputnik::server {

struct ApiKey {
  std::string id;    // the first 8 letters of the key; no secret, stands in logs
  std::string name;  // as its owner calls it
  bool may_infer = true;
  bool may_manage = false;
  std::int64_t requests_per_min = 0;  // 0: without limit
  std::int64_t tokens_per_min = 0;
  std::int64_t created_s = 0;  // Unix time
  std::array<unsigned char, 16> salt{};
  std::array<unsigned char, 32> hash{};
};

struct NewKey {
  ApiKey key;
  std::string secret;  // "sk-" and 43 letters: shown to its owner now and never again
};

// $XDG_CONFIG_HOME/sputnik/keys.json, or ~/.config/sputnik/keys.json.
std::filesystem::path default_key_file();

// No file is no keys. kCorrupt; kIo, also if others than the owner may write to it.
Result<std::vector<ApiKey>> read_keys(const std::filesystem::path& file);

// Programs that change the file at the same time wait for each other. It is replaced as a whole,
// readable by its owner alone. of: name, scopes and limits. kInvalidArgument: the name.
Result<NewKey> create_key(const std::filesystem::path& file, ApiKey of);
// kNotFound. Returns what has been taken away.
Result<ApiKey> revoke_key(const std::filesystem::path& file, std::string_view id);

// The id that a key would have; empty if the text cannot be a key.
std::string_view key_id(std::string_view secret);
// Takes the same time wherever they differ.
bool is_key(const ApiKey& key, std::string_view secret);

}  // namespace sputnik::server
