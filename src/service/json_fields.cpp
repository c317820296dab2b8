#include "service/json_fields.h"

namespace sputnik::service {

using Json = nlohmann::ordered_json;

Result<std::optional<std::string>> optional_string(const Json& json, const char* key) {
  const Json* value = field_or_null(json, key);
  if (value == nullptr) return std::optional<std::string>();
  if (!value->is_string()) return corrupt("{}: not a string", key);
  return std::optional(value->get<std::string>());
}

Result<std::string> string_field(const Json& json, const char* key) {
  SPUTNIK_TRY(auto value, optional_string(json, key));
  if (!value) return corrupt("{}: missing", key);
  return std::move(*value);
}

Result<std::optional<bool>> optional_bool(const Json& json, const char* key) {
  const Json* value = field_or_null(json, key);
  if (value == nullptr) return std::optional<bool>();
  if (!value->is_boolean()) return corrupt("{}: neither true nor false", key);
  return std::optional(value->get<bool>());
}

Result<bool> bool_field(const Json& json, const char* key) {
  SPUTNIK_TRY(const auto value, optional_bool(json, key));
  if (!value) return corrupt("{}: missing", key);
  return *value;
}

Result<const Json*> array_field(const Json& json, const char* key) {
  const Json* value = field_or_null(json, key);
  if (value == nullptr || !value->is_array()) return corrupt("{}: not a list", key);
  return value;
}

Result<const Json*> object_field(const Json& json, const char* key) {
  const Json* value = field_or_null(json, key);
  if (value == nullptr || !value->is_object()) return corrupt("{}: not an object", key);
  return value;
}

Result<std::vector<std::int32_t>> token_array(const Json& json, const char* key) {
  SPUTNIK_TRY(const Json* list, array_field(json, key));
  std::vector<std::int32_t> tokens;
  tokens.reserve(list->size());
  for (const Json& item : *list) {
    if (!item.is_number_integer()) return corrupt("{}: not a token", key);
    const auto id = item.get<std::int64_t>();
    if (id < 0 || id > std::numeric_limits<std::int32_t>::max())
      return corrupt("{}: {} is no token", key, id);
    tokens.push_back(static_cast<std::int32_t>(id));
  }
  return tokens;
}

}  // namespace sputnik::service
