// Exact closed forms: sums of rational multiples of square roots, i, pi and variables, divided by
// such sums. Two of them are equal if and only if their difference is zero, which is decided
// without rounding. What grows beyond the bounds has no value.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tasks/rational.h"

namespace sputnik::tasks {

// sqrt(radicand) i^imaginary x1^e1 x2^e2 ...
struct Monomial {
  std::int64_t radicand = 1;  // square-free and positive
  bool imaginary = false;
  std::vector<std::pair<std::string, int>> powers;  // by name; no exponent is 0

  auto operator<=>(const Monomial&) const = default;
};

// No coefficient is 0.
using Polynomial = std::map<Monomial, Rational>;

struct Quotient {
  Polynomial numerator, denominator;
};

Quotient constant(const Rational& value);
// A variable, or a function of something that is only compared as text.
Quotient symbol(std::string name);
Quotient imaginary_unit();

std::optional<Quotient> add(const Quotient& a, const Quotient& b);
std::optional<Quotient> subtract(const Quotient& a, const Quotient& b);
std::optional<Quotient> multiply(const Quotient& a, const Quotient& b);
std::optional<Quotient> divide(const Quotient& a, const Quotient& b);
std::optional<Quotient> power(const Quotient& base, std::int64_t exponent);
// Of a rational number; of anything else a symbol.
std::optional<Quotient> square_root(const Quotient& value);

// The value if it is a rational number.
std::optional<Rational> as_rational(const Quotient& value);

// None if it could not be decided within the bounds.
std::optional<bool> equal(const Quotient& a, const Quotient& b);

std::string to_string(const Quotient& value);

}  // namespace sputnik::tasks
