#include <algorithm>
#include <array>

#include "tasks/answer.h"
#include "tasks/final_answer.h"
#include "tasks/math_text.h"

namespace sputnik::tasks {
namespace {

// The end of a long response holds its answer; what is before need not be searched.
constexpr std::size_t kMaxResponseBytes = std::size_t{1} << 16;

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

std::string_view first_line(std::string_view text) {
  return text.substr(0, text.find('\n'));
}

std::optional<std::string_view> last_tag(std::string_view text) {
  constexpr std::string_view kOpen = "<answer>", kClose = "</answer>";
  const std::size_t open = text.rfind(kOpen);
  if (open == std::string_view::npos) return std::nullopt;
  const std::string_view content = text.substr(open + kOpen.size());
  return content.substr(0, content.find(kClose));
}

std::optional<std::string_view> last_boxed(std::string_view text) {
  for (std::size_t end = text.size();;) {
    const std::size_t boxed = text.rfind("\\boxed", end), fbox = text.rfind("\\fbox", end);
    if (boxed == std::string_view::npos && fbox == std::string_view::npos) return std::nullopt;
    const bool is_boxed =
        fbox == std::string_view::npos || (boxed != std::string_view::npos && boxed > fbox);
    const std::size_t command = is_boxed ? boxed : fbox;
    std::size_t open = command + (is_boxed ? 6 : 5);
    while (open < text.size() && text[open] == ' ') ++open;
    if (open < text.size() && text[open] == '{') {
      if (const auto content = braced(text, open)) return content;
    } else if (open < text.size() && open > command + 6) {
      return text.substr(open, text.find_first_of(" $\n", open) - open);  // "\boxed 5"
    }
    if (command == 0) return std::nullopt;
    end = command - 1;
  }
}

// After the last "answer is", "Answer:" and the like, to the end of the line or sentence.
std::optional<std::string_view> after_phrase(std::string_view text) {
  const std::string lower = lower_case(text);
  std::size_t best = std::string::npos;
  for (const std::string_view phrase : {"answer is:", "answer is", "answer:", "answer =", "####"}) {
    const std::size_t at = lower.rfind(phrase);
    if (at == std::string::npos) continue;
    const std::size_t end = at + phrase.size();
    if (best == std::string::npos || end > best) best = end;
  }
  if (best == std::string::npos) return std::nullopt;
  std::string_view rest = text.substr(best);
  // "**Answer:** 5" leaves the stars that closed the bold print.
  if (rest.starts_with("** ")) rest.remove_prefix(3);
  while (!rest.empty() && (rest[0] == ':' || rest[0] == ' ')) rest.remove_prefix(1);
  rest = first_line(trim(rest));
  // A sentence that goes on after the answer.
  const std::size_t stop = rest.find(". ");
  return stop == std::string_view::npos ? rest : rest.substr(0, stop);
}

std::string_view last_line(std::string_view text) {
  const std::size_t line = text.rfind('\n');
  return line == std::string_view::npos ? text : trim(text.substr(line + 1));
}

// "**42**", "$42$", "`42`" and a period at the end.
std::string without_decoration(std::string_view text) {
  text = trim(text);
  if (!text.empty() && text.back() == '.') text.remove_suffix(1);
  for (const std::string_view mark : {"**", "$$", "$", "`"}) {
    while (text.size() > 2 * mark.size() && text.starts_with(mark) && text.ends_with(mark)) {
      text = trim(text.substr(mark.size(), text.size() - 2 * mark.size()));
    }
  }
  if (text.starts_with("\\(") && text.ends_with("\\)"))
    text = trim(text.substr(2, text.size() - 4));
  if (!text.empty() && text.back() == '.') text.remove_suffix(1);
  return std::string(text);
}

bool is_upper(char c) {
  return 'A' <= c && c <= 'Z';
}
bool is_word(char c) {
  return is_upper(c) || ('a' <= c && c <= 'z') || ('0' <= c && c <= '9');
}

}  // namespace

std::optional<std::string> extract_answer(std::string_view response) {
  constexpr std::string_view kOpen = "<think>", kClose = "</think>";
  const std::size_t close = response.rfind(kClose);
  if (close != std::string_view::npos) {
    response.remove_prefix(close + kClose.size());
  } else if (response.find(kOpen) != std::string_view::npos) {
    return std::nullopt;
  }
  if (response.size() > kMaxResponseBytes) {
    response.remove_prefix(response.size() - kMaxResponseBytes);
  }
  response = trim(response);
  std::string_view found = response;
  bool marked = false;
  if (const auto tagged = last_tag(response)) {
    found = trim(*tagged);
    marked = true;
  }
  if (const auto boxed = last_boxed(found)) {
    found = *boxed;
  } else if (const auto after = after_phrase(found)) {
    found = *after;
  } else if (!marked) {
    found = last_line(found);
  }
  std::string answer = without_decoration(found);
  if (answer.empty()) return std::nullopt;
  return answer;
}

std::optional<char> extract_choice(std::string_view response, int n_choices) {
  const auto answer = extract_answer(response);
  if (!answer || n_choices < 1 || n_choices > 26) return std::nullopt;
  std::string text = normalise_math(*answer);
  std::erase(text, kTextMark);
  const char last = static_cast<char>('A' + n_choices - 1);
  std::optional<char> choice;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool alone =
        (i == 0 || !is_word(text[i - 1])) && (i + 1 == text.size() || !is_word(text[i + 1]));
    if (!alone || text[i] < 'A' || text[i] > last) continue;
    // "A cat" and "I think" begin with words and no choices.
    const std::string_view after = std::string_view(text).substr(i + 1);
    const bool marked = after.empty() || std::string_view(").:,").find(after[0]) != after.npos ||
                        after.starts_with(" or ") || after.starts_with(" and ");
    if (!marked && (text[i] == 'A' || text[i] == 'I')) continue;
    if (choice && *choice != text[i]) return std::nullopt;
    choice = text[i];
  }
  return choice;
}

}  // namespace sputnik::tasks
