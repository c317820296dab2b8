#include "tasks/final_answer.h"

#include <algorithm>

namespace sputnik::tasks {
namespace {

// Not isspace and friends: those depend on the locale.
bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_digit(char c) {
  return '0' <= c && c <= '9';
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// Digits of "1234" or "1,234"; none if the commas stand elsewhere or there are leading zeros.
std::optional<std::string> whole_digits(std::string_view text) {
  constexpr std::size_t kGroup = 3;
  constexpr std::size_t kMaxDigits = 38;  // what 128 bits hold
  std::string digits;
  const bool grouped = text.find(',') != std::string_view::npos;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool comma = grouped && (text.size() - i) % (kGroup + 1) == 0 && i > 0;
    if (comma ? text[i] != ',' : !is_digit(text[i])) return std::nullopt;
    if (!comma) digits += text[i];
  }
  if (digits.empty() || digits.size() > kMaxDigits) return std::nullopt;
  if (digits.size() > 1 && digits[0] == '0') return std::nullopt;
  return digits;
}

std::optional<Rational> parse_unsigned_decimal(std::string_view text) {
  const std::size_t point = text.find('.');
  const auto whole = whole_digits(text.substr(0, point));
  if (!whole) return std::nullopt;
  const std::string_view decimals =
      point == std::string_view::npos ? std::string_view() : text.substr(point + 1);
  constexpr std::size_t kMaxDigits = 38;
  if (point != std::string_view::npos && decimals.empty()) return std::nullopt;
  if (whole->size() + decimals.size() > kMaxDigits) return std::nullopt;
  if (!std::all_of(decimals.begin(), decimals.end(), is_digit)) return std::nullopt;
  Int128 number = 0, scale = 1;
  for (const char c : *whole + std::string(decimals)) number = number * 10 + (c - '0');
  for (std::size_t i = 0; i < decimals.size(); ++i) scale *= 10;
  return Rational::make(number, scale);
}

std::string_view take_sign(std::string_view text, bool& negative) {
  negative = !text.empty() && text.front() == '-';
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  return text;
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if ('A' <= c && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string_view trim_answer(std::string_view answer) {
  if (answer.size() > kMaxAnswerBytes) return {};
  answer = trim(answer);
  if (!answer.empty() && answer.back() == '.') answer.remove_suffix(1);
  return trim(answer);
}

std::optional<Rational> parse_number(std::string_view answer) {
  bool negative = false;
  const std::string_view text = take_sign(trim_answer(answer), negative);
  const std::size_t slash = text.find('/');
  std::optional<Rational> value;
  if (slash == std::string_view::npos) {
    value = parse_unsigned_decimal(text);
  } else {
    const std::string_view numerator = trim(text.substr(0, slash));
    const std::string_view denominator = trim(text.substr(slash + 1));
    const auto is_whole = [](std::string_view part) {
      return part.find('.') == std::string_view::npos;
    };
    if (!is_whole(numerator) || !is_whole(denominator)) return std::nullopt;
    const auto top = parse_unsigned_decimal(numerator),
               bottom = parse_unsigned_decimal(denominator);
    if (top && bottom) value = divide(*top, *bottom);
  }
  if (value && negative) value = subtract(0, *value);
  return value;
}

std::optional<std::int64_t> parse_integer(std::string_view answer) {
  const std::string_view text = trim_answer(answer);
  if (text.find_first_of("./") != std::string_view::npos) return std::nullopt;
  const auto value = parse_number(text);
  if (!value || value->numerator() > INT64_MAX || value->numerator() < INT64_MIN) {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(value->numerator());
}

bool is_integer_answer(std::string_view answer, std::int64_t expected) {
  return parse_integer(answer) == expected;
}

bool is_word_answer(std::string_view answer, std::string_view expected) {
  std::string_view text = trim_answer(answer);
  if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') &&
      text.back() == text.front()) {
    text = text.substr(1, text.size() - 2);
  }
  return lower_case(text) == lower_case(expected);
}

std::optional<bool> parse_yes_no(std::string_view answer) {
  const std::string text = lower_case(trim_answer(answer));
  if (text == "yes" || text == "true") return true;
  if (text == "no" || text == "false") return false;
  return std::nullopt;
}

std::optional<std::vector<std::string>> parse_list(std::string_view answer, std::size_t max_parts) {
  std::string_view text = trim_answer(answer);
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']') {
    text = trim(text.substr(1, text.size() - 2));
  }
  std::vector<std::string> parts;
  if (text.empty()) return parts;
  const bool commas = text.find(',') != std::string_view::npos;
  while (true) {
    const std::size_t end = text.find(commas ? ',' : ' ');
    const std::string_view part = trim(text.substr(0, end));
    if (part.empty() || parts.size() == max_parts) return std::nullopt;
    parts.push_back(lower_case(part));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
    while (!commas && !text.empty() && text.front() == ' ') text.remove_prefix(1);
  }
}

bool is_list_answer(std::string_view answer, const std::vector<std::string>& expected) {
  const auto parts = parse_list(answer, expected.size());
  if (!parts || parts->size() != expected.size()) return false;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if ((*parts)[i] != lower_case(expected[i])) return false;
  }
  return true;
}

}  // namespace sputnik::tasks
