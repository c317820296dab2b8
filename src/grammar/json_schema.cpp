// JSON Schema: what each keyword means for how a value is written. Where the language of all valid
// values is not worth its trouble, a smaller one is compiled, never a larger one:
//   - properties come in the schema's order, and further ones behind them;
//   - an object with "properties" and without "additionalProperties" has those properties alone;
//   - a schema without a type means the types that its keywords are about;
//   - strings under a pattern are written without escapes that are not needed;
//   - "format" is what json_formats.cpp says.
#include <algorithm>
#include <deque>
#include <map>
#include <unordered_set>
#include <utility>

#include "grammar/json_formats.h"
#include "grammar/json_numbers.h"
#include "grammar/json_text.h"
#include "grammar/regex_syntax.h"
#include "grammar/rules_grammar.h"
#include "grammar/schema_merge.h"

namespace sputnik::grammar {
namespace {

using Kind = OrderedJson::Kind;

constexpr std::size_t kMaxSchemaBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxSchemas = 20'000;                     // compiled, repetitions included
constexpr std::size_t kMaxMergedBytes = std::size_t{64} << 20;  // copied by merging, roughly
// Longer strings and arrays would be valid; nobody counts that far with a model.
constexpr int kMaxStringLength = 20'000;
constexpr int kMaxItems = 10'000;

constexpr std::string_view kUnsupported[] = {
    "not",
    "if",
    "then",
    "else",
    "dependencies",
    "contains",
    "propertyNames",
    "dependentRequired",
    "minContains",
    "maxContains",
    "minProperties",
    "dependentSchemas",
    "maxProperties",
    "uniqueItems",
    "patternProperties",
    "unevaluatedItems",
    "$dynamicRef",
    "$recursiveRef",
    "unevaluatedProperties",
    "additionalItems",
};

bool is_true(const OrderedJson& json) {
  return json.kind == Kind::kBool && json.boolean;
}
bool is_false(const OrderedJson& json) {
  return json.kind == Kind::kBool && !json.boolean;
}

class SchemaCompiler {
 public:
  SchemaCompiler(const OrderedJson& document, std::size_t n_bytes, const JsonOptions& options)
      : document_(document), n_bytes_(n_bytes), rules_(json_rules(options)) {}

  Result<RuleSet> run() {
    SPUTNIK_TRY(ExprPtr root, compile(document_, "$"));
    while (!waiting_.empty()) {
      const auto [index, schema, place] = std::move(waiting_.front());
      waiting_.pop_front();
      SPUTNIK_TRY(rules_[index], compile(*schema, place));
    }
    return RuleSet{std::move(root), std::move(rules_)};
  }

 private:
  struct Waiting {
    int index;
    const OrderedJson* schema;
    std::string place;
  };

  Result<ExprPtr> compile(const OrderedJson& schema, const std::string& place) {
    if (++n_schemas_ > kMaxSchemas)
      return unsupported("{}: more than {} schemas in one", place, kMaxSchemas);
    if (is_true(schema)) return rule(kJsonValue);
    if (is_false(schema)) return nothing();
    if (!schema.is_object())
      return invalid_argument("{}: expected a schema, found {}", place, describe(schema.kind));
    SPUTNIK_CHECK_OK(check_keywords(schema, place));
    if (const OrderedJson* ref = schema.find("$ref")) {
      if (!ref->is_string()) return invalid_argument("{}.$ref: expected a string", place);
      if (!has_others(schema, {"$ref"})) return reference(ref->text, place);
      return compile_merged({&schema}, place);
    }
    if (schema.find("allOf") != nullptr) {
      SPUTNIK_TRY(const auto* parts, list(schema, "allOf", place));
      static_cast<void>(parts);
      return compile_merged({&schema}, place);
    }
    for (const char* keyword : {"anyOf", "oneOf"}) {
      if (schema.find(keyword) != nullptr) return alternatives(schema, keyword, place);
    }
    if (schema.find("enum") != nullptr || schema.find("const") != nullptr)
      return constants(schema, place);
    return by_type(schema, place);
  }

