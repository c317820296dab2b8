#include "grammar/regex_syntax.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/utf8.h"
#include "grammar/rules_grammar.h"

namespace sputnik::grammar {
namespace {

constexpr std::size_t kMaxPatternBytes = 64 * 1024;
constexpr int kMaxGroupDepth = 100;
constexpr int kMaxCount = 50'000;
constexpr std::int64_t kManyChars = std::int64_t{1} << 40;

using Ranges = std::vector<CodePointRange>;

const Ranges kDigits = {{'0', '9'}};
const Ranges kWordChars = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
const Ranges kSpaces = {{0x09, 0x0D},     {0x20, 0x20},     {0xA0, 0xA0},     {0x1680, 0x1680},
                        {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F},
                        {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
const Ranges kLineEnds = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};

std::int64_t add_lengths(std::int64_t a, std::int64_t b) {
  return a < 0 || b < 0 ? -1 : std::min(a + b, kManyChars);
}

class RegexParser {
 public:
  RegexParser(std::string_view pattern, const RegexOptions& options)
      : pattern_(pattern), options_(options) {}

  Result<Regex> parse() {
    if (pattern_.size() > kMaxPatternBytes)
      return unsupported("a pattern of more than {} bytes", kMaxPatternBytes);
    if (!is_valid_utf8(pattern_)) return invalid_argument("the pattern is not UTF-8");
    SPUTNIK_TRY(Regex regex, alternatives(0));
    if (at_ < pattern_.size()) return wrong("unmatched \")\"");
    return regex;
  }

 private:
  template <class... Args>
  Error wrong(fmt::format_string<Args...> format, Args&&... args) const {
    return invalid_argument("pattern, byte {}: {}", at_,
                            fmt::format(format, std::forward<Args>(args)...));
  }
  Error cannot(std::string_view what) const {
    return unsupported("pattern, byte {}: {} not supported", at_, what);
  }

  bool ended() const { return at_ >= pattern_.size(); }
  char peek() const { return ended() ? '\0' : pattern_[at_]; }
  bool take(std::string_view text) {
    if (!pattern_.substr(at_).starts_with(text)) return false;
    at_ += text.size();
    return true;
  }
  std::uint32_t take_code_point() {
    const auto decoded = decode_utf8(pattern_.substr(at_));
    at_ += decoded.n_bytes;
    return decoded.code_point;
  }

  Regex any_text() const { return {repeated(options_.write({{0, 0x10FFFF}}), 0, -1), 0, -1}; }

  // At depth 0 anchors may stand at the ends of every alternative.
  Result<Regex> alternatives(int depth) {
    if (depth > kMaxGroupDepth) return cannot("such deep nesting is");
    std::vector<ExprPtr> exprs;
    Regex result{nullptr, kManyChars, 0};
    do {
      SPUTNIK_TRY(const Regex one, sequence_of_terms(depth));
      exprs.push_back(one.expr);
      result.min_length = std::min(result.min_length, one.min_length);
      result.max_length = one.max_length < 0 || result.max_length < 0
                              ? -1
                              : std::max(result.max_length, one.max_length);
    } while (take("|"));
    result.expr = choice(std::move(exprs));
    return result;
  }

  Result<Regex> sequence_of_terms(int depth) {
    std::vector<ExprPtr> parts;
    Regex result{nullptr, 0, 0};
    const auto append = [&](const Regex& part) {
      parts.push_back(part.expr);
      result.min_length = std::min(result.min_length + part.min_length, kManyChars);
      result.max_length = add_lengths(result.max_length, part.max_length);
    };
    bool starts = false, ends = false;
    if (depth == 0) starts = take("^");
    if (options_.search && depth == 0 && !starts) append(any_text());
    while (!ended() && peek() != '|' && peek() != ')') {
      if (depth == 0 && peek() == '$') {
        ++at_;
        if (!ended() && peek() != '|') return cannot("\"$\" before the end is");
        ends = true;
        break;
      }
      SPUTNIK_TRY(const Regex part, term(depth));
      append(part);
    }
    if (options_.search && depth == 0 && !ends) append(any_text());
    result.expr = seq(std::move(parts));
    return result;
  }

  Result<Regex> term(int depth) {
    SPUTNIK_TRY(Regex part, atom(depth));
    int min = 1, max = 1;
    if (take("*")) {
      min = 0, max = -1;
    } else if (take("+")) {
      max = -1;
    } else if (take("?")) {
      min = 0;
    } else if (peek() == '{') {
      SPUTNIK_CHECK_OK(count(min, max));
    } else {
      return part;
    }
    take("?");  // a lazy one: the same texts
    if (peek() == '*' || peek() == '+' || peek() == '?' || peek() == '{')
      return wrong("nothing to repeat");
    if (max == 0) return Regex{empty(), 0, 0};
    part.expr = repeated(part.expr, min, max);
    part.min_length = std::min(part.min_length * min, kManyChars);
    if (max < 0 && part.max_length != 0) part.max_length = -1;
    if (part.max_length > 0) part.max_length = std::min(part.max_length * max, kManyChars);
    return part;
  }

  Result<int> number() {
    const std::size_t begin = at_;
    int value = 0;
    while (!ended() && peek() >= '0' && peek() <= '9') {
      value = std::min(value * 10 + (peek() - '0'), kMaxCount + 1);
      ++at_;
    }
    if (at_ == begin) return wrong("expected a number");
    if (value > kMaxCount) return unsupported("pattern: a count of more than {}", kMaxCount);
    return value;
  }

  Result<void> count(int& min, int& max) {
    ++at_;
    SPUTNIK_TRY(min, number());
    max = min;
    if (take(",")) {
      max = -1;
      if (peek() != '}') {
        SPUTNIK_TRY(max, number());
      }
    }
    if (!take("}")) return wrong("expected \"}}\"");
    if (max >= 0 && max < min) return wrong("a count from {} to {}", min, max);
    return ok_result();
  }

  Result<Regex> atom(int depth) {
    const char c = peek();
    if (c == '(') {
      ++at_;
      if (take("?:")) {
      } else if (peek() == '?') {
        if (!take("?<") || peek() == '=' || peek() == '!') return cannot("look-around is");
        const std::size_t end = pattern_.find('>', at_);
        if (end == pattern_.npos) return wrong("a group's name without an end");
        at_ = end + 1;
      }
      SPUTNIK_TRY(Regex inner, alternatives(depth + 1));
      if (!take(")")) return wrong("expected \")\"");
      return inner;
    }
    if (c == '^' || c == '$') return cannot("an anchor that is not at an end is");
    if (c == '*' || c == '+' || c == '?' || c == '{') return wrong("nothing to repeat");
    if (c == '[') {
      ++at_;
      SPUTNIK_TRY(const Ranges ranges, char_class());
      return one_of_chars(ranges);
    }
    if (c == '.') {
      ++at_;
      return one_of_chars(complement(kLineEnds));
    }
    if (c == '\\') {
      ++at_;
      SPUTNIK_TRY(const Ranges ranges, escape(false));
      return one_of_chars(ranges);
    }
    const std::uint32_t code_point = take_code_point();
    return one_of_chars({{code_point, code_point}});
  }

  Regex one_of_chars(const Ranges& ranges) const { return {options_.write(ranges), 1, 1}; }

  Result<std::uint32_t> hex(int n_digits) {
    std::uint32_t value = 0;
    for (int i = 0; i < n_digits; ++i) {
      const char c = peek();
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return wrong("expected {} hexadecimal digits", n_digits);
      value = value * 16 + static_cast<std::uint32_t>(digit);
      ++at_;
    }
    return value;
  }

  Result<std::uint32_t> unicode_escape() {
    if (take("{")) {
      const std::size_t end = pattern_.find('}', at_);
      if (end == pattern_.npos || end == at_ || end - at_ > 6)
        return wrong("expected up to 6 hexadecimal digits and \"}}\"");
      SPUTNIK_TRY(const std::uint32_t value, hex(static_cast<int>(end - at_)));
      ++at_;
      if (value > 0x10FFFF) return wrong("no such character");
      return value;
    }
    SPUTNIK_TRY(const std::uint32_t high, hex(4));
    if (high >= 0xD800 && high < 0xDC00 && take("\\u")) {
      SPUTNIK_TRY(const std::uint32_t low, hex(4));
      if (low < 0xDC00 || low > 0xDFFF) return wrong("half of a surrogate pair");
      return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
    }
    if (high >= 0xD800 && high <= 0xDFFF) return wrong("half of a surrogate pair");
    return high;
  }

  // Behind a backslash.
  Result<Ranges> escape(bool in_class) {
    if (ended()) return wrong("a backslash at the end");
    const auto single = [](std::uint32_t c) { return Ranges{{c, c}}; };
    const char c = peek();
    switch (c) {
      case 'd':
        return ++at_, kDigits;
      case 'D':
        return ++at_, complement(kDigits);
      case 'w':
        return ++at_, kWordChars;
      case 'W':
        return ++at_, complement(kWordChars);
      case 's':
        return ++at_, kSpaces;
      case 'S':
        return ++at_, complement(kSpaces);
      case 't':
        return ++at_, single('\t');
      case 'n':
        return ++at_, single('\n');
      case 'v':
        return ++at_, single('\v');
      case 'f':
        return ++at_, single('\f');
      case 'r':
        return ++at_, single('\r');
      case 'b':
        if (in_class) return ++at_, single('\b');
        return cannot("\"\\b\" is");
      case 'B':
        return cannot("\"\\B\" is");
      case 'p':
      case 'P':
        return cannot("a Unicode property is");
      case 'k':
        return cannot("a back reference is");
      case 'x': {
        ++at_;
        SPUTNIK_TRY(const std::uint32_t value, hex(2));
        return single(value);
      }
      case 'u': {
        ++at_;
        SPUTNIK_TRY(const std::uint32_t value, unicode_escape());
        return single(value);
      }
      case 'c': {
        ++at_;
        const char letter = peek();
        if (!((letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z')))
          return wrong("expected a letter");
        ++at_;
        return single(static_cast<std::uint32_t>(letter % 32));
      }
      default:
        break;
    }
    if (c == '0') {
      ++at_;
      if (peek() >= '0' && peek() <= '9') return wrong("octal escapes are ambiguous");
      return single(0);
    }
    if (c >= '1' && c <= '9') return cannot("a back reference is");
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
      return wrong("unknown escape \"\\{}\"", c);
    return single(take_code_point());
  }

  Result<Ranges> class_atom() {
    if (take("\\")) return escape(true);
    const std::uint32_t c = take_code_point();
    return Ranges{{c, c}};
  }

  Result<Ranges> char_class() {
    const bool is_negated = take("^");
    Ranges ranges;
    while (!take("]")) {
      if (ended()) return wrong("expected \"]\"");
      SPUTNIK_TRY(Ranges first, class_atom());
      const auto is_single = [](const Ranges& atom) {
        return atom.size() == 1 && atom[0].lo == atom[0].hi;
      };
      if (peek() == '-' && at_ + 1 < pattern_.size() && pattern_[at_ + 1] != ']') {
        ++at_;
        SPUTNIK_TRY(const Ranges last, class_atom());
        if (!is_single(first) || !is_single(last)) return wrong("a range between classes");
        if (first[0].lo > last[0].lo) return wrong("a range that ends before it begins");
        first[0].hi = last[0].lo;
      }
      ranges.insert(ranges.end(), first.begin(), first.end());
    }
    return is_negated ? complement(ranges) : normalized(std::move(ranges));
  }

  std::string_view pattern_;
  const RegexOptions& options_;
  std::size_t at_ = 0;
};

}  // namespace

Result<Regex> parse_regex(std::string_view pattern, const RegexOptions& options) {
  return RegexParser(pattern, options).parse();
}

Result<GrammarPtr> regex(std::string_view pattern) {
  SPUTNIK_TRY(Regex parsed, parse_regex(pattern));
  return RulesGrammar::create({std::move(parsed.expr), {}});
}

}  // namespace sputnik::grammar
