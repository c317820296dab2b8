#include "server/common/json_reader.h"

#include <charconv>
#include <cmath>

#include "formats/printable.h"

namespace sputnik::server {
namespace {

// An upper bound of the number of values, without building any.
std::size_t count_values(std::string_view text) {
  std::size_t count = 1;
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
    } else if (c == ',' || c == '[' || c == '{') {
      ++count;
    }
  }
  return count;
}

template <class T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  if (const auto integer = parse_number<std::int64_t>(text)) return integer;
  const auto number = parse_number<double>(text);
  constexpr double kExact = 9007199254740992;  // 2^53
  if (!number || std::trunc(*number) != *number || std::abs(*number) > kExact) return std::nullopt;
  return static_cast<std::int64_t>(*number);
}

}  // namespace

Result<chat::OrderedJson> parse_body(std::string_view body) {
  constexpr std::string_view kWhere = "failed to deserialize the JSON body";
  if (body.empty()) return invalid_argument("{}: it is empty", kWhere);
  if (count_values(body) > kMaxJsonValues) {
    return invalid_argument("{}: it has more than {} values", kWhere, kMaxJsonValues);
  }
  auto json = chat::parse_ordered_json(body);
  if (!json.ok()) {
    Error error = std::move(json).error();
    error.message = printable(error.message, 300);
    return std::move(error).in(kWhere);
  }
  if (!json.value().is_object()) {
    return invalid_argument("{}: expected an object, found {}", kWhere,
                            chat::describe(json.value().kind));
  }
  return json;
}

std::string JsonView::path_of(std::string_view key) const {
  return path_.empty() ? printable(key) : fmt::format("{}.{}", path_, printable(key));
}

Error JsonView::error(std::string_view message) const {
  if (path_.empty()) return invalid_argument("{}", message);
  return invalid_argument("{}: {}", path_, message);
}

Error JsonView::wrong(std::string_view wanted) const {
  return error(fmt::format("expected {}, found {}", wanted, chat::describe(json_->kind)));
}

Result<std::string> JsonView::as_string() const {
  if (!is_string()) return wrong("a string");
  return json_->text;
}

Result<bool> JsonView::as_bool() const {
  if (!is_bool()) return wrong("a boolean");
  return json_->boolean;
}

Result<std::int64_t> JsonView::as_integer(std::int64_t low, std::int64_t high) const {
  if (!is_number()) return wrong("an integer");
  const auto value = parse_integer(json_->text);
  if (!value || *value < low || *value > high) {
    return error(
        fmt::format("{} is not an integer from {} to {}", printable(json_->text, 40), low, high));
  }
  return *value;
}

Result<double> JsonView::as_number(double low, double high) const {
  if (!is_number()) return wrong("a number");
  const auto value = parse_number<double>(json_->text);
  if (!value || !(*value >= low && *value <= high)) {
    return error(
        fmt::format("{} is not a number from {} to {}", printable(json_->text, 40), low, high));
  }
  return *value;
}

Result<std::vector<JsonView>> JsonView::as_array() const {
  if (!is_array()) return wrong("an array");
  std::vector<JsonView> items;
  items.reserve(json_->items.size());
  for (std::size_t i = 0; i < json_->items.size(); ++i) {
    items.emplace_back(json_->items[i], fmt::format("{}[{}]", path_, i));
  }
  return items;
}

Result<JsonView> JsonView::as_object() const {
  if (!is_object()) return wrong("an object");
  return *this;
}

std::optional<JsonView> JsonView::find(std::string_view key) const {
  const chat::OrderedJson* member = json_->find(key);
  if (member == nullptr || member->is_null()) return std::nullopt;
  return JsonView(*member, path_of(key));
}

Result<std::optional<std::string>> JsonView::get_string(std::string_view key) const {
  const auto member = find(key);
  if (!member) return std::optional<std::string>();
  SPUTNIK_TRY(std::string value, member->as_string());
  return std::optional<std::string>(std::move(value));
}

Result<std::optional<bool>> JsonView::get_bool(std::string_view key) const {
  const auto member = find(key);
  if (!member) return std::optional<bool>();
  SPUTNIK_TRY(const bool value, member->as_bool());
  return std::optional<bool>(value);
}

Result<std::optional<std::int64_t>> JsonView::get_integer(std::string_view key, std::int64_t low,
                                                          std::int64_t high) const {
  const auto member = find(key);
  if (!member) return std::optional<std::int64_t>();
  SPUTNIK_TRY(const std::int64_t value, member->as_integer(low, high));
  return std::optional<std::int64_t>(value);
}

Result<std::optional<double>> JsonView::get_number(std::string_view key, double low,
                                                   double high) const {
  const auto member = find(key);
  if (!member) return std::optional<double>();
  SPUTNIK_TRY(const double value, member->as_number(low, high));
  return std::optional<double>(value);
}

Result<std::optional<float>> JsonView::get_float(std::string_view key, float low,
                                                 float high) const {
  SPUTNIK_TRY(const auto value, get_number(key, low, high));
  if (!value) return std::optional<float>();
  return std::optional<float>(static_cast<float>(*value));
}

Result<std::optional<JsonView>> JsonView::get_object(std::string_view key) const {
  auto member = find(key);
  if (member && !member->is_object()) return member->wrong("an object");
  return member;
}

Result<std::vector<JsonView>> JsonView::get_array(std::string_view key) const {
  const auto member = find(key);
  if (!member) return std::vector<JsonView>();
  return member->as_array();
}

Result<std::vector<std::string>> JsonView::get_strings(std::string_view key,
                                                       std::size_t most) const {
  std::vector<std::string> strings;
  const auto member = find(key);
  if (!member) return strings;
  if (!member->is_string() && !member->is_array()) {
    return member->wrong("a string or an array of strings");
  }
  if (member->json().items.size() > most) {
    return member->error(
        fmt::format("{} strings, at most {} are possible", member->json().items.size(), most));
  }
  std::vector<JsonView> items = {*member};
  if (member->is_array()) {
    SPUTNIK_TRY(items, member->as_array());
  }
  for (const JsonView& item : items) {
    SPUTNIK_TRY(std::string text, item.as_string());
    if (text.empty()) return item.error("an empty string is everywhere");
    strings.push_back(std::move(text));
  }
  return strings;
}

Result<JsonView> JsonView::require(std::string_view key) const {
  const auto member = find(key);
  if (!member) return invalid_argument("{}: it is missing", path_of(key));
  return *member;
}

Result<std::string> JsonView::require_string(std::string_view key) const {
  SPUTNIK_TRY(const JsonView member, require(key));
  return member.as_string();
}

}  // namespace sputnik::server
