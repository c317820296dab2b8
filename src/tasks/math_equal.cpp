#include <algorithm>
#include <vector>

#include "tasks/answer.h"
#include "tasks/final_answer.h"
#include "tasks/math_text.h"

namespace sputnik::tasks {
namespace {

constexpr std::size_t kMaxMathBytes = 1024;
constexpr std::size_t kMaxItems = 64;
constexpr int kMaxDepth = 8;

// An answer as mathematics: a closed form, a list of answers, or words.
struct MathValue {
  enum class Kind { kForm, kOrdered, kUnordered, kText } kind = Kind::kText;
  std::optional<Quotient> form;
  bool percent = false;
  std::string text;  // kText: the words; kOrdered: the kind of brackets
  std::vector<MathValue> items;
};
using Kind = MathValue::Kind;

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::string without_spaces(std::string_view text) {
  std::string out = lower_case(text);
  std::erase_if(out, [](char c) { return c == ' ' || c == kTextMark || c == '{' || c == '}'; });
  return out;
}

bool is_open(char c) {
  return c == '(' || c == '[' || c == '{';
}
bool is_close(char c) {
  return c == ')' || c == ']' || c == '}';
}

// The parts between separators that stand in no brackets. More than kMaxItems parts: none.
std::vector<std::string_view> split(std::string_view text, std::string_view separator) {
  std::vector<std::string_view> parts;
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_open(text[i])) ++depth;
    if (is_close(text[i])) --depth;
    if (depth == 0 && text.substr(i).starts_with(separator)) {
      if (parts.size() == kMaxItems) return {};
      parts.push_back(trim(text.substr(begin, i - begin)));
      i += separator.size() - 1;
      begin = i + 1;
    }
  }
  parts.push_back(trim(text.substr(begin)));
  return parts;
}

// "1,234,567": groups of three, so the commas separate nothing.
bool is_grouped_number(std::string_view text) {
  const auto parts = split(text, ",");
  const auto all_digits = [](std::string_view part) {
    return !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
  };
  std::string_view first = parts.empty() ? std::string_view() : parts[0];
  if (first.starts_with('-')) first.remove_prefix(1);
  if (parts.size() < 2 || !all_digits(first) || first.size() > 3 || text.find(", ") != text.npos) {
    return false;
  }
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::string_view digits = parts[i].substr(0, parts[i].find('.'));
    if (digits.size() < 3 || !all_digits(digits.substr(0, 3))) return false;
    if (digits.size() > 3 && ('0' <= digits[3] && digits[3] <= '9')) return false;
  }
  return true;
}

MathValue parse(std::string_view text, int depth);

MathValue list(Kind kind, std::string brackets, const std::vector<std::string_view>& parts,
               int depth) {
  MathValue value;
  value.kind = kind;
  value.text = std::move(brackets);
  for (const std::string_view part : parts) value.items.push_back(parse(part, depth + 1));
  return value;
}

// Whether the bracket at the beginning closes at the end.
bool encloses(std::string_view text) {
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_open(text[i])) ++depth;
    if (is_close(text[i]) && --depth == 0) return i + 1 == text.size();
  }
  return false;
}

bool is_letter(char c) {
  return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z');
}

// x, f(x), f^{-1}(x): what an answer may be called.
bool is_name(std::string_view text) {
  if (text.empty() || !is_letter(text[0])) return false;
  text.remove_prefix(1);
  constexpr std::string_view kInverse = "^{-1}";
  if (text.starts_with(kInverse)) text.remove_prefix(kInverse.size());
  if (text.empty()) return true;
  return text.size() == 3 && text[0] == '(' && is_letter(text[1]) && text[2] == ')';
}

// "12 square inches", "5 cm^2": the number without its unit. Every word has two letters or more, so
// that variables stay.
std::string_view without_unit(std::string_view text) {
  for (const std::string_view raised : {"^2", "^3", "^{2}", "^{3}"}) {
    if (text.ends_with(raised) && text.size() > raised.size() + 1) {
      const std::string_view rest = text.substr(0, text.size() - raised.size());
      const char last = rest.back(), before = rest[rest.size() - 2];
      if (is_letter(last) && is_letter(before)) text = rest;
      break;
    }
  }
  std::string_view kept = text;
  while (true) {
    const std::size_t word =
        kept.find_last_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    if (word == std::string_view::npos || kept.size() - word - 1 < 2) return kept;
    const char before = kept[word];
    if (before != ' ' && !('0' <= before && before <= '9')) return kept;
    kept = trim(kept.substr(0, word + 1));
  }
}

MathValue scalar(std::string_view text) {
  MathValue value;
  std::string_view form = text;
  if (const std::size_t mark = form.find(kTextMark); mark != std::string_view::npos && mark > 0) {
    // Units say nothing more, but half of the day does.
    const std::string unit = lower_case(form.substr(mark + 1, 3));
    const bool half_day = unit == "a.m" || unit == "p.m";
    if (!half_day) form = trim(form.substr(0, mark));
  }
  if (form.ends_with('%')) {
    value.percent = true;
    form = trim(form.substr(0, form.size() - 1));
  }
  value.form = parse_closed_form(form);
  if (!value.form) value.form = parse_closed_form(without_unit(form));
  if (value.form) {
    value.kind = Kind::kForm;
  } else {
    value.text = without_spaces(text);
  }
  return value;
}

