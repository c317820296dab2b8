// A word's letters from the last to the first.
#include "tasks/families/columns.h"
#include "tasks/families/families.h"
#include "tasks/families/letters.h"
#include "tasks/final_answer.h"

namespace sputnik::tasks {
namespace {

constexpr Template kTemplates[] = {
    {kPlain, "Spell \"{w}\" backward."},
    {kPlain, "[Reverse|Turn around] the word {w}."},
    {kPlain, "What is {w} spelled backwards?"},
    {kPlain, "Write the letters of {w} in reverse order."},
    {kPlain, "Read {w} from right to left. What do you get?"},
    {kPlain, "How does {w} look from back to front?"},
    {kPlain, "Write {w} backward, without spaces."},
    {kPlain, "If I write the word {w} from the last letter to the first, what do I write?"},
    {kPlain, "[Give|Tell me] the reverse of \"{w}\"."},
    {kPlain, "Flip the letters of {w} around."},
    {kSchool, "The teacher asks {name} to spell {w} backward. What should {he} write?"},
    {kSchool,
     "{name} writes {w} on the board, from the last letter to the first. What stands there?"},
    {kSchool, "In a word game, {w} must be written backward. What is the answer?"},
    {kSchool,
     "{name} and {name2} use a secret language: they turn words around. How do they say {w}?"},
    {kSchool, "Homework: reverse the word {w}."},
    {kSchool, "A child writes {w} from right to left. What can you read from left to right?"},
    {kShop, "A shop sign says {w}. What do you read on it from the last letter to the first?"},
    {kShop, "The label {w} is printed backward by mistake. What does it say?"},
    {kShop, "{name} wants {w} on a {thing}, but in reverse. What is printed?"},
    {kShop, "The password of the till is {w} spelled backward. What is it?"},
    {kShop, "On the shop's window stands {w}. From inside the letters run backward. Write them."},
    {kFarm, "The farm is called {w}, and the gate says it backward. What does the gate say?"},
    {kFarm, "{name} calls the dog by the word {w} spelled backward. What is the dog's name?"},
    {kFarm, "A sack is marked with {w} in reverse. What is the mark?"},
    {kFarm, "The farmer writes {w} backward on the barn. What does he write?"},
    {kKitchen, "{name} writes {w} on a cake, but backward. What does the cake say?"},
    {kKitchen, "The jar with {w} has its label in reverse order. What is on it?"},
    {kKitchen, "The cook's secret word is {w} backward. What is it?"},
    {kKitchen, "Letters of pasta spell {w}. Turn their order around. What do they spell?"},
    {kTravel, "A town's sign is put up backward. The town is called {w}. What does the sign say?"},
    {kTravel, "{name} sees {w} on a bus and reads it backward. What does {he} read?"},
    {kTravel, "The code of the suitcase is {w} in reverse. What is the code?"},
    {kTravel, "On the train {name} plays with words: what is {w} from back to front?"},
    {kTravel, "The ticket says {w}. Spell that backward."},
    {kHarbour, "A ship is called {w}. What is its name backward?"},
    {kHarbour,
     "In the water the sailor reads {w} from the last letter to the first. What is that?"},
    {kHarbour, "The flag letters say {w}. In reverse order, what do they say?"},
    {kHarbour, "{name} paints {w} backward on the boat. What does {he} paint?"},
};

void make(Item& item) {
  constexpr struct {
    std::size_t shortest, longest;
    int nonsense_percent;
  } kLevels[] = {{3, 4, 30}, {4, 6, 40}, {6, 8, 50}, {7, 10, 50}, {10, 12, 100}, {14, 18, 100}};
  const auto [shortest, longest, nonsense] = at_level(kLevels, item.level);
  Draw& draw = item.draw;
  const std::string word =
      draw.chance(nonsense)
          ? draw_letters(draw,
                         static_cast<std::size_t>(draw.between(static_cast<std::int64_t>(shortest),
                                                               static_cast<std::int64_t>(longest))))
          : draw_words(draw, 1, shortest, longest)[0];
  item.slots.set("w", word);
  item.facts.words = {word};
  item.answer = {word.rbegin(), word.rend()};
  item.say(draw.one_of({fmt::format("The letters of {} are {}.", word, spelled(word)),
                        fmt::format("I spell {}: {}.", word, spelled(word))}));
  // In pieces of a few letters: few enough to keep in view, and a piece can go wrong.
  const std::string& back = item.answer;
  for (std::size_t i = 0; i < back.size(); i += 3) {
    const std::string piece = back.substr(i, 3);
    std::string wrong = piece;
    wrong.back() = wrong.back() == 'e' ? 'a' : 'e';
    if (piece.size() >= 2 && piece[0] != piece[1] && draw.chance(70)) {
      wrong = piece;
      std::swap(wrong[0], wrong[1]);
    }
    item.choice(i == 0 ? "From the end: " : "Then: ", spelled(piece), spelled(wrong));
  }
}

bool verify(const Facts& facts, std::string_view answer) {
  const std::string& word = facts.words[0];
  return is_word_answer(answer, std::string(word.rbegin(), word.rend()));
}

}  // namespace

constinit const Family kSpellBackward = {"spell_backward",
                                         "letters",
                                         "a word's letters from last to first",
                                         6,
                                         Use::kShipped,
                                         kTemplates,
                                         make,
                                         verify};

}  // namespace sputnik::tasks
