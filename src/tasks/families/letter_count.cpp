// How often a letter stands in a word or a few words: letter by letter.
#include "tasks/families/columns.h"
#include "tasks/families/families.h"
#include "tasks/families/letters.h"
#include "tasks/final_answer.h"

namespace sputnik::tasks {
namespace {

constexpr Template kTemplates[] = {
    {kPlain, "How many times does the letter {c} appear in \"{w}\"?"},
    {kPlain, "Count the letter {c} in {w}."},
    {kPlain, "How many {c}'s are there in {w}?"},
    {kPlain, "How often do you see the letter {c} in \"{w}\"?"},
    {kPlain, "In \"{w}\", how many letters are {c}?"},
    {kPlain, "[Tell me|Please tell me] how often {c} stands in {w}."},
    {kPlain, "What is the number of times {c} is in \"{w}\"?"},
    {kPlain, "Find how many times {w} has the letter {c}."},
    {kPlain, "The letter is {c}, the text is \"{w}\". How often does it occur?"},
    {kPlain, "Spell \"{w}\". How many times did you say {c}?"},
    {kSchool, "{name} writes \"{w}\". How many times does {he} write {c}?"},
    {kSchool, "The teacher asks how many {c}'s are in \"{w}\". What is the answer?"},
    {kSchool, "{name} colours every {c} in \"{w}\". How many letters does {he} colour?"},
    {kSchool,
     "On the board stands \"{w}\". {name2} wipes off every {c}. How many letters are wiped "
     "off?"},
    {kSchool, "In the spelling test is \"{w}\". Count its {c}'s."},
    {kSchool, "{name} cuts \"{w}\" into letters. How many pieces show the letter {c}?"},
    {kShop, "A sign says \"{w}\". How many letters {c} are needed for it?"},
    {kShop, "The shop prints \"{w}\" on a {thing}. How many times is {c} printed?"},
    {kShop, "Letters cost one coin each. How many coins do the {c}'s in \"{w}\" cost?"},
    {kShop, "{name} buys letter stickers for \"{w}\". How many {c}'s does {he} need?"},
    {kShop, "Of the letters of \"{w}\" the shop has no {c} left. How many are missing?"},
    {kFarm, "The farm's gate says \"{w}\". Count the letters {c} on it."},
    {kFarm, "{name} paints \"{w}\" on the barn. How often does {he} paint the letter {c}?"},
    {kFarm, "A goat ate every {c} of the sign \"{w}\". How many letters did it eat?"},
    {kFarm, "On the sacks stands \"{w}\". How many times is {c} on it?"},
    {kKitchen, "{name} writes \"{w}\" on a cake. How many {c}'s are on the cake?"},
    {kKitchen, "Letter cookies spell \"{w}\". {name} eats every {c}. How many does {he} eat?"},
    {kKitchen, "The menu says \"{w}\". How often does the letter {c} stand there?"},
    {kKitchen, "A jar is marked \"{w}\". How many letters {c} are on the jar?"},
    {kTravel, "The town's sign says \"{w}\". How many {c}'s does it have?"},
    {kTravel, "On the bus stands \"{w}\". {name} counts the letter {c}. How many does {he} count?"},
    {kTravel, "The ticket says \"{w}\". How many times is {c} on it?"},
    {kTravel, "{name} reads \"{w}\" on a poster and looks for {c}. How often does {he} find it?"},
    {kTravel, "The password is \"{w}\". How many of its letters are {c}?"},
    {kHarbour, "A boat is called \"{w}\". How many {c}'s are in its name?"},
    {kHarbour, "The flags spell \"{w}\". How many flags show {c}?"},
    {kHarbour, "The sailor scratches \"{w}\" into wood. How often does he scratch {c}?"},
    {kHarbour, "\"{w}\" stands on the pier. Count the letter {c}."},
};

void make(Item& item) {
  constexpr struct {
    std::size_t words, shortest, longest;
  } kLevels[] = {{1, 3, 5}, {1, 5, 8}, {1, 8, 10}, {2, 5, 8}, {3, 5, 8}, {4, 6, 9}};
  const auto [n_words, shortest, longest] = at_level(kLevels, item.level);
  Draw& draw = item.draw;
  auto words = draw_words(draw, n_words, shortest, longest);
  if (n_words == 1 && draw.chance(35)) {
    // Of few letters and spelling nothing: it must be counted, not remembered.
    for (char& c : words[0]) c = "abcdeinorst"[draw.index(11)];
  }
  const std::string text = join(words, " ");
  // A letter of the text, mostly one that repeats; sometimes one that is not there.
  char letter = static_cast<char>('a' + draw.between(0, 25));
  const auto count_in_text = [&] { return std::count(text.begin(), text.end(), letter); };
  if (!draw.chance(15)) {
    for (int tries = 0; tries < 8; ++tries) {
      const std::string& word = draw.pick(words);
      letter = word[draw.index(word.size())];
      if (count_in_text() >= 2) break;
    }
  }
  item.slots.set("w", text);
  item.slots.set("c", std::string(1, letter));
  item.facts.words = {text, std::string(1, letter)};
  item.answer = std::to_string(count_in_text());
  item.say(draw.one_of({fmt::format("I go through the letters and look for {}.", letter),
                        fmt::format("Let me spell it and count {}.", letter)}));
  std::int64_t total = 0;
  for (const std::string& word : words) {
    std::string line = word + ":";
    std::int64_t here = 0;
    for (std::size_t i = 0; i < word.size(); ++i) {
      line += fmt::format("{}{}", i == 0 ? " " : ", ", word[i]);
      if (word[i] == letter) line += fmt::format(" ({})", ++here);
    }
    const std::int64_t wrong = near_miss(draw, here);
    const std::int64_t shown = wrong > here + 2 ? here + 1 : wrong;
    item.step(fmt::format("{}. That is {}.", line, here),
              fmt::format("{}. That is {}.", word, shown),
              draw.one_of({"I did not look at every letter. I spell it.",
                           "let me count that again.", "I should spell the word to be sure."}));
    if (words.size() > 1 && total + here != here) {
      item.say(fmt::format("So far {} + {} = {}.", total, here, total + here));
    }
    total += here;
  }
}

bool verify(const Facts& facts, std::string_view answer) {
  const std::string& text = facts.words[0];
  return is_integer_answer(answer, std::count(text.begin(), text.end(), facts.words[1][0]));
}

}  // namespace

constinit const Family kLetterCount = {
    "letter_count", "letters", "how often a letter stands in a text", 6, Use::kShipped, kTemplates,
    make,           verify};

}  // namespace sputnik::tasks
