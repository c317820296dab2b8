#include "tasks/talk_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "tasks/words.h"

namespace sputnik::tasks {
namespace {

constexpr int kMaxDepth = 4;

struct FunctionName {
  std::string_view name;
  TalkFunction function;
  std::size_t n_arguments;
  bool numbers;
};
constexpr std::array kFunctions = {
    FunctionName{"letters", TalkFunction::kLetters, 1, false},
    FunctionName{"first", TalkFunction::kFirst, 1, false},
    FunctionName{"last", TalkFunction::kLast, 1, false},
    FunctionName{"upper", TalkFunction::kUpper, 1, false},
    FunctionName{"length", TalkFunction::kLength, 1, false},
    FunctionName{"words", TalkFunction::kWords, 1, true},
    FunctionName{"sum", TalkFunction::kSum, 2, true},
    FunctionName{"difference", TalkFunction::kDifference, 2, true},
    FunctionName{"greater", TalkFunction::kGreater, 2, true},
    FunctionName{"smaller", TalkFunction::kSmaller, 2, true},
    FunctionName{"next", TalkFunction::kNext, 1, true},
    FunctionName{"previous", TalkFunction::kPrevious, 1, true},
    FunctionName{"count_up", TalkFunction::kCountUp, 1, true},
    FunctionName{"count_down", TalkFunction::kCountDown, 1, true},
};

const FunctionName& named(TalkFunction function) {
  return *std::find_if(kFunctions.begin(), kFunctions.end(),
                       [&](const FunctionName& name) { return name.function == function; });
}

class TextParser {
 public:
  TextParser(std::string_view text, const TalkLists& lists) : rest_(text), lists_(lists) {}

  // Up to the end, or within a choice to its "|" or "]".
  Result<TalkText> parse(int depth) {
    TalkText text;
    std::string literal;
    const auto finish_literal = [&] {
      if (literal.empty()) return;
      TalkText::Node& node = text.nodes.emplace_back();
      node.literal = std::move(literal);
      literal.clear();
    };
    while (!rest_.empty()) {
      const char c = rest_.front();
      if (depth > 0 && (c == '|' || c == ']')) break;
      rest_.remove_prefix(1);
      if (c == '{') {
        finish_literal();
        SPUTNIK_TRY(TalkText::Node node, parse_place());
        text.nodes.push_back(std::move(node));
      } else if (c == '[') {
        finish_literal();
        SPUTNIK_TRY(TalkText::Node node, parse_choice(depth + 1));
        text.nodes.push_back(std::move(node));
      } else if (c == '}' || c == ']' || c == '|') {
        return corrupt("'{}' stands alone", c);
      } else if (c == '\\') {
        if (!rest_.starts_with('n')) return corrupt("a backslash without an n");
        rest_.remove_prefix(1);
        literal += '\n';
      } else {
        literal += c;
      }
    }
    finish_literal();
    return text;
  }

 private:
  Result<TalkText::Node> parse_choice(int depth) {
    if (depth > kMaxDepth) return corrupt("choices are nested more than {} deep", kMaxDepth);
    TalkText::Node node;
    node.kind = TalkText::Node::Kind::kChoice;
    for (;;) {
      SPUTNIK_TRY(TalkText choice, parse(depth));
      node.choices.push_back(std::move(choice));
      if (rest_.empty()) return corrupt("'[' is not closed");
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == ']') break;
    }
    if (node.choices.size() < 2) return corrupt("a choice of one");
    return node;
  }

