// Exact fractions in 128 bits. What does not fit is no value: never a rounded one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace sputnik::tasks {

__extension__ using Int128 = __int128;

class Rational {
 public:
  Rational(std::int64_t value = 0) : numerator_(value) {}
  // In lowest terms, the denominator positive. None if the denominator is 0 or the most negative
  // number.
  static std::optional<Rational> make(Int128 numerator, Int128 denominator);

  Int128 numerator() const { return numerator_; }
  Int128 denominator() const { return denominator_; }
  bool is_integer() const { return denominator_ == 1; }
  bool is_zero() const { return numerator_ == 0; }
  bool is_negative() const { return numerator_ < 0; }

  bool operator==(const Rational&) const = default;

 private:
  Int128 numerator_ = 0;
  Int128 denominator_ = 1;
};

std::optional<Rational> add(const Rational& a, const Rational& b);
std::optional<Rational> subtract(const Rational& a, const Rational& b);
std::optional<Rational> multiply(const Rational& a, const Rational& b);
std::optional<Rational> divide(const Rational& a, const Rational& b);  // none if b is 0
std::optional<Rational> power(const Rational& base, std::int64_t exponent);

// "7", "-3/4".
std::string to_string(const Rational& value);

}  // namespace sputnik::tasks
