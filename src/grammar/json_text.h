// How JSON values are written.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chat/ordered_json.h"
#include "grammar/constraint.h"
#include "grammar/expr.h"

namespace sputnik::grammar {

// Rules that every JSON grammar has, by number; see json_rules().
enum JsonRule : int { kJsonSpace, kJsonRareChar, kJsonValue, kJsonObject, kNumJsonRules };
std::vector<ExprPtr> json_rules(const JsonOptions& options);

ExprPtr json_space();
// One character of a string, in any of its notations.
ExprPtr json_char();
// A string of min to max characters; max -1: any number.
ExprPtr json_string(int min = 0, int max = -1);
// Characters of these ranges, each in its shortest notation. For RegexOptions::write.
ExprPtr json_code_points(const std::vector<CodePointRange>& ranges);
// Numbers that a double holds: JSON knows no bound, its readers do. Integers have up to 18 digits,
// others up to 20 behind the point and an exponent of two.
ExprPtr json_number();
ExprPtr json_integer();
// {"key": value, ...}, where keys and values may be anything.
ExprPtr json_any_object();
ExprPtr json_any_array();
// This value, with white space where it may stand.
ExprPtr json_literal(const chat::OrderedJson& value);
// A key: the name in quotes.
std::string json_quoted(std::string_view text);

struct JsonProperty {
  std::string name;
  ExprPtr value;
  bool required = false;
};
// Properties in this order, those that are not required or not; then any number of others whose
// values are extra, unless that is nothing().
ExprPtr json_object_of(const std::vector<JsonProperty>& properties, const ExprPtr& extra);
// Values: first[0], first[1], ..., then rest; min to max of them (max -1: any number). Where there
// is more to count than whether there is one, rest is written out many times: it should be a rule.
ExprPtr json_array_of(const std::vector<ExprPtr>& first, const ExprPtr& rest, int min, int max);

}  // namespace sputnik::grammar