std::optional<MathValue> parse_matrix(std::string_view text, int depth) {
  constexpr std::string_view kBegin = "\\begin{pmatrix}", kEnd = "\\end{pmatrix}";
  if (!text.starts_with(kBegin) || !text.ends_with(kEnd)) return std::nullopt;
  text = text.substr(kBegin.size(), text.size() - kBegin.size() - kEnd.size());
  MathValue matrix;
  matrix.kind = Kind::kOrdered;
  matrix.text = "matrix";
  for (const std::string_view row : split(text, "\\\\")) {
    if (!row.empty()) matrix.items.push_back(list(Kind::kOrdered, "row", split(row, "&"), depth));
  }
  return matrix;
}

std::optional<MathValue> parse_plus_minus(std::string_view text, int depth) {
  const std::size_t at = text.find("\\pm");
  if (at == std::string_view::npos) return std::nullopt;
  const std::string head(text.substr(0, at)), tail(text.substr(at + 3));
  const std::string plus = head + "+" + tail, minus = head + "-" + tail;
  return list(Kind::kUnordered, "", {plus, minus}, depth);
}

MathValue parse(std::string_view text, int depth) {
  text = trim(text);
  // Nothing but \text{...}: what it says.
  if (text.size() >= 2 && text.front() == kTextMark && text.find(kTextMark, 1) == text.size() - 1) {
    text = trim(text.substr(1, text.size() - 2));
  }
  if (depth > kMaxDepth) {
    MathValue value;
    value.text = without_spaces(text);
    return value;
  }
  if (const auto sides = split(text, "="); sides.size() == 2) {
    if (is_name(sides[0])) return parse(sides[1], depth + 1);
    return list(Kind::kUnordered, "=", sides, depth);
  }
  if (const std::size_t in = text.find("\\in "); in != std::string_view::npos && in <= 2) {
    return parse(text.substr(in + 4), depth + 1);
  }
  if (auto parts = split(text, "\\cup"); parts.size() > 1) {
    return list(Kind::kUnordered, "cup", parts, depth);
  }
  if (auto matrix = parse_matrix(text, depth)) return *matrix;
  if (text.starts_with("\\{") && text.ends_with("\\}")) {
    return list(Kind::kUnordered, "", split(text.substr(2, text.size() - 4), ","), depth);
  }
  if (text.size() >= 2 && (text[0] == '(' || text[0] == '[') && encloses(text)) {
    const auto parts = split(text.substr(1, text.size() - 2), ",");
    if (parts.size() > 1) {
      return list(Kind::kOrdered, std::string{text[0], text.back()}, parts, depth);
    }
  }
  if (!is_grouped_number(text)) {
    std::string commas(text);
    for (const std::string_view word : {" and ", " or "}) {
      for (std::size_t at = commas.find(word); at != std::string::npos; at = commas.find(word)) {
        commas.replace(at, word.size(), ",");
      }
    }
    auto parts = split(commas, ",");
    std::erase_if(parts, [](std::string_view part) { return part.empty(); });
    if (parts.size() > 1) return list(Kind::kUnordered, "", parts, depth);
  }
  if (auto both = parse_plus_minus(text, depth)) return *both;
  return scalar(text);
}

bool same(const MathValue& a, const MathValue& b);

bool same_items(const MathValue& a, const MathValue& b) {
  if (a.items.size() != b.items.size()) return false;
  if (a.kind == Kind::kOrdered) {
    return a.text == b.text && std::equal(a.items.begin(), a.items.end(), b.items.begin(), same);
  }
  std::vector<bool> used(b.items.size(), false);
  for (const MathValue& item : a.items) {
    std::size_t i = 0;
    while (i < used.size() && (used[i] || !same(item, b.items[i]))) ++i;
    if (i == used.size()) return false;
    used[i] = true;
  }
  return true;
}

bool same_form(const MathValue& a, const MathValue& b) {
  if (equal(*a.form, *b.form).value_or(false)) return true;
  if (a.percent == b.percent) return false;
  const auto hundredth = divide(a.percent ? *a.form : *b.form, constant(100));
  return hundredth && equal(*hundredth, a.percent ? *b.form : *a.form).value_or(false);
}

bool same(const MathValue& a, const MathValue& b) {
  // {3} and 3 answer the same question.
  if (a.kind == Kind::kUnordered && a.items.size() == 1 && b.kind != a.kind)
    return same(a.items[0], b);
  if (b.kind == Kind::kUnordered && b.items.size() == 1 && b.kind != a.kind)
    return same(a, b.items[0]);
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case Kind::kForm:
      return same_form(a, b);
    case Kind::kText:
      return !a.text.empty() && a.text == b.text;
    default:
      return same_items(a, b);
  }
}

}  // namespace

bool math_equal(std::string_view a, std::string_view b) {
  if (a.size() > kMaxMathBytes || b.size() > kMaxMathBytes) return false;
  const std::string left = normalise_math(a), right = normalise_math(b);
  const std::string left_text = without_spaces(left), right_text = without_spaces(right);
  if (left_text.empty() || right_text.empty()) return false;
  // "1 2" is not "12": spaces between digits mean something.
  if (left == right) return true;
  return same(parse(left, 0), parse(right, 0));
}

}  // namespace sputnik::tasks