  Result<TalkText::Node> parse_place() {
    const std::size_t end = rest_.find('}');
    if (end == rest_.npos) return corrupt("'{{' is not closed");
    std::string_view place = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    TalkText::Node node;
    while (place.size() > 2 && place[place.size() - 2] == ':') {
      if (place.ends_with('C')) {
        node.capital = true;
      } else if (place.ends_with('a')) {
        node.article = true;
      } else {
        return corrupt("':{}' is neither ':C' nor ':a'", place.back());
      }
      place.remove_suffix(2);
    }
    if (place == "last") {
      node.kind = TalkText::Node::Kind::kLast;
      return node;
    }
    const std::size_t space = place.find(' ');
    if (space == place.npos) {
      node.kind = TalkText::Node::Kind::kSlot;
      SPUTNIK_TRY(const TalkSlot slot, parse_slot(place));
      node.slots.push_back(slot);
      return node;
    }
    node.kind = TalkText::Node::Kind::kCall;
    const auto function =
        std::find_if(kFunctions.begin(), kFunctions.end(),
                     [&](const FunctionName& f) { return f.name == place.substr(0, space); });
    if (function == kFunctions.end()) return corrupt("{{{}}}: there is no such function", place);
    node.function = function->function;
    for (std::string_view rest = place.substr(space + 1);;) {
      const std::size_t stop = std::min(rest.find(' '), rest.size());
      SPUTNIK_TRY(const TalkSlot slot, parse_slot(rest.substr(0, stop)));
      node.slots.push_back(slot);
      if (stop == rest.size()) break;
      rest.remove_prefix(stop + 1);
    }
    if (node.slots.size() != function->n_arguments) {
      return corrupt("{{{}}}: {} takes {} places", place, function->name, function->n_arguments);
    }
    return node;
  }

  Result<TalkSlot> parse_slot(std::string_view place) const {
    constexpr std::string_view kMy = "my_";
    TalkSlot slot;
    const std::size_t dot = place.find('.');
    std::string_view name = place.substr(0, dot);
    if (name.starts_with(kMy)) {
      slot.which = 0;
      name.remove_prefix(kMy.size());
    } else if (!name.empty() && name.back() >= '1' && name.back() <= '9') {
      slot.which = name.back() - '0';
      name.remove_suffix(1);
    }
    const auto list = lists_.find_list(name);
    if (!list) return corrupt("{{{}}}: there is no such list", place);
    slot.list = *list;
    if (dot != place.npos) {
      const auto column = lists_.find_column(*list, place.substr(dot + 1));
      if (!column) return corrupt("{{{}}}: there is no such column", place);
      slot.column = *column;
    }
    return slot;
  }

  std::string_view rest_;
  const TalkLists& lists_;
};

std::int64_t number(const std::string& text) {
  std::int64_t n = 0;
  std::from_chars(text.data(), text.data() + text.size(), n);
  return n;
}

std::string count(std::int64_t from, std::int64_t to) {
  std::vector<std::string> words;
  for (std::int64_t n = from;; n += from < to ? 1 : -1) {
    words.push_back(number_words(n));
    if (n == to) return join_and(words);
  }
}

bool is_ascii_alnum(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

bool is_word_byte(char c) {
  return is_ascii_alnum(c) || c == '\'' || static_cast<unsigned char>(c) >= 0x80;
}

// What people write in chats, without the apostrophe that may be missing.
constexpr std::array<std::pair<std::string_view, std::string_view>, 17> kShortForms = {{
    {"whats", "what is"},
    {"whos", "who is"},
    {"hows", "how is"},
    {"dont", "do not"},
    {"doesnt", "does not"},
    {"isnt", "is not"},
    {"arent", "are not"},
    {"cant", "cannot"},
    {"im", "i am"},
    {"gonna", "going to"},
    {"wanna", "want to"},
    {"cuz", "because"},
    {"thx", "thank you"},
    {"pls", "please"},
    {"ur", "your"},
    {"u", "you"},
    {"r", "are"},
}};

// Whole words alone.
void replace_words(std::string& text, std::string_view what, std::string_view by) {
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at)) {
    const std::size_t end = at + what.size();
    const bool whole = (at == 0 || !is_word_byte(text[at - 1])) &&
                       (end == text.size() || !is_word_byte(text[end]));
    if (whole) text.replace(at, what.size(), by);
    at += whole ? by.size() : 1;
  }
}

}  // namespace

Result<TalkText> parse_talk_text(std::string_view text, const TalkLists& lists) {
  return TextParser(text, lists).parse(0);
}

std::size_t argument_count(TalkFunction function) {
  return named(function).n_arguments;
}

bool takes_numbers(TalkFunction function) {
  return named(function).numbers;
}

