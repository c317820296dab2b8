// A validator of JSON Schema as the standard describes it, over parsed values, for as many keywords
// as grammars support. Slow and plain.
#include <cmath>
#include <regex>

#include "base/utf8.h"
#include "grammar/grammar_testing.h"

namespace sputnik::grammar {
namespace {

using Json = nlohmann::json;

bool has_type(const Json& value, const std::string& type) {
  if (type == "null") return value.is_null();
  if (type == "boolean") return value.is_boolean();
  if (type == "string") return value.is_string();
  if (type == "array") return value.is_array();
  if (type == "object") return value.is_object();
  if (type == "number") return value.is_number();
  return type == "integer" && value.is_number() &&
         (value.is_number_integer() || std::floor(value.get<double>()) == value.get<double>());
}

std::size_t n_code_points(std::string_view text) {
  std::size_t n = 0;
  for (const char c : text) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return n;
}

bool matches(const std::string& text, const std::string& pattern) {
  return std::regex_match(text, std::regex(pattern));
}

bool is_ipv6(const std::string& text) {
  const std::size_t gap = text.find("::");
  if (gap != text.npos && text.find("::", gap + 1) != text.npos) return false;
  std::size_t n_groups = 0;
  std::string group;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] != ':') {
      group += text[i];
      continue;
    }
    if (!group.empty()) {
      if (!matches(group, "[0-9a-fA-F]{1,4}")) return false;
      ++n_groups;
    }
    group.clear();
  }
  return gap == text.npos ? n_groups == 8 : n_groups <= 7;
}

