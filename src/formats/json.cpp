#include "formats/json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/mapped_file.h"
#include "formats/printable.h"

namespace sputnik {
namespace {

using nlohmann::json;

// Accepts everything and remembers where the parser gave up.
struct ErrorLocator final : nlohmann::json_sax<json> {
  std::size_t position = 0;  // bytes read, the offending one included

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return true; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(std::size_t at, const std::string&,
                   const nlohmann::detail::exception&) override {
    position = at;
    return false;
  }
};

Error malformed(std::string_view text) {
  ErrorLocator locator;
  json::sax_parse(text, &locator);
  const std::string_view before = text.substr(0, std::max<std::size_t>(locator.position, 1) - 1);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const auto column = before.size() - (before.rfind('\n') + 1) + 1;  // npos + 1 is 0
  return corrupt("malformed JSON at line {}, column {}", line, column);
}

std::string_view describe(const json& value) {
  switch (value.type()) {
    case json::value_t::object:
      return "an object";
    case json::value_t::array:
      return "an array";
    case json::value_t::string:
      return "a string";
    case json::value_t::boolean:
      return "a boolean";
    case json::value_t::number_float:
      return "a fraction";
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
      return "an integer";
    default:
      return "null";
  }
}

// nullopt: not an integer, or one that does not fit.
std::optional<std::int64_t> as_i64(const json& value) {
  if (const auto* v = value.get_ptr<const json::number_unsigned_t*>()) {
    if (!std::in_range<std::int64_t>(*v)) return std::nullopt;
    return static_cast<std::int64_t>(*v);
  }
  if (const auto* v = value.get_ptr<const json::number_integer_t*>()) return *v;
  return std::nullopt;
}

}  // namespace

bool json_is_deeper_than(std::string_view text, int limit) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > limit) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

Result<json> parse_json(std::string_view text, int max_depth) {
  if (json_is_deeper_than(text, max_depth)) {
    return corrupt("JSON is nested more than {} levels deep", max_depth);
  }
  json value = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) return malformed(text);
  return value;
}

const json* JsonObject::find(std::string_view key) const {
  const auto it = json_->find(key);
  return it == json_->end() || it->is_null() ? nullptr : &*it;
}

Error JsonObject::error(std::string_view key, std::string_view what) const {
  return corrupt("{}: {}{} {}", source_, path_, printable(key), what);
}

Error JsonObject::wrong_type(std::string_view key, const json& value,
                             std::string_view wanted) const {
  return error(key, fmt::format("is {}, not {}", describe(value), wanted));
}

bool JsonObject::has(std::string_view key) const {
  return find(key) != nullptr;
}

std::vector<std::string> JsonObject::keys() const {
  std::vector<std::string> result;
  for (const auto& item : json_->items()) result.push_back(item.key());
  return result;
}

Result<std::int64_t> JsonObject::get_i64(std::string_view key, std::int64_t low,
                                         std::int64_t high) const {
  const json* value = find(key);
  if (value == nullptr) return missing(key);
  if (!value->is_number_integer()) return wrong_type(key, *value, "an integer");
  const auto number = as_i64(*value);
  if (!number || *number < low || *number > high) {
    return error(key, fmt::format("is {}, which is out of range", value->dump()));
  }
  return *number;
}

Result<double> JsonObject::get_f64(std::string_view key) const {
  const json* value = find(key);
  if (value == nullptr) return missing(key);
  if (!value->is_number()) return wrong_type(key, *value, "a number");
  return value->get<double>();
}

Result<bool> JsonObject::get_bool(std::string_view key) const {
  const json* value = find(key);
  if (value == nullptr) return missing(key);
  if (!value->is_boolean()) return wrong_type(key, *value, "a boolean");
  return value->get<bool>();
}

Result<std::string> JsonObject::get_string(std::string_view key) const {
  const json* value = find(key);
  if (value == nullptr) return missing(key);
  if (!value->is_string()) return wrong_type(key, *value, "a string");
  return value->get_ref<const std::string&>();
}