  Result<void> check_keywords(const OrderedJson& schema, const std::string& place) {
    for (const auto& [key, value] : schema.members) {
      if (std::find(std::begin(kUnsupported), std::end(kUnsupported), key) ==
          std::end(kUnsupported)) {
        continue;
      }
      // What asks for nothing can be granted.
      const bool asks_for_nothing =
          (key == "uniqueItems" && is_false(value)) ||
          ((key == "minProperties" || key == "minContains") && value.text == "0") ||
          ((key == "dependentRequired" || key == "dependentSchemas" || key == "patternProperties" ||
            key == "dependencies") &&
           value.is_object() && value.members.empty()) ||
          (key == "unevaluatedProperties" && is_true(value)) ||
          ((key == "unevaluatedItems" || key == "propertyNames") && is_true(value)) ||
          (key == "additionalItems" && schema.find("items") == nullptr);
      if (!asks_for_nothing) return unsupported("{}: \"{}\" is not supported", place, key);
    }
    return ok_result();
  }

  static bool has_others(const OrderedJson& schema,
                         std::initializer_list<std::string_view> expected) {
    return std::any_of(schema.members.begin(), schema.members.end(), [&](const auto& member) {
      return !is_annotation(member.key) &&
             std::find(expected.begin(), expected.end(), member.key) == expected.end();
    });
  }

  Result<const std::vector<OrderedJson>*> list(const OrderedJson& schema, std::string_view keyword,
                                               const std::string& place) {
    const OrderedJson* value = schema.find(keyword);
    if (!value->is_array() || value->items.empty())
      return invalid_argument("{}.{}: expected a list of schemas", place, keyword);
    return &value->items;
  }

  Result<ExprPtr> reference(const std::string& ref, const std::string& place) {
    auto target = resolve_ref(document_, ref);
    if (!target.ok()) return std::move(target).error().in(place);
    const auto [at, is_new] =
        references_.try_emplace(target.value(), static_cast<int>(rules_.size()));
    if (is_new) {
      rules_.emplace_back(nothing());
      std::string name = "$";  // its place, without the anchor
      for (const char c : ref.substr(1)) name += c == '/' ? '.' : c;
      waiting_.push_back({at->second, target.value(), std::move(name)});
    }
    return rule(at->second);
  }

  Result<ExprPtr> compile_merged(const std::vector<const OrderedJson*>& parts,
                                 const std::string& place) {
    n_merged_bytes_ += n_bytes_;
    if (n_merged_bytes_ > kMaxMergedBytes)
      return unsupported("{}: too many schemas to be put together", place);
    auto whole = merged(document_, parts);
    if (!whole.ok()) return std::move(whole).error().in(place);
    merged_.push_back(std::move(whole).value());
    return compile(merged_.back(), place);
  }

  // What stands beside anyOf holds for every alternative.
  Result<ExprPtr> alternatives(const OrderedJson& schema, const char* keyword,
                               const std::string& place) {
    SPUTNIK_TRY(const auto* items, list(schema, keyword, place));
    OrderedJson rest;
    const bool has_rest = has_others(schema, {keyword});
    if (has_rest) {
      rest.kind = Kind::kObject;
      for (const auto& [key, value] : schema.members) {
        if (key != keyword) rest.members.push_back({key, value});
      }
    }
    if (std::string_view(keyword) == "oneOf") SPUTNIK_CHECK_OK(check_disjoint(*items, place));
    std::vector<ExprPtr> exprs;
    for (std::size_t i = 0; i < items->size(); ++i) {
      const std::string at = fmt::format("{}.{}[{}]", place, keyword, i);
      auto expr = has_rest ? compile_merged({&rest, &(*items)[i]}, at) : compile((*items)[i], at);
      if (!expr.ok()) return expr;
      exprs.push_back(std::move(expr).value());
    }
    return choice(std::move(exprs));
  }

  // Exactly one of schemas of which no two can hold is any of them.
  Result<void> check_disjoint(const std::vector<OrderedJson>& items, const std::string& place) {
    if (items.size() > 100) return unsupported("{}.oneOf: more than 100 schemas", place);
    for (std::size_t i = 0; i < items.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (!are_disjoint(document_, items[i], items[j])) {
          return unsupported(
              "{}.oneOf: schemas {} and {} may both hold; use anyOf, or different types or "
              "constants",
              place, j, i);
        }
      }
    }
    return ok_result();
  }

  static bool has_type(const OrderedJson& value, const std::vector<std::string>& types) {
    const auto has = [&](std::string_view type) {
      return std::find(types.begin(), types.end(), type) != types.end();
    };
    switch (value.kind) {
      case Kind::kNull:
        return has("null");
      case Kind::kBool:
        return has("boolean");
      case Kind::kString:
        return has("string");
      case Kind::kArray:
        return has("array");
      case Kind::kObject:
        return has("object");
      case Kind::kNumber:
        return has("number") ||
               (has("integer") && value.text.find_first_of(".eE") == std::string::npos);
    }
    return false;
  }

