#include "tasks/rational.h"

#include <algorithm>

namespace sputnik::tasks {
namespace {

__extension__ using UInt128 = unsigned __int128;
constexpr Int128 kMostNegative = static_cast<Int128>(UInt128{1} << 127);

Int128 magnitude(Int128 value) {
  return value < 0 ? -value : value;
}

Int128 greatest_common_divisor(Int128 a, Int128 b) {
  a = magnitude(a);
  b = magnitude(b);
  while (b != 0) {
    const Int128 rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

std::optional<Int128> times(Int128 a, Int128 b) {
  Int128 product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

}  // namespace

std::optional<Rational> Rational::make(Int128 numerator, Int128 denominator) {
  if (denominator == 0 || numerator == kMostNegative || denominator == kMostNegative) {
    return std::nullopt;
  }
  const Int128 divisor = greatest_common_divisor(numerator, denominator);
  Rational value;
  value.numerator_ = numerator / divisor;
  value.denominator_ = denominator / divisor;
  if (value.denominator_ < 0) {
    value.numerator_ = -value.numerator_;
    value.denominator_ = -value.denominator_;
  }
  return value;
}

std::optional<Rational> add(const Rational& a, const Rational& b) {
  const auto left = times(a.numerator(), b.denominator());
  const auto right = times(b.numerator(), a.denominator());
  const auto denominator = times(a.denominator(), b.denominator());
  Int128 sum = 0;
  if (!left || !right || !denominator || __builtin_add_overflow(*left, *right, &sum)) {
    return std::nullopt;
  }
  return Rational::make(sum, *denominator);
}

std::optional<Rational> subtract(const Rational& a, const Rational& b) {
  const auto minus_b = Rational::make(-b.numerator(), b.denominator());
  return minus_b ? add(a, *minus_b) : std::nullopt;
}

std::optional<Rational> multiply(const Rational& a, const Rational& b) {
  // Crosswise first, so that large factors that cancel still fit.
  const auto left = Rational::make(a.numerator(), b.denominator());
  const auto right = Rational::make(b.numerator(), a.denominator());
  if (!left || !right) return std::nullopt;
  const auto numerator = times(left->numerator(), right->numerator());
  const auto denominator = times(left->denominator(), right->denominator());
  if (!numerator || !denominator) return std::nullopt;
  return Rational::make(*numerator, *denominator);
}

std::optional<Rational> divide(const Rational& a, const Rational& b) {
  const auto inverse = Rational::make(b.denominator(), b.numerator());
  return inverse ? multiply(a, *inverse) : std::nullopt;
}

std::optional<Rational> power(const Rational& base, std::int64_t exponent) {
  // Beyond this every base but 0 and +-1 has overflowed.
  constexpr std::int64_t kMaxExponent = 256;
  if (exponent > kMaxExponent || exponent < -kMaxExponent) return std::nullopt;
  std::optional<Rational> result(1);
  for (std::int64_t i = 0; i < std::max(exponent, -exponent) && result; ++i) {
    result = multiply(*result, base);
  }
  if (exponent < 0 && result) result = divide(1, *result);
  return result;
}

std::string to_string(const Rational& value) {
  const auto digits = [](Int128 number) {
    std::string text;
    do {
      text += static_cast<char>('0' + static_cast<int>(number % 10));
      number /= 10;
    } while (number != 0);
    std::reverse(text.begin(), text.end());
    return text;
  };
  std::string text = value.is_negative() ? "-" : "";
  text += digits(magnitude(value.numerator()));
  if (!value.is_integer()) text += "/" + digits(value.denominator());
  return text;
}

}  // namespace sputnik::tasks
