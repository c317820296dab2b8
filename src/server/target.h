// The target of a request ("/v1/models?limit=2") and what stands in it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace sputnik::server {

struct Target {
  std::string path;  // decoded, begins with '/'; "*" for OPTIONS alone
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in the order they came
  std::string authority;  // of "http://authority/path", as proxies ask; usually empty
};

// kInvalidArgument for anything that could mean two things to two programs: broken percent codes,
// control characters, text that is not UTF-8, "." and ".." as segments, a fragment.
Result<Target> parse_target(std::string_view text);

// '+' is a space only in queries.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);

}  // namespace sputnik::server
