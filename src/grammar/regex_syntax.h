// Regular expressions in ECMAScript's syntax.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "grammar/expr.h"

namespace sputnik::grammar {

struct RegexOptions {
  // A match anywhere in the text counts, as "pattern" of JSON Schema means it; otherwise the
  // expression describes the whole text.
  bool search = false;
  // How a character of these ranges is written: as it is, or as in a JSON string.
  std::function<ExprPtr(const std::vector<CodePointRange>&)> write = code_points;
};

struct Regex {
  ExprPtr expr;
  // Characters of what matches; max -1: any number.
  std::int64_t min_length = 0, max_length = 0;
};

// kInvalidArgument with the byte at which the pattern is wrong; kUnsupported: look-around, back
// references, \b, \p, anchors elsewhere than at the ends. Lengths are characters; "." is any but a
// line end.
Result<Regex> parse_regex(std::string_view pattern, const RegexOptions& options = {});

}  // namespace sputnik::grammar
