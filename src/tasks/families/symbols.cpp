// Strings of symbols: rewriting, brackets, binary numbers.
#include <bit>

#include "tasks/families/columns.h"
#include "tasks/families/families.h"
#include "tasks/families/letters.h"
#include "tasks/final_answer.h"

namespace sputnik::tasks {
namespace {

constexpr Template kRewritingTemplates[] = {
    {kPlain,
     "Replace {l} by {r}, always at the leftmost place, until {l} no longer occurs. Start: {w}"},
    {kPlain,
     "A rule turns {l} into {r}. Apply it from the left as long as possible to {w}. What is the "
     "result?"},
    {kPlain, "Rewrite {w} with the rule {l} -> {r} until it cannot be applied any more."},
    {kPlain,
     "What becomes of {w} if every {l} turns into {r}, the leftmost first, again and again?"},
    {kSchool,
     "{name} plays a game: {l} on the board becomes {r}, the leftmost first. At first there is "
     "{w}. What stays at the end?"},
    {kShop,
     "A machine swaps the letters {l} for {r}, leftmost first, until there are none. It gets {w}. "
     "What comes out?"},
    {kFarm,
     "On the sign {w} the pair {l} is painted over with {r}, the leftmost first, until none is "
     "left. What does it say?"},
    {kTravel,
     "A code changes {l} to {r}, leftmost first, as long as it can. What is {w} at the end?"},
    {kKitchen,
     "Letter cookies {w}: {l} is traded for {r}, leftmost first, until there is no {l}. What "
     "is left?"},
    {kPlain, "Apply {l} -> {r} to {w}, leftmost first, until nothing changes."},
    {kHarbour,
     "On the flags {w} the pair {l} becomes {r}, leftmost first, until none is left. What is "
     "shown?"},
};

std::string rewritten(std::string word, const std::string& left, const std::string& right) {
  for (std::size_t at = word.find(left); at != std::string::npos; at = word.find(left)) {
    word.replace(at, left.size(), right);
  }
  return word;
}

void make_rewriting(Item& item) {
  constexpr struct {
    std::int64_t length, steps;
  } kLevels[] = {{5, 2}, {6, 3}, {8, 5}, {10, 7}, {14, 12}};
  const auto [length, most] = at_level(kLevels, item.level);
  Draw& draw = item.draw;
  std::string word, left, right;
  std::int64_t steps = 0;
  // A rule that shortens always ends; "ba -> ab" sorts, and ends too.
  while (steps < 1 || steps > most) {
    const std::size_t rule = draw.index(4);
    left = std::vector<std::string>{"ba", "ab", "aa", "bc"}[rule];
    right = std::vector<std::string>{"ab", "c", "b", "a"}[rule];
    word.clear();
    for (std::int64_t i = 0; i < length; ++i) word += static_cast<char>('a' + draw.between(0, 2));
    steps = 0;
    for (std::string w = word; w.find(left) != std::string::npos && steps <= most; ++steps) {
      w.replace(w.find(left), left.size(), right);
    }
  }
  item.slots.set("w", word);
  item.slots.set("l", left);
  item.slots.set("r", right);
  item.facts.words = {word, left, right};
  item.answer = rewritten(word, left, right);
  item.say(fmt::format("I start with {} and look for {}.", word, left));
  for (std::size_t at = word.find(left); at != std::string::npos; at = word.find(left)) {
    std::string next = word, wrong = word;
    next.replace(at, left.size(), right);
    wrong.replace(at, left.size(), right == "c" ? "b" : "c");
    item.choice(word + " -> ", next, wrong);
    word = next;
  }
  item.say(fmt::format("There is no {} any more.", left));
}

bool verify_rewriting(const Facts& facts, std::string_view answer) {
  return is_word_answer(answer, rewritten(facts.words[0], facts.words[1], facts.words[2]));
}

constexpr Template kBracketTemplates[] = {
    {kPlain, "Are these brackets balanced? {w} Answer yes or no."},
    {kPlain, "Does every bracket in {w} close in the right order? Answer yes or no."},
    {kPlain, "Yes or no: {w} is well nested."},
    {kPlain, "Check the brackets {w}. Do they match? Answer yes or no."},
    {kSchool, "{name} wrote {w}. Are the brackets right? Answer yes or no."},
    {kSchool, "The teacher asks whether {w} is balanced. Answer yes or no."},
    {kShop, "A label reads {w}. Is every bracket closed properly? Answer yes or no."},
    {kTravel, "The code is {w}. It is valid if the brackets match. Is it? Answer yes or no."},
    {kFarm,
     "The fence looks like {w}. Does every opening have its closing, well nested? Answer yes or "
     "no."},
    {kPlain, "Is {w} a correct bracket sequence? Answer yes or no."},
    {kHarbour, "The ropes are tied like {w}. Are the brackets balanced? Answer yes or no."},
};

std::string balanced(Draw& draw, std::int64_t pairs) {
  if (pairs == 0) return "";
  const std::int64_t inside = draw.between(0, pairs - 1);
  const std::size_t kind = draw.index(3);
  // One after the other: in one expression, compilers would draw them in different orders.
  const std::string within = balanced(draw, inside);
  const std::string after = balanced(draw, pairs - 1 - inside);
  return std::string(1, "([{"[kind]) + within + ")]}"[kind] + after;
}

char closing(char open) {
  return open == '(' ? ')' : open == '[' ? ']' : '}';
}

bool is_open(char c) {
  return c == '(' || c == '[' || c == '{';
}

bool is_balanced(std::string_view text) {
  std::string stack;
  for (const char c : text) {
    if (is_open(c)) {
      stack += c;
    } else if (stack.empty() || closing(stack.back()) != c) {
      return false;
    } else {
      stack.pop_back();
    }
  }
  return stack.empty();
}

void make_brackets(Item& item) {
  constexpr std::int64_t kPairs[] = {2, 3, 5, 7, 10};
  Draw& draw = item.draw;
  std::string word = balanced(draw, at_level(kPairs, item.level));
  if (draw.chance(50)) {
    const std::string right = word;
    while (is_balanced(word)) {
      word = right;
      const std::size_t i = draw.index(word.size());
      switch (draw.between(0, 2)) {
        case 0:
          word.erase(i, 1);
          break;
        case 1:
          word[i] = "()[]{}"[draw.index(6)];
          break;
        default:
          std::swap(word[i], word[draw.index(word.size())]);
          break;
      }
    }
  }
  const bool good = is_balanced(word);
  item.slots.set("w", word);
  item.facts.words = {word};
  item.answer = good ? "yes" : "no";
  item.say("I keep a stack of open brackets.");
  std::string stack;
  for (const char c : word) {
    const std::string before = stack.empty() ? "empty" : stack;
    if (!is_open(c) && (stack.empty() || closing(stack.back()) != c)) {
      item.choice(fmt::format("{}: ", c), "it does not fit", "it fits");
      return;
    }
    is_open(c) ? stack.push_back(c) : stack.pop_back();
    item.choice(fmt::format("{}: ", c), stack.empty() ? "empty" : stack, before);
  }
  item.say(good ? "The stack is empty at the end." : "The stack is not empty at the end.");
}

bool verify_yes(const Facts& facts, std::string_view answer) {
  return parse_yes_no(answer) == is_balanced(facts.words[0]);
}

enum BinaryQuestion : int { kOnes, kAnd, kOr, kXor, kPlus };

constexpr Template kBinaryTemplates[] = {
    {kPlain, "How many ones are in the binary number {a}?", kOnes},
    {kPlain, "What is {a} AND {b}, bit by bit?", kAnd},
    {kPlain, "What is {a} OR {b}, bit by bit?", kOr},
    {kPlain, "What is {a} XOR {b}, bit by bit?", kXor},
    {kPlain, "Add the binary numbers {a} and {b}. Answer in binary.", kPlus},
    {kSchool, "{name} writes {a}. How many of the digits are 1?", kOnes},
    {kSchool, "In the computer lesson: {a} AND {b}, bit by bit?", kAnd},
    {kSchool, "The teacher asks for the binary sum of {a} and {b}.", kPlus},
    {kShop, "The scanner combines {a} and {b} with XOR. What is the result?", kXor},
    {kTravel, "The ticket machine computes {a} OR {b}. What does it get?", kOr},
    {kFarm, "Gates {a}: 1 is open. How many are open?", kOnes},
    {kKitchen, "The oven's chip computes {a} AND {b}. What is the result?", kAnd},
    {kHarbour, "The lamps of the pier show {a}; 1 is on. How many are on?", kOnes},
    {kHarbour, "The ship's computer adds {a} and {b} in binary. What does it get?", kPlus},
};

std::string in_binary(std::uint32_t value, std::size_t width) {
  std::string text;
  for (std::size_t i = width; i-- > 0;) text += (value >> i & 1) != 0 ? '1' : '0';
  return text;
}

std::uint32_t from_binary(std::string_view text) {
  std::uint32_t value = 0;
  for (const char c : text) value = 2 * value + static_cast<std::uint32_t>(c - '0');
  return value;
}

std::size_t bit_width_of(std::uint32_t value) {
  return std::max<std::size_t>(1, static_cast<std::size_t>(std::bit_width(value)));
}

void make_binary(Item& item) {
  constexpr std::int64_t kBits[] = {4, 5, 7, 9, 12};
  const auto bits = static_cast<std::size_t>(at_level(kBits, item.level));
  Draw& draw = item.draw;
  // The first digit is a one, so every number has as many digits as it says.
  const auto draw_number = [&] {
    const std::uint32_t top = 1u << (bits - 1);
    return top + static_cast<std::uint32_t>(draw.between(0, static_cast<std::int64_t>(top) - 1));
  };
  const std::uint32_t a = draw_number(), b = draw_number();
  const std::string x = in_binary(a, bits), y = in_binary(b, bits);
  const int tag = item.form.tag;
  item.slots.set("a", x);
  item.slots.set("b", y);
  item.facts.numbers = {tag};
  item.facts.words = {x, y};
  if (tag == kOnes) {
    item.answer = std::to_string(std::popcount(a));
    item.say(fmt::format("I go through {}.", spelled(x)));
    std::int64_t n = 0;
    for (const char c : x) {
      const std::int64_t next = n + (c - '0');
      item.choice(fmt::format("{}: ", c), std::to_string(next),
                  std::to_string(c == '1' ? n : n + 1));
      n = next;
    }
    return;
  }
  if (tag == kPlus) {
    item.answer = in_binary(a + b, bit_width_of(a + b));
    item.say("I add from the right.");
    int carry = 0;
    for (std::size_t i = bits; i-- > 0;) {
      const int p = x[i] - '0', q = y[i] - '0', sum = p + q + carry;
      item.equation("", fmt::format("{} + {} + {}", p, q, carry), sum,
                    fmt::format(", write {}, carry {}.", sum % 2, sum / 2));
      carry = sum / 2;
    }
    if (carry != 0) item.say("The last carry is 1, write 1.");
    return;
  }
  const std::string_view name = tag == kAnd ? "AND" : tag == kOr ? "OR" : "XOR";
  const std::uint32_t result = tag == kAnd ? a & b : tag == kOr ? a | b : a ^ b;
  item.answer = in_binary(result, bits);
  item.say("I go from left to right.");
  for (std::size_t i = 0; i < bits; ++i) {
    const char right = item.answer[i];
    item.choice(fmt::format("{} {} {} is ", x[i], name, y[i]), std::string(1, right),
                std::string(1, right == '1' ? '0' : '1'));
  }
}

bool verify_binary(const Facts& facts, std::string_view answer) {
  const std::uint32_t a = from_binary(facts.words[0]), b = from_binary(facts.words[1]);
  const std::size_t bits = facts.words[0].size();
  std::uint32_t right = 0;
  switch (facts.numbers[0]) {
    case kOnes:
      return is_integer_answer(answer, std::popcount(a));
    case kAnd:
      right = a & b;
      break;
    case kOr:
      right = a | b;
      break;
    case kXor:
      right = a ^ b;
      break;
    default:
      right = a + b;
      break;
  }
  // With or without zeros in front, as long as they do not fill more than the width.
  const std::string_view text = trim_answer(answer);
  const std::size_t width = bit_width_of(right);
  if (text.size() < width || text.size() > std::max(width, bits)) return false;
  return text == in_binary(right, text.size());
}

}  // namespace

constinit const Family kRewriting = {"rewriting",
                                     "symbols",
                                     "a rule applied to a string as long as possible",
                                     5,
                                     Use::kExtra,
                                     kRewritingTemplates,
                                     make_rewriting,
                                     verify_rewriting};
constinit const Family kBrackets = {
    "brackets",  "symbols",         "are brackets balanced", 5,
    Use::kProbe, kBracketTemplates, make_brackets,           verify_yes};
constinit const Family kBinary = {"binary",    "symbols",    "bits counted, combined and added",
                                  5,           Use::kExtra,  kBinaryTemplates,
                                  make_binary, verify_binary};

}  // namespace sputnik::tasks
