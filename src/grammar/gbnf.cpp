// GBNF: rules of literals, character classes, groups and repetitions; "root" is the whole text.
#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/utf8.h"
#include "grammar/rules_grammar.h"

namespace sputnik::grammar {
namespace {

constexpr std::size_t kMaxTextBytes = 512 * 1024;
constexpr int kMaxGroupDepth = 100;
constexpr int kMaxCount = 50'000;

class GbnfParser {
 public:
  explicit GbnfParser(std::string_view text) : text_(text) {}

  Result<RuleSet> parse() {
    if (text_.size() > kMaxTextBytes)
      return unsupported("a grammar of more than {} bytes", kMaxTextBytes);
    if (!is_valid_utf8(text_)) return invalid_argument("the grammar is not UTF-8");
    for (skip_space(true); at_ < text_.size(); skip_space(true)) {
      SPUTNIK_CHECK_OK(definition());
    }
    for (const auto& [name, index] : numbers_) {
      if (bodies_[index] == nullptr) return invalid_argument("rule \"{}\" is not defined", name);
    }
    const auto root = numbers_.find("root");
    if (root == numbers_.end()) return invalid_argument("there is no rule \"root\"");
    return RuleSet{rule(static_cast<int>(root->second)), std::move(bodies_)};
  }

 private:
  template <class... Args>
  Error wrong(fmt::format_string<Args...> format, Args&&... args) const {
    const auto before = text_.substr(0, at_);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    return invalid_argument("grammar, line {}: {}", line,
                            fmt::format(format, std::forward<Args>(args)...));
  }

  bool ended() const { return at_ >= text_.size(); }
  char peek() const { return ended() ? '\0' : text_[at_]; }
  bool take(std::string_view text) {
    if (!text_.substr(at_).starts_with(text)) return false;
    at_ += text.size();
    return true;
  }

  void skip_space(bool line_ends_too) {
    while (!ended()) {
      const char c = peek();
      if (c == '#') {
        at_ = std::min(text_.find_first_of("\r\n", at_), text_.size());
      } else if (c == ' ' || c == '\t' || (line_ends_too && (c == '\r' || c == '\n'))) {
        ++at_;
      } else {
        return;
      }
    }
  }

  static bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  }

  Result<std::string> name() {
    const std::size_t begin = at_;
    while (!ended() && is_name_char(peek())) ++at_;
    if (at_ == begin) return wrong("expected the name of a rule");
    return std::string(text_.substr(begin, at_ - begin));
  }

  int number(std::string name) {
    const auto [at, is_new] = numbers_.try_emplace(std::move(name), bodies_.size());
    if (is_new) bodies_.emplace_back();
    return static_cast<int>(at->second);
  }

  Result<void> definition() {
    SPUTNIK_TRY(std::string defined, name());
    skip_space(false);
    if (!take("::=")) return wrong("expected \"::=\" behind \"{}\"", defined.substr(0, 40));
    skip_space(true);
    const int index = number(defined);
    if (bodies_[index] != nullptr) return wrong("\"{}\" is defined twice", defined.substr(0, 40));
    if (bodies_.size() > kMaxRules) return unsupported("more than {} rules", kMaxRules);
    SPUTNIK_TRY(ExprPtr body, alternatives(0));
    bodies_[index] = std::move(body);
    skip_space(false);
    if (!ended() && peek() != '\n' && peek() != '\r') return wrong("expected the end of the rule");
    return ok_result();
  }

  // "|" may begin the next line.
  bool take_bar(bool in_group) {
    const std::size_t before = at_;
    skip_space(true);
    if (take("|")) {
      skip_space(true);
      return true;
    }
    if (!in_group) at_ = before;
    return false;
  }

  Result<ExprPtr> alternatives(int depth) {
    if (depth > kMaxGroupDepth) return unsupported("groups nest too deep");
    std::vector<ExprPtr> exprs;
    do {
      SPUTNIK_TRY(ExprPtr one, sequence_of_items(depth));
      exprs.push_back(std::move(one));
    } while (take_bar(depth > 0));
    return choice(std::move(exprs));
  }

  Result<ExprPtr> sequence_of_items(int depth) {
    std::vector<ExprPtr> parts;
    for (;;) {
      skip_space(depth > 0);
      const char c = peek();
      const bool begins_item =
          c == '"' || c == '[' || c == '(' || c == '.' || c == '<' || (!ended() && is_name_char(c));
      if (!begins_item) return seq(std::move(parts));
      SPUTNIK_TRY(ExprPtr part, item(depth));
      // Repetitions of repetitions: "a"*? means what it says.
      for (int n = 0;; ++n) {
        int min = 0, max = 0;
        SPUTNIK_TRY(const bool repeats, repetition(min, max));
        if (!repeats) break;
        if (n >= kMaxGroupDepth) return unsupported("too many repetitions of one item");
        part = repeated(std::move(part), min, max);
      }
      parts.push_back(std::move(part));
    }
  }