std::string call(TalkFunction function, const std::vector<std::string>& arguments) {
  SPUTNIK_ASSERT(arguments.size() == argument_count(function) && !arguments[0].empty());
  const std::string& a = arguments[0];
  switch (function) {
    case TalkFunction::kLetters: {
      std::string letters;
      for (const char c : a) {
        if (!letters.empty()) letters += ", ";
        letters += c;
      }
      return letters;
    }
    case TalkFunction::kFirst:
      return {a.front()};
    case TalkFunction::kLast:
      return {a.back()};
    case TalkFunction::kUpper: {
      std::string upper = a;
      for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      return upper;
    }
    case TalkFunction::kLength:
      return number_words(static_cast<std::int64_t>(a.size()));
    case TalkFunction::kWords:
      return number_words(number(a));
    case TalkFunction::kSum:
      return number_words(number(a) + number(arguments[1]));
    case TalkFunction::kDifference:
      return number_words(std::abs(number(a) - number(arguments[1])));
    case TalkFunction::kGreater:
      return number_words(std::max(number(a), number(arguments[1])));
    case TalkFunction::kSmaller:
      return number_words(std::min(number(a), number(arguments[1])));
    case TalkFunction::kNext:
      return number_words(number(a) + 1);
    case TalkFunction::kPrevious:
      return number_words(number(a) - 1);
    case TalkFunction::kCountUp:
      return count(1, number(a));
    case TalkFunction::kCountDown:
      return count(number(a), 1);
  }
  return "";
}

std::string with_capital(std::string text) {
  if (!text.empty()) text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

std::string with_article(std::string_view text) {
  constexpr std::array<std::string_view, 4> kAsConsonant = {"uni", "use", "one", "eu"};
  constexpr std::array<std::string_view, 3> kAsVowel = {"hour", "honest", "heir"};
  const auto begins = [&](std::string_view prefix) { return text.starts_with(prefix); };
  const bool vowel =
      std::any_of(kAsVowel.begin(), kAsVowel.end(), begins) ||
      (!text.empty() && std::string_view("aeiouAEIOU").find(text[0]) != std::string_view::npos &&
       std::none_of(kAsConsonant.begin(), kAsConsonant.end(), begins));
  return fmt::format("{} {}", vowel ? "an" : "a", text);
}

std::optional<std::vector<std::string>> all_wordings(const TalkText& text, std::size_t limit) {
  std::vector<std::string> wordings{""};
  for (const TalkText::Node& node : text.nodes) {
    std::vector<std::string> parts;
    switch (node.kind) {
      case TalkText::Node::Kind::kLiteral:
        parts = {node.literal};
        break;
      case TalkText::Node::Kind::kLast:
        parts = {"{last}"};
        break;
      case TalkText::Node::Kind::kSlot:
      case TalkText::Node::Kind::kCall: {
        std::string part = "{";
        if (node.kind == TalkText::Node::Kind::kCall)
          part += fmt::format("f{}", static_cast<int>(node.function));
        for (const TalkSlot& slot : node.slots)
          part += fmt::format(" {} {} {}", slot.list, slot.which, slot.column);
        if (node.article) part += " a";
        parts = {part + "}"};
        break;
      }
      case TalkText::Node::Kind::kChoice:
        for (const TalkText& choice : node.choices) {
          auto more = all_wordings(choice, limit);
          if (!more) return std::nullopt;
          parts.insert(parts.end(), more->begin(), more->end());
        }
        break;
    }
    if (wordings.size() * parts.size() > limit) return std::nullopt;
    std::vector<std::string> longer;
    for (const std::string& begin : wordings)
      for (const std::string& part : parts) longer.push_back(begin + part);
    wordings = std::move(longer);
  }
  return wordings;
}

std::string normalized_wording(std::string_view text) {
  std::string out;
  bool in_place = false;
  for (const char c : text) {
    const bool is_text = static_cast<unsigned char>(c) >= 0x80 || is_ascii_alnum(c);
    if (c == '{' || c == '}') in_place = c == '{';
    if (is_text || c == '{' || c == '}' || (in_place && c == ' ')) {
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (c != '\'' && !out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  // Contractions last, as their apostrophes may be missing.
  for (const auto& [form, words] : kShortForms) replace_words(out, form, words);
  return out;
}

void shorten_wording(std::string& text) {
  for (const auto& [form, words] : kShortForms) replace_words(text, words, form);
  std::erase(text, '\'');
}

}  // namespace sputnik::tasks
