#pragma once

#include <span>
#include <string>
#include <string_view>

namespace sputnik::server {

// RFC 4648, section 4, padded.
std::string base64(std::string_view bytes);

// Of the little-endian IEEE 754 numbers one after another.
std::string base64_of_floats(std::span<const float> values);

}  // namespace sputnik::server
