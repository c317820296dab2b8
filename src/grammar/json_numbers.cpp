#include "grammar/json_numbers.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

namespace sputnik::grammar {
namespace {

constexpr int kMaxIntegerDigits = 18;
constexpr std::size_t kMaxBoundDigits = 40;

// How what has been written compares with as many digits of a bound.
enum Order : int { kLess = -1, kEqual = 0, kGreater = 1 };

Order compare(Order before, char digit, char bound) {
  if (before != kEqual) return before;
  return digit < bound ? kLess : digit > bound ? kGreater : kEqual;
}

// Numbers without a sign between two bounds, digit by digit.
struct Range {
  Decimal lo;
  bool lo_exclusive = false;
  std::optional<Decimal> hi;
  bool hi_exclusive = false;
  int multiple = 1;             // of the integers
  int max_fraction_digits = 0;  // 0: integers alone
};

class DigitAutomaton {
 public:
  explicit DigitAutomaton(const Range& range) : range_(range) {}

  ExprPtr make() {
    node({Part::kStart, 0, kEqual, kEqual, 0});
    while (next_ < states_.size()) expand(static_cast<int>(next_++));
    return graph(static_cast<int>(states_.size()), std::move(edges_), std::move(ends_));
  }

 private:
  enum class Part { kStart, kZero, kInteger, kPoint, kFraction };
  // n: digits written, of the integer or of the fraction. For a fraction kGreater above the lower
  // bound and kLess below the upper one are for good.
  using State = std::tuple<Part, int, Order, Order, int>;

  int node(const State& state) {
    const auto [at, is_new] = numbers_.try_emplace(state, static_cast<int>(states_.size()));
    if (is_new) states_.push_back(state);
    return at->second;
  }

  void expand(int from) {
    const auto [part, n, lo, hi, rest] = states_[from];
    if (can_end(states_[from])) ends_.push_back(from);
    // Digits that lead to the same place share a step.
    std::map<int, std::vector<ByteRange>> steps;
    const auto add = [&](char digit, const State& state) {
      steps[node(state)].push_back(
          {static_cast<std::uint8_t>(digit), static_cast<std::uint8_t>(digit)});
    };
    if (part == Part::kStart) {
      add('0', {Part::kZero, 1, compare(kEqual, '0', range_.lo.integer[0]),
                hi_order(kEqual, '0', 0), 0});
    }
    if (part == Part::kStart || (part == Part::kInteger && n < kMaxIntegerDigits)) {
      for (char digit = part == Part::kStart ? '1' : '0'; digit <= '9'; ++digit) {
        const Order below = static_cast<std::size_t>(n) < range_.lo.integer.size()
                                ? compare(lo, digit, range_.lo.integer[n])
                                : kGreater;
        if (range_.hi && static_cast<std::size_t>(n) >= range_.hi->integer.size()) continue;
        add(digit, {Part::kInteger, n + 1, below, hi_order(hi, digit, n),
                    (rest * 10 + (digit - '0')) % range_.multiple});
      }
    }
    if ((part == Part::kZero || part == Part::kInteger) && range_.max_fraction_digits > 0) {
      const Order below = lo_after_integer(n, lo), above = hi_after_integer(n, hi);
      if (below != kLess && above != kGreater) add('.', {Part::kPoint, 0, below, above, 0});
    }
    if (part == Part::kPoint || (part == Part::kFraction && n < range_.max_fraction_digits)) {
      for (char digit = '0'; digit <= '9'; ++digit) {
        const Order below = compare(lo, digit, digit_at(range_.lo.fraction, n));
        const Order above =
            range_.hi ? compare(hi, digit, digit_at(range_.hi->fraction, n)) : kLess;
        if (below != kLess && above != kGreater)
          add(digit, {Part::kFraction, n + 1, below, above, 0});
      }
    }
    for (auto& [to, ranges] : steps) edges_.push_back({from, to, bytes(std::move(ranges))});
  }

  static char digit_at(const std::string& digits, int at) {
    return static_cast<std::size_t>(at) < digits.size() ? digits[at] : '0';
  }

  Order hi_order(Order before, char digit, int at) const {
    return range_.hi ? compare(before, digit, range_.hi->integer[at]) : kLess;
  }

