// Numbers between bounds, as their digits are written.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "grammar/expr.h"

namespace sputnik::grammar {

// A decimal number, exactly: what a schema's bounds are.
struct Decimal {
  bool negative = false;
  std::string integer = "0";  // without leading zeros
  std::string fraction;       // without trailing zeros

  // kUnsupported: too many digits to be worth it.
  static Result<Decimal> parse(std::string_view text);
  bool is_zero() const { return integer == "0" && fraction.empty(); }
};

struct NumberBounds {
  std::optional<Decimal> minimum, maximum;
  bool exclusive_minimum = false, exclusive_maximum = false;
  int max_fraction_digits = 20;  // at least 1
};

// Integers within the bounds that are multiples of `multiple`, which is 1 to 1000; no more than 18
// digits. nothing() if there are none.
ExprPtr json_integer_within(const NumberBounds& bounds, int multiple);
// Numbers within the bounds, written without an exponent.
ExprPtr json_number_within(const NumberBounds& bounds);

}  // namespace sputnik::grammar