  Result<bool> repetition(int& min, int& max) {
    min = 0, max = -1;
    if (take("*")) return true;
    if (take("+")) {
      min = 1;
      return true;
    }
    if (take("?")) {
      max = 1;
      return true;
    }
    if (!take("{")) return false;
    skip_space(false);
    SPUTNIK_TRY(min, count());
    max = min;
    skip_space(false);
    if (take(",")) {
      max = -1;
      skip_space(false);
      if (peek() != '}') {
        SPUTNIK_TRY(max, count());
      }
      skip_space(false);
    }
    if (!take("}")) return wrong("expected \"}}\"");
    if (max >= 0 && max < min) return wrong("a count from {} to {}", min, max);
    return true;
  }

  Result<int> count() {
    const std::size_t begin = at_;
    int value = 0;
    for (; peek() >= '0' && peek() <= '9'; ++at_)
      value = std::min(value * 10 + (peek() - '0'), kMaxCount + 1);
    if (at_ == begin) return wrong("expected a number");
    if (value > kMaxCount) return unsupported("a count of more than {}", kMaxCount);
    return value;
  }

  Result<ExprPtr> item(int depth) {
    if (take("\"")) return quoted();
    if (take("[")) return char_class();
    if (take(".")) return code_points({{0, 0x10FFFF}});
    if (take("<")) return token_by_id();
    if (take("(")) {
      SPUTNIK_TRY(ExprPtr inner, alternatives(depth + 1));
      skip_space(true);
      if (!take(")")) return wrong("expected \")\"");
      return inner;
    }
    SPUTNIK_TRY(std::string called, name());
    return rule(number(std::move(called)));
  }

  // <[1234]>: a token by its number.
  Result<ExprPtr> token_by_id() {
    if (!take("[")) return unsupported("tokens by their text; write <[id]>");
    const std::size_t begin = at_;
    std::int32_t id = 0;
    for (; peek() >= '0' && peek() <= '9' && at_ - begin < 9; ++at_) id = id * 10 + (peek() - '0');
    if (at_ == begin || !take("]>")) return wrong("expected the id of a token and \"]>\"");
    return token(id);
  }

  Result<std::uint32_t> character() {
    if (ended() || peek() == '\n') return wrong("a text or class without its end");
    if (!take("\\")) {
      const auto decoded = decode_utf8(text_.substr(at_));
      at_ += decoded.n_bytes;
      return decoded.code_point;
    }
    const char c = peek();
    if (!ended()) ++at_;
    switch (c) {
      case 'n':
        return std::uint32_t{'\n'};
      case 'r':
        return std::uint32_t{'\r'};
      case 't':
        return std::uint32_t{'\t'};
      case 'x':
        return hex(2);
      case 'u':
        return hex(4);
      case 'U':
        return hex(8);
      case '"':
      case '[':
      case ']':
      case '\\':
      case '-':
      case '^':
      case '/':
        return static_cast<std::uint32_t>(c);
      default:
        return wrong("unknown escape");
    }
  }

  Result<std::uint32_t> hex(int n_digits) {
    std::uint32_t value = 0;
    for (int i = 0; i < n_digits; ++i, ++at_) {
      const char c = peek();
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return wrong("expected {} hexadecimal digits", n_digits);
      value = value * 16 + static_cast<std::uint32_t>(digit);
    }
    if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return wrong("no such character");
    return value;
  }

  Result<ExprPtr> quoted() {
    std::string text;
    while (!take("\"")) {
      SPUTNIK_TRY(const std::uint32_t c, character());
      append_utf8(text, c);
    }
    return literal(text);
  }

  Result<ExprPtr> char_class() {
    const bool is_negated = take("^");
    std::vector<CodePointRange> ranges;
    while (!take("]")) {
      SPUTNIK_TRY(const std::uint32_t lo, character());
      std::uint32_t hi = lo;
      if (peek() == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
        ++at_;
        SPUTNIK_TRY(hi, character());
        if (hi < lo) return wrong("a range that ends before it begins");
      }
      ranges.push_back({lo, hi});
    }
    return code_points(is_negated ? complement(ranges) : ranges);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::unordered_map<std::string, std::size_t> numbers_;
  std::vector<ExprPtr> bodies_;
};

}  // namespace

Result<GrammarPtr> gbnf(std::string_view text) {
  SPUTNIK_TRY(RuleSet rules, GbnfParser(text).parse());
  return RulesGrammar::create(std::move(rules));
}

}  // namespace sputnik::grammar