  Result<ExprPtr> constants(const OrderedJson& schema, const std::string& place) {
    if (has_others(schema, {"enum", "const", "type"}))
      return unsupported("{}: constants beside other keywords than \"type\"", place);
    const OrderedJson* one = schema.find("const");
    const OrderedJson* many = schema.find("enum");
    if (many != nullptr && !many->is_array())
      return invalid_argument("{}.enum: expected a list", place);
    SPUTNIK_TRY(const auto types, checked_types(schema, place));
    const bool any_type = schema.find("type") == nullptr;
    std::vector<ExprPtr> exprs;
    const auto add = [&](const OrderedJson& value) {
      if (any_type || has_type(value, types)) exprs.push_back(json_literal(value));
    };
    if (one == nullptr) {
      for (const OrderedJson& value : many->items) add(value);
    } else if (many == nullptr || std::any_of(many->items.begin(), many->items.end(),
                                              [&](const auto& v) { return equal(v, *one); })) {
      add(*one);
    }
    return choice(std::move(exprs));
  }

  Result<std::vector<std::string>> checked_types(const OrderedJson& schema,
                                                 const std::string& place) {
    const OrderedJson* type = schema.find("type");
    if (type != nullptr && !type->is_string() &&
        !(type->is_array() && !type->items.empty() &&
          std::all_of(type->items.begin(), type->items.end(),
                      [](const OrderedJson& item) { return item.is_string(); }))) {
      return invalid_argument("{}.type: expected a type or a list of types", place);
    }
    auto types = types_of(schema);
    static constexpr std::string_view kTypes[] = {"null",   "boolean", "number", "integer",
                                                  "string", "array",   "object"};
    for (const std::string& name : types) {
      if (std::find(std::begin(kTypes), std::end(kTypes), name) == std::end(kTypes))
        return invalid_argument("{}.type: there is no type \"{}\"", place, name.substr(0, 40));
    }
    if (std::find(types.begin(), types.end(), "number") != types.end())
      std::erase(types, "integer");
    return types;
  }

  Result<ExprPtr> by_type(const OrderedJson& schema, const std::string& place) {
    SPUTNIK_TRY(const auto types, checked_types(schema, place));
    if (types.size() == 6 && !has_others(schema, {"type"})) return rule(kJsonValue);
    std::vector<ExprPtr> exprs;
    for (const std::string& type : types) {
      auto expr = type == "string"    ? string(schema, place)
                  : type == "number"  ? number(schema, false, place)
                  : type == "integer" ? number(schema, true, place)
                  : type == "object"  ? object(schema, place)
                  : type == "array"   ? array(schema, place)
                  : type == "boolean" ? Result<ExprPtr>(choice({literal("true"), literal("false")}))
                                      : Result<ExprPtr>(literal("null"));
      if (!expr.ok()) return expr;
      exprs.push_back(std::move(expr).value());
    }
    return choice(std::move(exprs));
  }

  // A count such as minLength; values beyond what fits become a large one.
  Result<std::int64_t> count(const OrderedJson& schema, std::string_view keyword,
                             std::int64_t otherwise, const std::string& place) {
    const OrderedJson* value = schema.find(keyword);
    if (value == nullptr) return otherwise;
    if (value->kind != Kind::kNumber)
      return invalid_argument("{}.{}: expected a number", place, keyword);
    SPUTNIK_TRY(const Decimal decimal, Decimal::parse(value->text));
    if (decimal.negative || !decimal.fraction.empty())
      return invalid_argument("{}.{}: expected a whole number that is not negative", place,
                              keyword);
    if (decimal.integer.size() > 12) return std::int64_t{1} << 40;
    return std::stoll(decimal.integer);
  }

