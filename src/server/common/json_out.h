// JSON that replies are made of: keys stay in the order in which they were written. Only for .cpp
// files, since the library's header takes long to compile.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace sputnik::server {

using Json = nlohmann::ordered_json;

// One line. Malformed UTF-8, of which a model's tokens may be made, becomes U+FFFD.
inline std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// A JSON text from ourselves as a value; what is no JSON stays a string.
inline Json parsed_or_string(std::string_view text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return json.is_discarded() ? Json(text) : json;
}

}  // namespace sputnik::server