bool is_date(const std::string& text) {
  if (!matches(text, "\\d{4}-\\d\\d-\\d\\d")) return false;
  static constexpr int kDays[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const int month = std::stoi(text.substr(5, 2)), day = std::stoi(text.substr(8, 2));
  return month >= 1 && month <= 12 && day >= 1 && day <= kDays[month - 1];
}

bool is_time(const std::string& text) {
  return matches(text, "\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?(Z|[+-]\\d\\d:\\d\\d)") &&
         text.substr(0, 2) < "24" && text.substr(3, 2) < "60" && text.substr(6, 2) < "60";
}

bool has_format(const std::string& text, const std::string& format) {
  if (format == "date") return is_date(text);
  if (format == "time") return is_time(text);
  if (format == "date-time")
    return text.size() > 11 && text[10] == 'T' && is_date(text.substr(0, 10)) &&
           is_time(text.substr(11));
  if (format == "ipv6") return is_ipv6(text);
  if (format == "uuid") return matches(text, "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}");
  if (format == "ipv4")
    return matches(text, "((25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)(\\.(?!$)|$)){4}");
  if (format == "email") return matches(text, "[^@\\s.][^@\\s]*@[^@\\s]+\\.[^@\\s]+");
  if (format == "hostname")
    return text.size() <= 253 && matches(text, "(?!-)[A-Za-z0-9-]+([.][A-Za-z0-9-]+)*");
  if (format == "duration")
    return matches(text,
                   "P(?!$)(\\d+W|(\\d+Y)?(\\d+M)?(\\d+D)?(T(?=\\d)(\\d+H)?(\\d+M)?(\\d+S)?)?)");
  return format == "uri" && matches(text, "[A-Za-z][A-Za-z0-9+.-]*://[^\\s\"<>\\\\^`{|}]+");
}

class Validator {
 public:
  explicit Validator(const Json& document) : document_(document) {}

  std::string check(const Json& schema, const Json& value) const {
    if (schema.is_boolean()) return schema.get<bool>() ? "" : "nothing is valid";
    for (const auto& [keyword, argument] : schema.items()) {
      const std::string why = check_keyword(schema, keyword, argument, value);
      if (!why.empty()) return keyword + ": " + why;
    }
    return "";
  }

 private:
  std::string check_keyword(const Json& schema, const std::string& keyword, const Json& argument,
                            const Json& value) const {
    const auto fails = [&](bool ok) { return ok ? std::string() : value.dump(); };
    if (keyword == "$ref") {
      return check(document_.at(Json::json_pointer(argument.get<std::string>().substr(1))), value);
    }
    if (keyword == "type") {
      if (argument.is_string()) return fails(has_type(value, argument));
      bool any = false;
      for (const Json& type : argument) any |= has_type(value, type);
      return fails(any);
    }
    if (keyword == "enum")
      return fails(std::find(argument.begin(), argument.end(), value) != argument.end());
    if (keyword == "const") return fails(argument == value);
    if (keyword == "anyOf" || keyword == "oneOf" || keyword == "allOf") {
      std::size_t n_valid = 0;
      for (const Json& one : argument) n_valid += check(one, value).empty();
      return fails(keyword == "anyOf"   ? n_valid > 0
                   : keyword == "oneOf" ? n_valid == 1
                                        : n_valid == argument.size());
    }
    if (value.is_string()) return check_string(keyword, argument, value.get<std::string>());
    if (value.is_number()) {
      const double x = value.get<double>();
      const double bound = argument.is_number() ? argument.get<double>() : 0;
      if (keyword == "minimum") return fails(x >= bound);
      if (keyword == "maximum") return fails(x <= bound);
      if (keyword == "exclusiveMinimum") return fails(x > bound);
      if (keyword == "exclusiveMaximum") return fails(x < bound);
      if (keyword == "multipleOf") {
        const double times = x / bound;
        return fails(std::abs(times - std::round(times)) <= 1e-9 * std::max(1.0, std::abs(times)));
      }
    }
    if (value.is_array()) return check_array(schema, keyword, argument, value);
    if (value.is_object()) return check_object(schema, keyword, argument, value);
    return "";
  }

  static std::string check_string(const std::string& keyword, const Json& argument,
                                  const std::string& text) {
    const auto fails = [&](bool ok) { return ok ? std::string() : text; };
    if (keyword == "minLength") return fails(n_code_points(text) >= argument.get<std::size_t>());
    if (keyword == "maxLength") return fails(n_code_points(text) <= argument.get<std::size_t>());
    if (keyword == "pattern")
      return fails(std::regex_search(text, std::regex(argument.get<std::string>())));
    if (keyword == "format") return fails(has_format(text, argument));
    return "";
  }

  std::string check_array(const Json& schema, const std::string& keyword, const Json& argument,
                          const Json& value) const {
    const auto fails = [&](bool ok) { return ok ? std::string() : value.dump(); };
    if (keyword == "minItems") return fails(value.size() >= argument.get<std::size_t>());
    if (keyword == "maxItems") return fails(value.size() <= argument.get<std::size_t>());
    const std::size_t n_prefix = schema.contains("prefixItems") ? schema["prefixItems"].size() : 0;
    for (std::size_t i = 0; i < value.size(); ++i) {
      std::string why;
      if (keyword == "prefixItems" && i < n_prefix) why = check(argument[i], value[i]);
      if (keyword == "items" && i >= n_prefix) why = check(argument, value[i]);
      if (!why.empty()) return why;
    }
    return "";
  }

  std::string check_object(const Json& schema, const std::string& keyword, const Json& argument,
                           const Json& value) const {
    if (keyword == "required") {
      for (const Json& name : argument) {
        if (!value.contains(name.get<std::string>())) return name.dump();
      }
    }
    for (const auto& [name, member] : value.items()) {
      const bool is_known = schema.contains("properties") && schema["properties"].contains(name);
      std::string why;
      if (keyword == "properties" && is_known) why = check(argument[name], member);
      if (keyword == "additionalProperties" && !is_known) why = check(argument, member);
      if (!why.empty()) return name + ": " + why;
    }
    return "";
  }

  const Json& document_;
};

}  // namespace

std::string why_invalid(const Json& schema, const Json& value) {
  return Validator(schema).check(schema, value);
}

}  // namespace sputnik::grammar