  Result<ExprPtr> string(const OrderedJson& schema, const std::string& place) {
    SPUTNIK_TRY(const std::int64_t min, count(schema, "minLength", 0, place));
    SPUTNIK_TRY(std::int64_t max, count(schema, "maxLength", -1, place));
    const OrderedJson* pattern = schema.find("pattern");
    const OrderedJson* format = schema.find("format");
    for (const OrderedJson* text : {pattern, format}) {
      if (text != nullptr && !text->is_string())
        return invalid_argument("{}: pattern and format are strings", place);
    }
    if (pattern == nullptr && format == nullptr) {
      if (min > kMaxStringLength)
        return unsupported("{}.minLength: more than {}", place, kMaxStringLength);
      max = std::min<std::int64_t>(max, kMaxStringLength);
      if (max >= 0 && max < min) return nothing();
      return json_string(static_cast<int>(min), static_cast<int>(max));
    }
    if (pattern != nullptr && format != nullptr)
      return unsupported("{}: \"pattern\" and \"format\" together", place);
    RegexOptions options{pattern != nullptr, json_code_points};
    std::string_view text;
    if (pattern != nullptr) {
      text = pattern->text;
    } else {
      const auto known = format_pattern(format->text);
      if (!known) return unsupported("{}.format: \"{}\"", place, format->text.substr(0, 40));
      text = *known;
    }
    auto regex = parse_regex(text, options);
    if (!regex.ok()) return std::move(regex).error().in(place + ".pattern");
    const auto& [expr, min_length, max_length] = regex.value();
    if (min_length < min || (max >= 0 && (max_length < 0 || max_length > max))) {
      return unsupported("{}: \"{}\" allows other lengths than minLength and maxLength do", place,
                         pattern != nullptr ? "pattern" : "format");
    }
    return seq({literal("\""), expr, literal("\"")});
  }

  Result<void> bound(const OrderedJson& schema, const char* keyword, bool is_minimum,
                     bool is_exclusive, NumberBounds& bounds, const std::string& place) {
    const OrderedJson* value = schema.find(keyword);
    if (value == nullptr) return ok_result();
    if (value->kind != Kind::kNumber)
      return invalid_argument("{}.{}: expected a number", place, keyword);
    auto decimal = Decimal::parse(value->text);
    if (!decimal.ok()) return std::move(decimal).error().in(place);
    auto& into = is_minimum ? bounds.minimum : bounds.maximum;
    if (into) return unsupported("{}: \"{}\" beside its exclusive form", place, keyword);
    into = std::move(decimal).value();
    (is_minimum ? bounds.exclusive_minimum : bounds.exclusive_maximum) = is_exclusive;
    return ok_result();
  }

  Result<ExprPtr> number(const OrderedJson& schema, bool is_integer, const std::string& place) {
    NumberBounds bounds;
    SPUTNIK_CHECK_OK(bound(schema, "exclusiveMinimum", true, true, bounds, place));
    SPUTNIK_CHECK_OK(bound(schema, "exclusiveMaximum", false, true, bounds, place));
    SPUTNIK_CHECK_OK(bound(schema, "minimum", true, false, bounds, place));
    SPUTNIK_CHECK_OK(bound(schema, "maximum", false, false, bounds, place));
    int multiple = 1;
    bool has_decimals = !is_integer, is_restricted = bounds.minimum || bounds.maximum;
    if (const OrderedJson* value = schema.find("multipleOf")) {
      if (value->kind != Kind::kNumber)
        return invalid_argument("{}.multipleOf: expected a number", place);
      SPUTNIK_TRY(const Decimal of, Decimal::parse(value->text));
      const bool is_power = of.integer == "0" && !of.fraction.empty() &&
                            of.fraction.find_first_not_of('0') == of.fraction.size() - 1 &&
                            of.fraction.back() == '1';
      if (of.negative || of.is_zero()) return invalid_argument("{}.multipleOf: not above 0", place);
      if (of.fraction.empty() && (of.integer.size() < 4 || of.integer == "1000")) {
        multiple = std::stoi(of.integer);
        has_decimals = false;
      } else if (is_power && of.fraction.size() <= 20) {
        bounds.max_fraction_digits = static_cast<int>(of.fraction.size());
      } else {
        return unsupported("{}.multipleOf: {}; integers up to 1000 and 0.1, 0.01, ... are", place,
                           value->text);
      }
      is_restricted = true;
    }
    if (!is_restricted) return is_integer ? json_integer() : json_number();
    return has_decimals ? json_number_within(bounds) : json_integer_within(bounds, multiple);
  }

