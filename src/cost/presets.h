// Models that are known by name.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sputnik {

// The keys of a published config.json. kNotFound.
Result<nlohmann::json> preset_config(std::string_view name);
std::vector<std::string> preset_names();

}  // namespace sputnik
