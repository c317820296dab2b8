// Files of the clone that the program was built in, wherever that has been moved to.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/result.h"

namespace sputnik::cli {

// The absolute path of "models/default" and the like. kNotFound: the program has no clone around
// it.
Result<std::filesystem::path> find_shipped(std::string_view relative);

}  // namespace sputnik::cli
