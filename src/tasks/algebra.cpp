#include "tasks/algebra.h"

#include <fmt/format.h>

#include <numeric>

namespace sputnik::tasks {
namespace {

constexpr std::size_t kMaxTerms = 64;
constexpr int kMaxExponent = 64;
constexpr std::int64_t kMaxPower = 32;
constexpr std::int64_t kMaxRadicand = 1'000'000'000;

struct Term {
  Monomial monomial;
  Rational factor;
};

// The largest square that divides n goes in front of the root.
std::pair<std::int64_t, std::int64_t> split_square(std::int64_t n) {
  std::int64_t outside = 1;
  for (std::int64_t p = 2; p * p <= n; ++p) {
    while (n % (p * p) == 0) {
      n /= p * p;
      outside *= p;
    }
  }
  return {outside, n};
}

std::optional<Term> multiply(const Monomial& a, const Monomial& b) {
  Term product;
  const std::int64_t shared = std::gcd(a.radicand, b.radicand);
  const std::int64_t left = a.radicand / shared, right = b.radicand / shared;
  if (left > kMaxRadicand / right) return std::nullopt;
  product.monomial.radicand = left * right;
  product.factor = shared;
  if (a.imaginary && b.imaginary) product.factor = -shared;
  product.monomial.imaginary = a.imaginary != b.imaginary;
  auto& powers = product.monomial.powers;
  auto x = a.powers.begin(), y = b.powers.begin();
  while (x != a.powers.end() || y != b.powers.end()) {
    if (y == b.powers.end() || (x != a.powers.end() && x->first < y->first)) {
      powers.push_back(*x++);
    } else if (x == a.powers.end() || y->first < x->first) {
      powers.push_back(*y++);
    } else {
      powers.emplace_back(x->first, x->second + y->second);
      if (powers.back().second > kMaxExponent) return std::nullopt;
      ++x;
      ++y;
    }
  }
  return product;
}

bool add_term(Polynomial& sum, const Monomial& monomial, const Rational& factor) {
  const auto [place, is_new] = sum.emplace(monomial, factor);
  if (!is_new) {
    const auto total = add(place->second, factor);
    if (!total) return false;
    place->second = *total;
  }
  if (place->second.is_zero()) sum.erase(place);
  return sum.size() <= kMaxTerms;
}

std::optional<Polynomial> add(Polynomial a, const Polynomial& b) {
  for (const auto& [monomial, factor] : b) {
    if (!add_term(a, monomial, factor)) return std::nullopt;
  }
  return a;
}

std::optional<Polynomial> multiply(const Polynomial& a, const Polynomial& b) {
  Polynomial product;
  for (const auto& [x, x_factor] : a) {
    for (const auto& [y, y_factor] : b) {
      const auto term = multiply(x, y);
      if (!term) return std::nullopt;
      const auto factor = multiply(x_factor, y_factor);
      const auto scaled = factor ? multiply(*factor, term->factor) : std::nullopt;
      if (!scaled || !add_term(product, term->monomial, *scaled)) return std::nullopt;
    }
  }
  return product;
}

Polynomial single(Monomial monomial, const Rational& factor) {
  Polynomial polynomial;
  if (!factor.is_zero()) polynomial.emplace(std::move(monomial), factor);
  return polynomial;
}

std::string to_string(const Polynomial& polynomial) {
  std::string text;
  for (const auto& [monomial, factor] : polynomial) {
    text += fmt::format("{}[{}", text.empty() ? "" : "+", tasks::to_string(factor));
    if (monomial.radicand != 1) text += fmt::format(" r{}", monomial.radicand);
    if (monomial.imaginary) text += " i";
    for (const auto& [name, exponent] : monomial.powers)
      text += fmt::format(" {}^{}", name, exponent);
    text += ']';
  }
  return text;
}

std::optional<Quotient> quotient(std::optional<Polynomial> numerator,
                                 std::optional<Polynomial> denominator) {
  if (!numerator || !denominator || denominator->empty()) return std::nullopt;
  // A constant below is divided out: most values are then polynomials.
  if (denominator->size() == 1 && denominator->begin()->first == Monomial{}) {
    Polynomial scaled;
    for (const auto& [monomial, factor] : *numerator) {
      const auto value = divide(factor, denominator->begin()->second);
      if (!value) return std::nullopt;
      scaled.emplace(monomial, *value);
    }
    return Quotient{std::move(scaled), single({}, 1)};
  }
  return Quotient{std::move(*numerator), std::move(*denominator)};
}

}  // namespace

Quotient constant(const Rational& value) {
  return {single({}, value), single({}, 1)};
}

Quotient symbol(std::string name) {
  Monomial monomial;
  monomial.powers.emplace_back(std::move(name), 1);
  return {single(std::move(monomial), 1), single({}, 1)};
}

Quotient imaginary_unit() {
  Monomial monomial;
  monomial.imaginary = true;
  return {single(std::move(monomial), 1), single({}, 1)};
}

std::optional<Quotient> add(const Quotient& a, const Quotient& b) {
  if (a.denominator == b.denominator) return quotient(add(a.numerator, b.numerator), a.denominator);
  const auto left = multiply(a.numerator, b.denominator);
  const auto right = multiply(b.numerator, a.denominator);
  if (!left || !right) return std::nullopt;
  return quotient(add(*left, *right), multiply(a.denominator, b.denominator));
}

std::optional<Quotient> subtract(const Quotient& a, const Quotient& b) {
  const auto minus_b = multiply(b, constant(-1));
  return minus_b ? add(a, *minus_b) : std::nullopt;
}

std::optional<Quotient> multiply(const Quotient& a, const Quotient& b) {
  return quotient(multiply(a.numerator, b.numerator), multiply(a.denominator, b.denominator));
}

std::optional<Quotient> divide(const Quotient& a, const Quotient& b) {
  return quotient(multiply(a.numerator, b.denominator), multiply(a.denominator, b.numerator));
}

std::optional<Quotient> power(const Quotient& base, std::int64_t exponent) {
  if (const auto value = as_rational(base)) {
    const auto result = power(*value, exponent);
    return result ? std::optional(constant(*result)) : std::nullopt;
  }
  if (exponent > kMaxPower || exponent < -kMaxPower) return std::nullopt;
  std::optional<Quotient> result = constant(1);
  for (std::int64_t i = 0; i < std::max(exponent, -exponent) && result; ++i) {
    result = multiply(*result, base);
  }
  return exponent < 0 && result ? divide(constant(1), *result) : result;
}

std::optional<Quotient> square_root(const Quotient& value) {
  const auto rational = as_rational(value);
  if (!rational) return symbol("sqrt(" + to_string(value) + ")");
  // sqrt(p / q) = sqrt(p q) / q
  const auto top = Rational::make(rational->numerator(), 1);
  const auto bottom = Rational::make(rational->denominator(), 1);
  const auto inside = top && bottom ? multiply(*top, *bottom) : std::nullopt;
  const Int128 n = inside ? inside->numerator() : 0;
  if (!inside || n > kMaxRadicand || n < -kMaxRadicand) return std::nullopt;
  if (n == 0) return constant(0);
  const auto [outside, radicand] = split_square(static_cast<std::int64_t>(n < 0 ? -n : n));
  const auto factor = Rational::make(outside, rational->denominator());
  if (!factor) return std::nullopt;
  Monomial monomial;
  monomial.radicand = radicand;
  monomial.imaginary = n < 0;
  return Quotient{single(std::move(monomial), *factor), single({}, 1)};
}

std::optional<Rational> as_rational(const Quotient& value) {
  const auto number = [](const Polynomial& polynomial) -> std::optional<Rational> {
    if (polynomial.empty()) return Rational(0);
    if (polynomial.size() > 1 || polynomial.begin()->first != Monomial{}) return std::nullopt;
    return polynomial.begin()->second;
  };
  const auto numerator = number(value.numerator), denominator = number(value.denominator);
  return numerator && denominator ? divide(*numerator, *denominator) : std::nullopt;
}

std::optional<bool> equal(const Quotient& a, const Quotient& b) {
  const auto left = multiply(a.numerator, b.denominator);
  const auto right = multiply(b.numerator, a.denominator);
  if (!left || !right) return std::nullopt;
  return *left == *right;
}

std::string to_string(const Quotient& value) {
  return to_string(value.numerator) + "/" + to_string(value.denominator);
}

}  // namespace sputnik::tasks
