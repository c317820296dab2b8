#include "server/gemini/gemini_schema.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace sputnik::server::gemini {
namespace {

using chat::OrderedJson;
using chat::OrderedJsonMember;

OrderedJson json_string(std::string text) {
  OrderedJson json;
  json.kind = OrderedJson::Kind::kString;
  json.text = std::move(text);
  return json;
}

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

// Names may be written with underscores.
std::string camel(std::string_view key) {
  std::string result;
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (key[i] == '_' && i + 1 < key.size() && key[i + 1] >= 'a' && key[i + 1] <= 'z') {
      result += static_cast<char>(key[++i] - 'a' + 'A');
    } else {
      result += key[i];
    }
  }
  return result;
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// 64-bit counts are strings in Google's JSON.
OrderedJson count(const OrderedJson& value) {
  OrderedJson result = value;
  if (value.is_string() && is_number(value.text)) result.kind = OrderedJson::Kind::kNumber;
  return result;
}

// Those that ordering names come first, in its order. Near-linear: both come from strangers.
OrderedJson properties(const OrderedJson& value, const OrderedJson* ordering) {
  OrderedJson result = value;
  for (OrderedJsonMember& member : result.members) member.value = json_schema_of(member.value);
  if (ordering == nullptr) return result;
  std::unordered_map<std::string_view, std::size_t> places;
  for (const OrderedJson& name : ordering->items) places.try_emplace(name.text, places.size());
  const auto place = [&](const OrderedJsonMember& member) {
    const auto found = places.find(member.key);
    return found == places.end() ? places.size() : found->second;
  };
  std::stable_sort(
      result.members.begin(), result.members.end(),
      [&](const OrderedJsonMember& a, const OrderedJsonMember& b) { return place(a) < place(b); });
  return result;
}

OrderedJson all(const OrderedJson& schemas) {
  OrderedJson result = schemas;
  for (OrderedJson& item : result.items) item = json_schema_of(item);
  return result;
}

// true became type [type, "null"], and null one of the values.
void make_nullable(OrderedJson& schema) {
  for (OrderedJsonMember& member : schema.members) {
    if (member.key == "type" && member.value.is_string()) {
      OrderedJson types;
      types.kind = OrderedJson::Kind::kArray;
      types.items = {member.value, json_string("null")};
      member.value = std::move(types);
    } else if (member.key == "enum") {
      member.value.items.emplace_back();
    }
  }
}

}  // namespace

OrderedJson json_schema_of(const OrderedJson& schema) {
  if (!schema.is_object()) return schema;
  OrderedJson result;
  result.kind = OrderedJson::Kind::kObject;
  bool nullable = false;
  const OrderedJson* ordering = schema.find("propertyOrdering");
  if (ordering == nullptr) ordering = schema.find("property_ordering");
  for (const auto& [name, value] : schema.members) {
    const std::string key = camel(name);
    if (key == "type" && value.is_string()) {
      if (value.text == "TYPE_UNSPECIFIED") continue;
      result.members.push_back({key, json_string(lower(value.text))});
    } else if (key == "nullable") {
      nullable = value.boolean;
    } else if (key == "properties") {
      result.members.push_back({key, properties(value, ordering)});
    } else if (key == "items") {
      result.members.push_back({key, json_schema_of(value)});
    } else if (key == "anyOf") {
      result.members.push_back({key, all(value)});
    } else if (key == "minItems" || key == "maxItems" || key == "minLength" || key == "maxLength" ||
               key == "minProperties" || key == "maxProperties") {
      result.members.push_back({key, count(value)});
    } else if (key == "format") {
      // "int32", "float", "enum": what numbers are stored in. Only those of texts mean something.
      if (value.text == "date-time" || value.text == "date" || value.text == "time") {
        result.members.push_back({key, value});
      }
    } else if (key != "propertyOrdering" && key != "example") {
      result.members.push_back({key, value});
    }
  }
  if (nullable) make_nullable(result);
  return result;
}

}  // namespace sputnik::server::gemini