  Result<ExprPtr> object(const OrderedJson& schema, const std::string& place) {
    const OrderedJson* properties = schema.find("properties");
    const OrderedJson* required = schema.find("required");
    const OrderedJson* additional = schema.find("additionalProperties");
    if (properties == nullptr && additional == nullptr && required == nullptr)
      return rule(kJsonObject);
    if (properties != nullptr && !properties->is_object())
      return invalid_argument("{}.properties: expected an object", place);
    std::unordered_set<std::string_view> required_names, known_names;
    if (required != nullptr) {
      if (!required->is_array()) return invalid_argument("{}.required: expected a list", place);
      for (const OrderedJson& name : required->items) {
        if (!name.is_string())
          return invalid_argument("{}.required: expected a list of names", place);
        required_names.insert(name.text);
      }
    }
    ExprPtr extra = nothing();
    if (additional != nullptr) {
      SPUTNIK_TRY(extra, compile(*additional, place + ".additionalProperties"));
    } else if (properties == nullptr) {
      extra = rule(kJsonValue);
    }
    std::vector<JsonProperty> all;
    if (properties != nullptr) {
      for (const auto& [name, property] : properties->members) {
        SPUTNIK_TRY(ExprPtr value, compile(property, place + ".properties." + name));
        known_names.insert(name);
        all.push_back({name, std::move(value), required_names.contains(name)});
      }
    }
    if (required == nullptr) return json_object_of(all, extra);
    for (const OrderedJson& name : required->items) {
      if (!known_names.insert(name.text).second) continue;
      if (additional != nullptr && is_false(*additional)) {
        return invalid_argument("{}.required: \"{}\" is no property, and there may be no others",
                                place, name.text.substr(0, 60));
      }
      all.push_back({name.text, additional != nullptr ? extra : rule(kJsonValue), true});
    }
    return json_object_of(all, extra);
  }

  Result<ExprPtr> array(const OrderedJson& schema, const std::string& place) {
    SPUTNIK_TRY(const std::int64_t min, count(schema, "minItems", 0, place));
    SPUTNIK_TRY(std::int64_t max, count(schema, "maxItems", -1, place));
    if (min > kMaxItems) return unsupported("{}.minItems: more than {}", place, kMaxItems);
    std::vector<ExprPtr> first;
    if (const OrderedJson* items = schema.find("prefixItems")) {
      if (!items->is_array()) return invalid_argument("{}.prefixItems: expected a list", place);
      for (std::size_t i = 0; i < items->items.size(); ++i) {
        SPUTNIK_TRY(ExprPtr item,
                    compile(items->items[i], fmt::format("{}.prefixItems[{}]", place, i)));
        first.push_back(std::move(item));
      }
    }
    ExprPtr rest = rule(kJsonValue);
    if (const OrderedJson* items = schema.find("items")) {
      if (items->is_array())
        return unsupported("{}.items: a list; its newer name is prefixItems", place);
      SPUTNIK_TRY(rest, compile(*items, place + ".items"));
    }
    const auto n_first = static_cast<std::int64_t>(first.size());
    if (rest->kind == Expr::Kind::kNothing) max = max < 0 ? n_first : std::min(max, n_first);
    max = std::min<std::int64_t>(max, kMaxItems);
    if (max >= 0 && max < min) return nothing();
    if (max == 0) return seq({literal("["), json_space(), literal("]")});
    if (max >= 0 && n_first > max) first.resize(max);
    // Wherever it stands more than once, its text is a rule.
    const bool stands_once = (max < 0 && min <= 1 && first.empty()) || max == 1;
    if (!stands_once && rest->kind != Expr::Kind::kRule) {
      rules_.push_back(std::move(rest));
      rest = rule(static_cast<int>(rules_.size()) - 1);
    }
    return json_array_of(first, rest, static_cast<int>(min), static_cast<int>(max));
  }

  const OrderedJson& document_;
  std::size_t n_bytes_;
  std::vector<ExprPtr> rules_;
  std::map<const OrderedJson*, int> references_;
  std::deque<Waiting> waiting_;
  std::deque<OrderedJson> merged_;
  std::size_t n_schemas_ = 0, n_merged_bytes_ = 0;
};

}  // namespace

Result<GrammarPtr> json_schema(std::string_view schema, const JsonOptions& options) {
  if (schema.size() > kMaxSchemaBytes)
    return unsupported("a schema of more than {} bytes", kMaxSchemaBytes);
  auto document = chat::parse_ordered_json(schema);
  if (!document.ok()) return std::move(document).error().in("schema");
  SPUTNIK_TRY(RuleSet rules, SchemaCompiler(document.value(), schema.size(), options).run());
  auto grammar = RulesGrammar::create(std::move(rules));
  if (!grammar.ok()) return std::move(grammar).error().in("schema");
  return grammar;
}

}  // namespace sputnik::grammar
