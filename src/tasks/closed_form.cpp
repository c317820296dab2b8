// The grammar of closed forms: sums of products of powers of numbers, roots, fractions, variables.
#include <algorithm>
#include <array>

#include "tasks/final_answer.h"
#include "tasks/math_text.h"

namespace sputnik::tasks {
namespace {

bool is_letter(char c) {
  return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z');
}
bool is_digit(char c) {
  return '0' <= c && c <= '9';
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  std::optional<Quotient> run() {
    auto value = sum(0);
    skip_spaces();
    return at_ == text_.size() ? std::move(value) : std::nullopt;
  }

 private:
  using Value = std::optional<Quotient>;
  static constexpr int kMaxDepth = 32;

  void skip_spaces() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  char peek() {
    skip_spaces();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(std::string_view token) {
    skip_spaces();
    if (!text_.substr(at_).starts_with(token)) return false;
    // A command or a name ends where its letters end.
    const std::size_t end = at_ + token.size();
    if (is_letter(token.back()) && token.size() > 1 && end < text_.size() &&
        is_letter(text_[end]) && token[0] != '\\') {
      return false;
    }
    at_ = end;
    return true;
  }

  Value sum(int depth) {
    if (depth > kMaxDepth) return std::nullopt;
    Value value;
    if (take("-")) {
      value = product(depth);
      if (value) value = multiply(*value, constant(-1));
    } else {
      take("+");
      value = product(depth);
    }
    while (value && (peek() == '+' || peek() == '-')) {
      const char op = text_[at_++];
      const Value right = product(depth);
      if (!right) return std::nullopt;
      value = op == '+' ? add(*value, *right) : subtract(*value, *right);
    }
    return value;
  }

  bool begins_factor() {
    const char c = peek();
    return is_letter(c) || is_digit(c) || c == '(' || c == '\\' || c == '{' || c == '.';
  }

  Value product(int depth) {
    Value value = powered(depth);
    while (value) {
      const std::size_t before = at_;
      const bool spaced = at_ < text_.size() && text_[at_] == ' ';
      const char c = peek();
      if (c == '*' || c == '/') {
        ++at_;
        const bool minus = take("-");
        Value right = powered(depth);
        if (right && minus) right = multiply(*right, constant(-1));
        if (!right) return std::nullopt;
        value = c == '*' ? multiply(*value, *right) : divide(*value, *right);
      } else if (begins_factor()) {
        // "2 3" is no product: two numbers side by side are two answers.
        if (is_digit(c) && (spaced || is_digit(text_[before - 1]))) return std::nullopt;
        const Value right = powered(depth);
        if (!right) return std::nullopt;
        value = multiply(*value, *right);
      } else {
        break;
      }
    }
    return value;
  }

  Value powered(int depth) {
    Value base = atom(depth);
    while (base && peek() == '!') {
      ++at_;
      base = factorial(*base);
    }
    if (!base || !take("^")) return base;
    const Value exponent = argument(depth + 1);
    if (!exponent) return std::nullopt;
    return raise(*base, *exponent);
  }

  static Value factorial(const Quotient& value) {
    const auto n = as_rational(value);
    if (!n || !n->is_integer() || n->is_negative() || n->numerator() > 25) return std::nullopt;
    std::optional<Rational> result(1);
    for (std::int64_t i = 2; i <= static_cast<std::int64_t>(n->numerator()) && result; ++i) {
      result = multiply(*result, i);
    }
    return result ? Value(constant(*result)) : std::nullopt;
  }

  static Value raise(const Quotient& base, const Quotient& exponent) {
    const auto n = as_rational(exponent);
    if (n && n->denominator() <= 2) {
      const Int128 twice = n->numerator();
      if (twice > 1000 || twice < -1000) return std::nullopt;
      if (n->is_integer()) return power(base, static_cast<std::int64_t>(twice));
      const auto root = square_root(base);
      return root ? power(*root, static_cast<std::int64_t>(twice)) : std::nullopt;
    }
    return symbol("(" + to_string(base) + ")^(" + to_string(exponent) + ")");
  }

  // What ^ and \frac take: a group in braces, or one digit, letter or command.
  Value argument(int depth) {
    if (depth > kMaxDepth) return std::nullopt;
    if (peek() == '{') return group('{', '}', depth);
    if (take("-")) {
      const Value value = argument(depth + 1);
      return value ? multiply(*value, constant(-1)) : std::nullopt;
    }
    if (is_digit(peek())) return constant(text_[at_++] - '0');
    return atom(depth);
  }

  Value group(char open, char close, int depth) {
    if (peek() != open) return std::nullopt;
    ++at_;
    Value value = sum(depth + 1);
    if (peek() != close) return std::nullopt;
    ++at_;
    return value;
  }

  Value atom(int depth) {
    if (depth > kMaxDepth) return std::nullopt;
    const char c = peek();
    if (is_digit(c) || c == '.') return number(depth);
    if (c == '(') return group('(', ')', depth);
    if (c == '{') return group('{', '}', depth);
    if (take("\\frac")) return fraction(depth);
    if (take("\\sqrt") || take("sqrt")) return root(depth);
    if (take("\\pi") || take("pi")) return symbol("pi");
    if (c == '\\') return greek();
    if (is_letter(c)) return variable(depth);
    return std::nullopt;
  }

  Value fraction(int depth) {
    const Value top = argument(depth + 1);
    const Value bottom = top ? argument(depth + 1) : std::nullopt;
    return bottom ? divide(*top, *bottom) : std::nullopt;
  }

  Value root(int depth) {
    if (peek() == '[') {
      ++at_;
      const Value index = sum(depth + 1);
      if (!index || !take("]")) return std::nullopt;
      const Value value = argument(depth + 1);
      if (!value) return std::nullopt;
      return symbol("root(" + to_string(*index) + "," + to_string(*value) + ")");
    }
    const Value value = peek() == '(' ? group('(', ')', depth) : argument(depth + 1);
    return value ? square_root(*value) : std::nullopt;
  }

  Value greek() {
    const std::size_t begin = at_++;
    while (at_ < text_.size() && is_letter(text_[at_])) ++at_;
    const std::string_view name = text_.substr(begin, at_ - begin);
    constexpr std::array<std::string_view, 9> kNames = {"\\alpha", "\\beta",   "\\gamma",
                                                        "\\theta", "\\lambda", "\\phi",
                                                        "\\omega", "\\mu",     "\\sigma"};
    if (std::find(kNames.begin(), kNames.end(), name) == kNames.end()) return std::nullopt;
    return symbol(std::string(name));
  }

  // One letter; words are no products of their letters.
  Value variable(int depth) {
    std::size_t end = at_;
    while (end < text_.size() && is_letter(text_[end])) ++end;
    constexpr std::size_t kMostVariables = 2;  // "xy"
    if (end - at_ > kMostVariables) return std::nullopt;
    const char letter = text_[at_++];
    if (letter == 'i') return imaginary_unit();
    std::string name(1, letter);
    if (at_ < text_.size() && text_[at_] == '_') {
      ++at_;
      const Value index = argument(depth + 1);
      if (!index) return std::nullopt;
      name += "_" + to_string(*index);
    }
    return symbol(std::move(name));
  }

  // Digits, a point, thousands groups; a mixed number if a fraction of numbers follows.
  Value number(int depth) {
    const std::size_t begin = at_;
    while (at_ < text_.size() && (is_digit(text_[at_]) || text_[at_] == '.' || is_group_comma()))
      ++at_;
    std::string digits(text_.substr(begin, at_ - begin));
    digits.erase(std::remove(digits.begin(), digits.end(), ','), digits.end());
    if (digits.starts_with(".")) digits.insert(0, "0");
    if (digits.ends_with(".")) digits.pop_back();
    // "007" is 7 here: these answers are compared, not judged for their form.
    while (digits.size() > 1 && digits[0] == '0' && is_digit(digits[1])) digits.erase(0, 1);
    const auto value = parse_number(digits);
    if (!value) return std::nullopt;
    const std::size_t end = at_;
    if (value->is_integer()) {
      if (const auto part = proper_fraction(depth)) {
        const auto mixed = add(*value, *part);
        return mixed ? Value(constant(*mixed)) : std::nullopt;
      }
    }
    at_ = end;
    return constant(*value);
  }

  bool is_group_comma() const {
    if (text_[at_] != ',' || at_ + 3 >= text_.size()) return false;
    for (std::size_t i = 1; i <= 3; ++i) {
      if (!is_digit(text_[at_ + i])) return false;
    }
    return at_ + 4 >= text_.size() || !is_digit(text_[at_ + 4]);
  }

  // After a whole number: "\frac{1}{2}" at once, or " 1/2" after a space.
  std::optional<Rational> proper_fraction(int depth) {
    const bool spaced = at_ < text_.size() && text_[at_] == ' ';
    Value value;
    if (take("\\frac")) {
      value = fraction(depth);
    } else if (spaced) {
      skip_spaces();
      const std::size_t begin = at_;
      while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
      const std::size_t slash = at_;
      if (slash == begin || slash >= text_.size() || text_[slash] != '/') return std::nullopt;
      ++at_;
      while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
      const auto part = parse_number(text_.substr(begin, at_ - begin));
      if (part) value = constant(*part);
    }
    const auto part = value ? as_rational(*value) : std::nullopt;
    const bool proper = part && !part->is_negative() && part->numerator() < part->denominator();
    return proper ? part : std::nullopt;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::optional<Quotient> parse_closed_form(std::string_view normalised) {
  return Parser(normalised).run();
}

}  // namespace sputnik::tasks
