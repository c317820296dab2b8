#include "grammar/schema_merge.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace sputnik::grammar {
namespace {

using Kind = OrderedJson::Kind;

constexpr int kMaxMerges = 16;  // references that lead to references

constexpr std::string_view kAnnotations[] = {
    "title",   "description", "default",         "examples",         "$schema",
    "$id",     "$comment",    "deprecated",      "readOnly",         "writeOnly",
    "$defs",   "definitions", "contentEncoding", "contentMediaType", "contentSchema",
    "$anchor", "$vocabulary", "example",
};

std::string unescaped(std::string_view part) {
  std::string result;
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (part[i] == '~' && i + 1 < part.size() && (part[i + 1] == '0' || part[i + 1] == '1')) {
      result += part[++i] == '0' ? '~' : '/';
    } else {
      result += part[i];
    }
  }
  return result;
}

OrderedJson& member(OrderedJson& object, std::string_view key) {
  for (auto& [name, value] : object.members) {
    if (name == key) return value;
  }
  object.members.push_back({std::string(key), {}});
  return object.members.back().value;
}

Result<void> merge_into(OrderedJson& into, std::string_view key, const OrderedJson& value) {
  const OrderedJson* before = into.find(key);
  if (before == nullptr || equal(*before, value)) {
    member(into, key) = value;
    return ok_result();
  }
  if (key == "properties" && before->is_object() && value.is_object()) {
    OrderedJson& properties = member(into, key);
    for (const auto& [name, schema] : value.members) {
      const OrderedJson* other = properties.find(name);
      if (other != nullptr && !equal(*other, schema))
        return unsupported("allOf: two schemas for the property \"{}\"", name.substr(0, 60));
      if (other == nullptr) properties.members.push_back({name, schema});
    }
    return ok_result();
  }
  if (key == "required" && before->is_array() && value.is_array()) {
    OrderedJson& required = member(into, key);
    required.items.insert(required.items.end(), value.items.begin(), value.items.end());
    return ok_result();
  }
  return unsupported("allOf: two values of \"{}\"", key);
}

// Of a schema with a constant or a list of them.
std::vector<const OrderedJson*> constants_of(const OrderedJson& schema) {
  std::vector<const OrderedJson*> constants;
  if (const OrderedJson* value = schema.find("const")) {
    constants.push_back(value);
  } else if (const OrderedJson* values = schema.find("enum"); values && values->is_array()) {
    for (const OrderedJson& item : values->items) constants.push_back(&item);
  }
  return constants;
}

bool is_required(const OrderedJson& schema, const std::string& name) {
  const OrderedJson* required = schema.find("required");
  return required != nullptr &&
         std::any_of(required->items.begin(), required->items.end(),
                     [&](const OrderedJson& item) { return item.text == name; });
}

const OrderedJson* followed(const OrderedJson& document, const OrderedJson* schema) {
  for (int i = 0; i < kMaxMerges && schema != nullptr; ++i) {
    const OrderedJson* ref = schema->find("$ref");
    if (ref == nullptr || !ref->is_string()) return schema;
    const auto target = resolve_ref(document, ref->text);
    schema = target.ok() ? target.value() : nullptr;
  }
  return schema;
}

}  // namespace

bool is_annotation(std::string_view keyword) {
  return std::find(std::begin(kAnnotations), std::end(kAnnotations), keyword) !=
         std::end(kAnnotations);
}

Result<const OrderedJson*> resolve_ref(const OrderedJson& document, std::string_view ref) {
  if (!ref.starts_with('#')) return unsupported("$ref to another document: {}", ref.substr(0, 80));
  std::string_view path = ref.substr(1);
  if (!path.empty() && path[0] != '/') return unsupported("$ref to a name: {}", ref.substr(0, 80));
  const OrderedJson* at = &document;
  while (!path.empty() && at != nullptr) {
    path.remove_prefix(1);
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string part = unescaped(path.substr(0, end));
    path.remove_prefix(end);
    if (at->is_array()) {
      std::size_t index = 0;
      const auto read = std::from_chars(part.data(), part.data() + part.size(), index);
      const bool fits = read.ec == std::errc() && read.ptr == part.data() + part.size() &&
                        index < at->items.size();
      at = fits ? &at->items[index] : nullptr;
    } else {
      at = at->find(part);
    }
  }
  if (at == nullptr) return invalid_argument("$ref to nothing: {}", ref.substr(0, 80));
  return at;
}

Result<OrderedJson> merged(const OrderedJson& document,
                           const std::vector<const OrderedJson*>& all) {
  OrderedJson result;
  result.kind = Kind::kObject;
  std::vector<const OrderedJson*> waiting(all.rbegin(), all.rend());
  std::size_t n_closed = 0, n_open = 0, n_merged = 0;
  while (!waiting.empty()) {
    const OrderedJson* schema = waiting.back();
    waiting.pop_back();
    if (schema->kind == Kind::kBool && schema->boolean) continue;
    if (!schema->is_object()) return unsupported("allOf: {}", describe(schema->kind));
    if (++n_merged > kMaxMerges) return unsupported("allOf: too many schemas, or one in itself");
    // An object that is closed for the properties of one part is closed for those of the others.
    const OrderedJson* extra = schema->find("additionalProperties");
    const bool is_closed = extra != nullptr && !(extra->kind == Kind::kBool && extra->boolean);
    if (schema->find("properties") != nullptr || is_closed) ++(is_closed ? n_closed : n_open);
    for (const auto& [key, value] : schema->members) {
      if (key == "allOf" && value.is_array()) {
        for (auto part = value.items.rbegin(); part != value.items.rend(); ++part)
          waiting.push_back(&*part);
      } else if (key == "$ref" && value.is_string()) {
        SPUTNIK_TRY(const OrderedJson* target, resolve_ref(document, value.text));
        waiting.push_back(target);
      } else if (!is_annotation(key)) {
        SPUTNIK_CHECK_OK(merge_into(result, key, value));
      }
    }
  }
  if (n_closed > 0 && n_closed + n_open > 1)
    return unsupported("allOf: additionalProperties beside properties of another part");
  return result;
}