  // Of whole integers: the longer one is greater.
  Order lo_after_integer(int n, Order order) const {
    const auto size = static_cast<int>(range_.lo.integer.size());
    return n < size ? kLess : n > size ? kGreater : order;
  }
  Order hi_after_integer(int n, Order order) const {
    if (!range_.hi) return kLess;
    return n < static_cast<int>(range_.hi->integer.size()) ? kLess : order;
  }

  bool can_end(const State& state) const {
    const auto& [part, n, lo, hi, rest] = state;
    if (part == Part::kStart || part == Part::kPoint || rest != 0) return false;
    const bool is_integer = part != Part::kFraction;
    const Order below = is_integer ? lo_after_integer(n, lo) : lo;
    const Order above = is_integer ? hi_after_integer(n, hi) : hi;
    const std::size_t n_fraction = is_integer ? 0 : static_cast<std::size_t>(n);
    const bool lo_has_more = range_.lo.fraction.size() > n_fraction;
    if (below == kLess || (below == kEqual && (lo_has_more || range_.lo_exclusive))) return false;
    if (!range_.hi) return true;
    const bool hi_has_more = range_.hi->fraction.size() > n_fraction;
    return above == kLess || (above == kEqual && (hi_has_more || !range_.hi_exclusive));
  }

  const Range& range_;
  std::map<State, int> numbers_;
  std::vector<State> states_;
  std::size_t next_ = 0;
  std::vector<Expr::Edge> edges_;
  std::vector<int> ends_;
};

ExprPtr within(const NumberBounds& bounds, int multiple, int max_fraction_digits) {
  std::vector<ExprPtr> signs;
  const auto& [minimum, maximum, exclusive_minimum, exclusive_maximum, digits] = bounds;
  if (!maximum || !maximum->negative) {
    Range range{{}, false, maximum, exclusive_maximum, multiple, max_fraction_digits};
    if (minimum && !minimum->negative) {
      range.lo = *minimum;
      range.lo_exclusive = exclusive_minimum;
    }
    signs.push_back(DigitAutomaton(range).make());
  }
  if (!minimum || minimum->negative) {
    // Mirrored. Nobody needs a negative zero.
    Range range{{}, true, minimum, exclusive_minimum, multiple, max_fraction_digits};
    if (maximum && maximum->negative) {
      range.lo = *maximum;
      range.lo_exclusive = exclusive_maximum;
    }
    signs.push_back(seq({literal("-"), DigitAutomaton(range).make()}));
  }
  return choice(std::move(signs));
}

}  // namespace

Result<Decimal> Decimal::parse(std::string_view text) {
  Decimal result;
  result.negative = text.starts_with('-');
  if (result.negative) text.remove_prefix(1);
  int exponent = 0;
  if (const std::size_t at = text.find_first_of("eE"); at != text.npos) {
    std::string_view digits = text.substr(at + 1);
    if (digits.starts_with('+')) digits.remove_prefix(1);
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
    if (read.ec != std::errc() || exponent > 40 || exponent < -40)
      return unsupported("a bound with such an exponent: {}", text);
    text = text.substr(0, at);
  }
  const std::size_t point = std::min(text.find('.'), text.size());
  std::string digits(text.substr(0, point));
  if (point < text.size()) digits += text.substr(point + 1);
  auto n_integer = static_cast<std::int64_t>(point) + exponent;
  if (n_integer < 0) {
    digits.insert(0, static_cast<std::size_t>(-n_integer), '0');
    n_integer = 0;
  }
  if (static_cast<std::size_t>(n_integer) > digits.size()) digits.resize(n_integer, '0');
  result.integer = digits.substr(0, n_integer);
  result.fraction = digits.substr(n_integer);
  result.integer.erase(0, result.integer.find_first_not_of('0'));
  if (result.integer.empty()) result.integer = "0";
  result.fraction.erase(result.fraction.find_last_not_of('0') + 1);
  if (result.integer.size() + result.fraction.size() > kMaxBoundDigits)
    return unsupported("a bound of more than {} digits", kMaxBoundDigits);
  if (result.is_zero()) result.negative = false;
  return result;
}

ExprPtr json_integer_within(const NumberBounds& bounds, int multiple) {
  return within(bounds, multiple, 0);
}

ExprPtr json_number_within(const NumberBounds& bounds) {
  return within(bounds, 1, bounds.max_fraction_digits);
}

}  // namespace sputnik::grammar