Result<JsonObject> JsonObject::get_object(std::string_view key) const {
  const json* value = find(key);
  if (value == nullptr) return missing(key);
  if (!value->is_object()) return wrong_type(key, *value, "an object");
  return JsonObject(*value, source_, fmt::format("{}{}.", path_, printable(key)));
}

Result<std::int64_t> JsonObject::get_i64_or(std::string_view key, std::int64_t otherwise,
                                            std::int64_t low, std::int64_t high) const {
  return has(key) ? get_i64(key, low, high) : otherwise;
}

Result<double> JsonObject::get_f64_or(std::string_view key, double otherwise) const {
  return has(key) ? get_f64(key) : otherwise;
}

Result<bool> JsonObject::get_bool_or(std::string_view key, bool otherwise) const {
  return has(key) ? get_bool(key) : otherwise;
}

Result<std::string> JsonObject::get_string_or(std::string_view key,
                                              std::string_view otherwise) const {
  return has(key) ? get_string(key) : std::string(otherwise);
}

Result<std::optional<JsonObject>> JsonObject::find_object(std::string_view key) const {
  if (!has(key)) return std::optional<JsonObject>();
  SPUTNIK_TRY(auto object, get_object(key));
  return std::optional<JsonObject>(std::move(object));
}

// convert(value, i) is element i, or nullopt if it is of another type.
template <class T, class Convert>
Result<std::vector<T>> JsonObject::get_list(std::string_view key, std::string_view wanted,
                                            Convert convert) const {
  std::vector<T> result;
  const json* value = find(key);
  if (value == nullptr) return result;
  const auto add = [&](const json& element) {
    std::optional<T> converted = convert(element, result.size());
    if (converted) result.push_back(std::move(*converted));
    return converted.has_value();
  };
  if (!value->is_array()) {
    if (!add(*value)) return wrong_type(key, *value, wanted);
    return result;
  }
  for (std::size_t i = 0; i < value->size(); ++i) {
    if (!add((*value)[i])) {
      return wrong_type(fmt::format("{}[{}]", key, i), (*value)[i], wanted);
    }
  }
  return result;
}

Result<std::vector<std::int64_t>> JsonObject::get_i64_list(std::string_view key) const {
  return get_list<std::int64_t>(key, "an integer of 64 bits",
                                [](const json& v, std::size_t) { return as_i64(v); });
}

Result<std::vector<double>> JsonObject::get_f64_list(std::string_view key) const {
  return get_list<double>(key, "a number", [](const json& v, std::size_t) -> std::optional<double> {
    if (!v.is_number()) return std::nullopt;
    return v.get<double>();
  });
}

Result<std::vector<std::string>> JsonObject::get_string_list(std::string_view key) const {
  return get_list<std::string>(key, "a string",
                               [](const json& v, std::size_t) -> std::optional<std::string> {
                                 if (!v.is_string()) return std::nullopt;
                                 return v.get_ref<const std::string&>();
                               });
}

Result<std::vector<JsonObject>> JsonObject::get_object_list(std::string_view key) const {
  return get_list<JsonObject>(
      key, "an object", [&](const json& v, std::size_t i) -> std::optional<JsonObject> {
        if (!v.is_object()) return std::nullopt;
        return JsonObject(v, source_, fmt::format("{}{}[{}].", path_, printable(key), i));
      });
}

Result<JsonDocument> JsonDocument::parse(std::string_view text, std::string source) {
  auto parsed = parse_json(text);
  if (!parsed.ok()) return std::move(parsed).error().in(source);
  if (!parsed.value().is_object())
    return corrupt("{}: {} instead of an object", source, describe(parsed.value()));
  return JsonDocument(std::make_shared<const json>(std::move(parsed).value()), std::move(source));
}

Result<JsonDocument> JsonDocument::read(const std::filesystem::path& path, std::size_t max_bytes) {
  SPUTNIK_TRY(const auto text, read_file(path, max_bytes));
  auto document = parse(text, printable(path.string(), 4096));
  if (document.ok()) document.value().source_ = printable(path.filename().string());
  return document;
}

}  // namespace sputnik
