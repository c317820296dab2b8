// What the parts of the store share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace sputnik::assistant {

std::int64_t now_ms();

// kInvalidArgument: it is longer, or not UTF-8.
Result<void> bounded(std::string_view what, std::string_view text, std::size_t most);

}  // namespace sputnik::assistant
