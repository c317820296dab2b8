// The language in which talks are written: text with places and choices.
//
//   {animal} {animal.many}   a row of the list "animal", in its first or a named column
//   {animal2}                another row of the same list; up to {animal9}
//   {my_name}                a row that stays for the whole conversation: what the user told
//   {last}                   what the assistant said last
//   {first word}             a function of places, see TalkFunction
//   {animal:C} {animal:a}    with a capital; with "a" or "an"
//   [one|two|]               one of the parts, drawn each time; may be nested
//   \n                       a line break
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sputnik::tasks {

enum class TalkFunction {
  kLetters,     // "c, a, t"
  kFirst,       // its first letter
  kLast,        // its last letter
  kUpper,       // in capitals
  kLength,      // how many letters, in words
  kWords,       // a number in words
  kSum,         // of two numbers, in words, as all that follow
  kDifference,  // of the greater and the smaller
  kGreater,
  kSmaller,
  kNext,
  kPrevious,
  kCountUp,  // "one, two and three"
  kCountDown,
};

struct TalkSlot {
  std::size_t list = 0;
  int which = 1;  // 0: the user's own
  std::size_t column = 0;
  bool operator==(const TalkSlot&) const = default;
};

struct TalkText {
  struct Node {
    enum class Kind { kLiteral, kSlot, kLast, kCall, kChoice };
    Kind kind = Kind::kLiteral;
    std::string literal;
    TalkFunction function = TalkFunction::kFirst;
    std::vector<TalkSlot> slots;  // one, or the arguments of the function
    std::vector<TalkText> choices;
    bool capital = false, article = false;
  };
  std::vector<Node> nodes;
};

// What a text may refer to. The names of its lists end in no digit.
class TalkLists {
 public:
  virtual ~TalkLists() = default;
  virtual std::optional<std::size_t> find_list(std::string_view name) const = 0;
  virtual std::optional<std::size_t> find_column(std::size_t list, std::string_view name) const = 0;
};

// kCorrupt says what is wrong with the text.
Result<TalkText> parse_talk_text(std::string_view text, const TalkLists& lists);

// Of functions: their number of arguments, and whether these are numbers.
std::size_t argument_count(TalkFunction function);
bool takes_numbers(TalkFunction function);
// The arguments must be what the function takes: plain words, or numbers below a thousand.
std::string call(TalkFunction function, const std::vector<std::string>& arguments);

std::string with_capital(std::string text);
std::string with_article(std::string_view text);

// Every wording of a text whose places stand for themselves, or nothing if there are more than
// limit.
std::optional<std::vector<std::string>> all_wordings(const TalkText& text, std::size_t limit);

// Two texts that people take for the same agree in this: lower case, without punctuation, with the
// short forms of chats ("whats", "u") written out.
std::string normalized_wording(std::string_view text);

// The reverse: lower-case text with the short forms of chats, without apostrophes.
void shorten_wording(std::string& text);

// Calls f(node) for every node, those of choices included.
template <class F>
void for_each_node(const TalkText& text, const F& f) {
  for (const TalkText::Node& node : text.nodes) {
    f(node);
    for (const TalkText& choice : node.choices) for_each_node(choice, f);
  }
}

}  // namespace sputnik::tasks