bool equal(const OrderedJson& a, const OrderedJson& b) {
  if (a.kind != b.kind || a.boolean != b.boolean || a.text != b.text ||
      a.items.size() != b.items.size() || a.members.size() != b.members.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a.items.size(); ++i) {
    if (!equal(a.items[i], b.items[i])) return false;
  }
  for (const auto& [key, value] : a.members) {
    const OrderedJson* other = b.find(key);
    if (other == nullptr || !equal(value, *other)) return false;
  }
  return true;
}

std::vector<std::string> types_of(const OrderedJson& schema) {
  std::vector<std::string> types;
  const auto add = [&](std::string_view type) {
    if (std::find(types.begin(), types.end(), type) == types.end()) types.emplace_back(type);
  };
  if (const OrderedJson* type = schema.find("type")) {
    if (type->is_string()) add(type->text);
    for (const OrderedJson& item : type->items) add(item.text);
    return types;
  }
  for (const OrderedJson* value : constants_of(schema)) {
    switch (value->kind) {
      case Kind::kNull:
        add("null");
        break;
      case Kind::kBool:
        add("boolean");
        break;
      case Kind::kNumber:
        add("number");
        break;
      case Kind::kString:
        add("string");
        break;
      case Kind::kArray:
        add("array");
        break;
      case Kind::kObject:
        add("object");
        break;
    }
  }
  if (!types.empty()) return types;
  // Who speaks of properties means an object. Values of other types would be valid as well, but
  // nobody asked for them.
  static constexpr std::pair<std::string_view, std::string_view> kHints[] = {
      {"properties", "object"}, {"required", "object"},         {"additionalProperties", "object"},
      {"items", "array"},       {"prefixItems", "array"},       {"minItems", "array"},
      {"maxItems", "array"},    {"pattern", "string"},          {"format", "string"},
      {"minLength", "string"},  {"maxLength", "string"},        {"minimum", "number"},
      {"maximum", "number"},    {"exclusiveMinimum", "number"}, {"exclusiveMaximum", "number"},
      {"multipleOf", "number"},
  };
  for (const auto& [keyword, type] : kHints) {
    if (schema.find(keyword) != nullptr) add(type);
  }
  if (types.empty()) types = {"null", "boolean", "number", "string", "array", "object"};
  return types;
}

bool are_disjoint(const OrderedJson& document, const OrderedJson& first, const OrderedJson& second,
                  int depth) {
  if (depth > 8) return false;
  const OrderedJson* a = followed(document, &first);
  const OrderedJson* b = followed(document, &second);
  if (a == nullptr || b == nullptr || !a->is_object() || !b->is_object()) return false;
  const auto a_constants = constants_of(*a), b_constants = constants_of(*b);
  if (!a_constants.empty() && !b_constants.empty()) {
    const auto is_scalar = [](const OrderedJson* value) {
      return value->kind == Kind::kString || value->kind == Kind::kBool ||
             value->kind == Kind::kNull;
    };
    const bool scalars = std::all_of(a_constants.begin(), a_constants.end(), is_scalar) &&
                         std::all_of(b_constants.begin(), b_constants.end(), is_scalar);
    return scalars && std::none_of(a_constants.begin(), a_constants.end(), [&](const auto* value) {
             return std::any_of(b_constants.begin(), b_constants.end(),
                                [&](const auto* other) { return equal(*value, *other); });
           });
  }
  // Types must be said: what they are guessed from binds only values of that type.
  const bool a_says = a->find("type") != nullptr || !a_constants.empty();
  const bool b_says = b->find("type") != nullptr || !b_constants.empty();
  if (!a_says || !b_says) return false;
  auto a_types = types_of(*a), b_types = types_of(*b);
  for (auto* types : {&a_types, &b_types})
    std::replace(types->begin(), types->end(), std::string("integer"), std::string("number"));
  const bool share = std::any_of(a_types.begin(), a_types.end(), [&](const std::string& type) {
    return std::find(b_types.begin(), b_types.end(), type) != b_types.end();
  });
  if (!share) return true;
  if (a_types != std::vector<std::string>{"object"} || b_types != a_types) return false;
  const OrderedJson* a_properties = a->find("properties");
  const OrderedJson* b_properties = b->find("properties");
  if (a_properties == nullptr || b_properties == nullptr) return false;
  for (const auto& [name, schema] : a_properties->members) {
    const OrderedJson* other = b_properties->find(name);
    if (other != nullptr && is_required(*a, name) && is_required(*b, name) &&
        are_disjoint(document, schema, *other, depth + 1)) {
      return true;
    }
  }
  return false;
}

}  // namespace sputnik::grammar
