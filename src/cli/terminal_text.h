// What a model writes, made harmless for a terminal.
#pragma once

#include <string>
#include <string_view>

namespace sputnik::cli {

// Without the control characters with which a text could move the cursor, change colours or
// settings, or hide itself. Line breaks and tabs stay. text: whole UTF-8 characters.
std::string without_controls(std::string_view text);

}  // namespace sputnik::cli
