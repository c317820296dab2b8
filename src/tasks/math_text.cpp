#include "tasks/math_text.h"

#include <algorithm>
#include <array>

namespace sputnik::tasks {
namespace {

bool is_letter(char c) {
  return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z');
}
struct Spelling {
  std::string_view from, to;
};

constexpr std::string_view kDegree = "\x01";  // until it is removed with the ^ before it

// Of two that begin alike the longer comes first. A command ends where its letters end: \le is not
// the beginning of \left.
constexpr std::array kSpellings = {
    Spelling{"\\\\", "\\\\"},  // the end of a row, and no beginning of a command
    Spelling{"\\dfrac", "\\frac"},
    Spelling{"\\tfrac", "\\frac"},
    Spelling{"\\cfrac", "\\frac"},
    Spelling{"\\left", ""},
    Spelling{"\\right", ""},
    Spelling{"\\displaystyle", ""},
    Spelling{"\\bigl", ""},
    Spelling{"\\bigr", ""},
    Spelling{"\\big", ""},
    Spelling{"\\Big", ""},
    Spelling{"\\quad", " "},
    Spelling{"\\cdot", "*"},
    Spelling{"\\times", "*"},
    Spelling{"\\div", "/"},
    Spelling{"\\leq", "<="},
    Spelling{"\\le", "<="},
    Spelling{"\\geq", ">="},
    Spelling{"\\ge", ">="},
    Spelling{"\\lt", "<"},
    Spelling{"\\gt", ">"},
    Spelling{"\\infty", "oo"},
    Spelling{"\\lbrace", "\\{"},
    Spelling{"\\rbrace", "\\}"},
    Spelling{"\\ldots", "..."},
    Spelling{"\\dots", "..."},
    Spelling{"\\circ", kDegree},
    Spelling{"\\degree", kDegree},
    Spelling{"\\mbox", "\\text"},
    Spelling{"\\textbf", "\\text"},
    Spelling{"\\mathrm", "\\text"},
    Spelling{"\\textrm", "\\text"},
    Spelling{"\\mathbf", "\\text"},
    Spelling{"\\textit", "\\text"},
    Spelling{"\\bmatrix", "\\pmatrix"},
    Spelling{"\\,", ""},
    Spelling{"\\!", ""},
    Spelling{"\\;", ""},
    Spelling{"\\:", ""},
    Spelling{"\\ ", " "},
    Spelling{"\\$", ""},
    Spelling{"\\%", "%"},
    Spelling{"\\(", ""},
    Spelling{"\\)", ""},
    Spelling{"\\[", ""},
    Spelling{"\\]", ""},
    Spelling{"$", ""},
    Spelling{"~", " "},
    Spelling{"{,}", ","},
    Spelling{"**", ""},
    Spelling{"\xe2\x88\x92", "-"},       // minus sign
    Spelling{"\xc3\x97", "*"},           // multiplication sign
    Spelling{"\xc2\xb7", "*"},           // middle dot
    Spelling{"\xc3\xb7", "/"},           // division sign
    Spelling{"\xc2\xb0", kDegree},       // degree sign
    Spelling{"\xcf\x80", "\\pi"},        // pi
    Spelling{"\xe2\x88\x9a", "\\sqrt"},  // square root
    Spelling{"\xe2\x88\x9e", "oo"},      // infinity
    Spelling{"\xc2\xb1", "\\pm"},        // plus-minus
    Spelling{"\xe2\x82\xac", ""},        // euro sign
    Spelling{"\xc2\xa3", ""},            // pound sign
};

bool begins_with(std::string_view text, const Spelling& spelling) {
  if (!text.starts_with(spelling.from)) return false;
  const bool command = spelling.from[0] == '\\' && is_letter(spelling.from.back());
  return !command || text.size() == spelling.from.size() || !is_letter(text[spelling.from.size()]);
}

std::string respell(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto spelling = std::find_if(kSpellings.begin(), kSpellings.end(),
                                       [&](const Spelling& s) { return begins_with(text, s); });
    if (spelling == kSpellings.end()) {
      out += text[0] == '\n' || text[0] == '\t' || text[0] == '\r' ? ' ' : text[0];
      text.remove_prefix(1);
    } else {
      out += spelling->to;
      text.remove_prefix(spelling->from.size());
    }
  }
  return out;
}

void erase_all(std::string& text, std::string_view part) {
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at)) {
    text.erase(at, part.size());
  }
}

// \text{cm} becomes "cm" between kTextMark; \text{and} becomes a comma.
void unwrap_text(std::string& text) {
  constexpr std::string_view kCommand = "\\text";
  for (std::size_t at = text.find(kCommand); at != std::string::npos;
       at = text.find(kCommand, at)) {
    std::size_t open = at + kCommand.size();
    while (open < text.size() && text[open] == ' ') ++open;
    const auto content =
        open < text.size() && text[open] == '{' ? braced(text, open) : std::nullopt;
    if (!content) {
      at += kCommand.size();
      continue;
    }
    const std::size_t first = std::min(content->find_first_not_of(' '), content->size());
    const std::string_view trimmed =
        content->substr(first, content->find_last_not_of(' ') + 1 - first);
    const bool between = trimmed == "and" || trimmed == "or";
    const std::string word =
        between ? "," : std::string(1, kTextMark) + std::string(trimmed) + kTextMark;
    text.replace(at, open + content->size() + 2 - at, word);
  }
}

}  // namespace

std::optional<std::string_view> braced(std::string_view text, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;  // \{ and \} do not count
    } else if (text[i] == '{') {
      ++depth;
    } else if (text[i] == '}' && --depth == 0) {
      return text.substr(open + 1, i - open - 1);
    }
  }
  return std::nullopt;
}

std::string normalise_math(std::string_view text) {
  std::string out = respell(text);
  unwrap_text(out);
  for (const std::string_view degrees : {"^{\x01}", "^\x01", "\x01"}) erase_all(out, degrees);
  while (!out.empty() && (out.back() == ' ' || out.back() == '.')) out.pop_back();
  out.erase(0, std::min(out.find_first_not_of(' '), out.size()));
  return out;
}

}  // namespace sputnik::tasks
