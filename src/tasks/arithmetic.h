// Plain arithmetic in text: sums, differences, products, quotients, brackets; exactly.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "tasks/rational.h"

namespace sputnik::tasks {

struct ArithmeticValue {
  Rational value;
  std::vector<std::int64_t> numbers;  // those written in the text, from left to right
};

enum class Signs { kRefused, kAllowed };  // "-3", where a number may stand

// "(3 + 5) * 2". Whole numbers or, where signs are allowed, decimals. None if it is anything else,
// divides by zero, overflows, has more than 64 numbers or brackets deeper than 16.
std::optional<ArithmeticValue> evaluate_arithmetic(std::string_view text, Signs signs);

// Every "a = b" between two arithmetic expressions in a text, chains included. Whatever has letters
// in it ("3x = 12", "Ann = 3") is passed over.
struct EquationCheck {
  std::size_t n_equations = 0;
  std::size_t n_false = 0;
  std::string_view first_false;
};
EquationCheck check_equations(std::string_view text);

}  // namespace sputnik::tasks
