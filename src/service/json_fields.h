// Fields of JSON that this program wrote itself and somebody may have changed since. All errors are
// kCorrupt and name the key.
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "base/result.h"

namespace sputnik::service {

inline const nlohmann::ordered_json* field_or_null(const nlohmann::ordered_json& json,
                                                   const char* key) {
  if (!json.is_object()) return nullptr;
  const auto it = json.find(key);
  return it == json.end() ? nullptr : &*it;
}

Result<std::string> string_field(const nlohmann::ordered_json& json, const char* key);
Result<std::optional<std::string>> optional_string(const nlohmann::ordered_json& json,
                                                   const char* key);
Result<bool> bool_field(const nlohmann::ordered_json& json, const char* key);
Result<std::optional<bool>> optional_bool(const nlohmann::ordered_json& json, const char* key);
Result<const nlohmann::ordered_json*> array_field(const nlohmann::ordered_json& json,
                                                  const char* key);
Result<const nlohmann::ordered_json*> object_field(const nlohmann::ordered_json& json,
                                                   const char* key);
Result<std::vector<std::int32_t>> token_array(const nlohmann::ordered_json& json, const char* key);

template <class T>
Result<std::optional<T>> optional_number(const nlohmann::ordered_json& json, const char* key) {
  const auto* value = field_or_null(json, key);
  if (value == nullptr) return std::optional<T>();
  if constexpr (std::is_floating_point_v<T>) {
    if (!value->is_number()) return corrupt("{}: not a number", key);
    return std::optional<T>(static_cast<T>(value->get<double>()));
  } else {
    if (value->is_number_unsigned()) {
      const auto number = value->get<std::uint64_t>();
      if (number <= static_cast<std::uint64_t>(std::numeric_limits<T>::max()))
        return std::optional<T>(static_cast<T>(number));
    } else if (value->is_number_integer() && std::is_signed_v<T>) {
      const auto number = value->get<std::int64_t>();
      if (number >= static_cast<std::int64_t>(std::numeric_limits<T>::min()))
        return std::optional<T>(static_cast<T>(number));
    }
    return corrupt("{}: not an integer of its range", key);
  }
}

template <class T>
Result<T> number_field(const nlohmann::ordered_json& json, const char* key) {
  SPUTNIK_TRY(const std::optional<T> value, optional_number<T>(json, key));
  if (!value) return corrupt("{}: missing", key);
  return *value;
}

}  // namespace sputnik::service
