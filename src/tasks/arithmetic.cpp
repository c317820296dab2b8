#include "tasks/arithmetic.h"

#include "tasks/final_answer.h"

namespace sputnik::tasks {
namespace {

constexpr int kMaxDepth = 16;
constexpr std::size_t kMaxNumbers = 64;

class Parser {
 public:
  Parser(std::string_view text, Signs signs) : text_(text), signs_(signs) {}

  std::optional<ArithmeticValue> run() {
    const auto value = sum(0);
    skip_spaces();
    if (!value || at_ != text_.size()) return std::nullopt;
    return ArithmeticValue{*value, std::move(numbers_)};
  }

 private:
  using Value = std::optional<Rational>;

  void skip_spaces() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  char peek() {
    skip_spaces();
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  Value sum(int depth) {
    Value value = product(depth);
    while (value && (peek() == '+' || peek() == '-')) {
      const char op = text_[at_++];
      const Value right = product(depth);
      if (!right) return std::nullopt;
      value = op == '+' ? add(*value, *right) : subtract(*value, *right);
    }
    return value;
  }

  Value product(int depth) {
    Value value = factor(depth);
    while (value && (peek() == '*' || peek() == '/')) {
      const char op = text_[at_++];
      const Value right = factor(depth);
      if (!right) return std::nullopt;
      value = op == '*' ? multiply(*value, *right) : divide(*value, *right);
    }
    return value;
  }

  Value factor(int depth) {
    if (depth > kMaxDepth) return std::nullopt;
    const char c = peek();
    if (c == '(') {
      ++at_;
      const Value value = sum(depth + 1);
      if (peek() != ')') return std::nullopt;
      ++at_;
      return value;
    }
    if (c == '-' && signs_ == Signs::kAllowed) {
      ++at_;
      const Value value = factor(depth + 1);
      return value ? subtract(0, *value) : std::nullopt;
    }
    return number();
  }

  Value number() {
    const std::size_t begin = at_;
    const std::string_view allowed = signs_ == Signs::kAllowed ? "0123456789." : "0123456789";
    while (at_ < text_.size() && allowed.find(text_[at_]) != std::string_view::npos) ++at_;
    const std::string_view digits = text_.substr(begin, at_ - begin);
    if (digits.empty() || digits.back() == '.' || numbers_.size() == kMaxNumbers) {
      return std::nullopt;
    }
    const Value value = parse_number(digits);
    if (!value) return std::nullopt;
    const auto whole = parse_integer(digits);
    if (!whole && signs_ == Signs::kRefused) return std::nullopt;
    numbers_.push_back(whole.value_or(0));
    return value;
  }

  std::string_view text_;
  Signs signs_;
  std::size_t at_ = 0;
  std::vector<std::int64_t> numbers_;
};

bool is_letter(char c) {
  return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z');
}

// Whether text[i] can belong to an expression. A point does only between two digits.
bool is_arithmetic(std::string_view text, std::size_t i) {
  const auto digit = [&](std::size_t at) {
    return at < text.size() && '0' <= text[at] && text[at] <= '9';
  };
  if (text[i] == '.') return i > 0 && digit(i - 1) && digit(i + 1);
  return digit(i) || std::string_view("+-*/() ").find(text[i]) != std::string_view::npos;
}

std::string_view trim_spaces(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// An expression beside a letter, or that begins or ends with an operator, is a part of a larger
// one.
std::optional<Rational> closed_value(std::string_view text, std::size_t begin, std::size_t end) {
  if (begin > 0 && is_letter(text[begin - 1]) && text[begin] != ' ') return std::nullopt;
  if (end < text.size() && is_letter(text[end]) && text[end - 1] != ' ') return std::nullopt;
  const std::string_view expression = trim_spaces(text.substr(begin, end - begin));
  if (expression.empty() || std::string_view("+*/").find(expression[0]) != std::string_view::npos) {
    return std::nullopt;
  }
  if (expression.size() > 1 && expression[0] == '-' && expression[1] == ' ') return std::nullopt;
  const auto value = evaluate_arithmetic(expression, Signs::kAllowed);
  if (!value) return std::nullopt;
  return value->value;
}

}  // namespace

std::optional<ArithmeticValue> evaluate_arithmetic(std::string_view text, Signs signs) {
  if (text.size() > kMaxAnswerBytes) return std::nullopt;
  return Parser(text, signs).run();
}

EquationCheck check_equations(std::string_view text) {
  EquationCheck check;
  for (std::size_t equals = text.find('='); equals != std::string_view::npos;
       equals = text.find('=', equals + 1)) {
    std::size_t begin = equals, end = equals + 1;
    while (begin > 0 && is_arithmetic(text, begin - 1)) --begin;
    while (end < text.size() && is_arithmetic(text, end)) ++end;
    if (begin == equals || end == equals + 1) continue;
    const auto left = closed_value(text, begin, equals);
    const auto right = closed_value(text, equals + 1, end);
    if (!left || !right) continue;
    ++check.n_equations;
    if (*left == *right) continue;
    if (check.n_false++ == 0) check.first_false = text.substr(begin, end - begin);
  }
  return check;
}

}  // namespace sputnik::tasks
