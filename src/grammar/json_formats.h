// What the "format" of a JSON string means, as a regular expression.
#pragma once

#include <optional>
#include <string_view>

namespace sputnik::grammar {

// ECMAScript, for the whole string. Each describes valid texts of the format, and most of those
// that people write; dates know how long months are, but not leap years. Nothing: not known.
std::optional<std::string_view> format_pattern(std::string_view format);

}  // namespace sputnik::grammar
