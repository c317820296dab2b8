// Every letter moved along the alphabet, there or back.
#include "tasks/families/columns.h"
#include "tasks/families/families.h"
#include "tasks/families/letters.h"
#include "tasks/final_answer.h"

namespace sputnik::tasks {
namespace {

constexpr int kEncode = 0, kDecode = 1;

// {w}: the text to change, {k}: by how many places, {places}: "3 places".
constexpr Template kTemplates[] = {
    {kPlain, "Move each letter of {w} forward by {places} in the alphabet.", kEncode},
    {kPlain, "Encode {w} with a Caesar shift of {k}.", kEncode},
    {kPlain, "Decode {w}. It was made with a Caesar shift of {k}.", kDecode},
    {kPlain, "Shift every letter of {w} back by {places}.", kDecode},
    {kPlain, "What does {w} become if each letter moves {places} forward?", kEncode},
    {kPlain,
     "Each letter of a word was moved forward by {places}. The result is {w}. What was the "
     "word?",
     kDecode},
    {kPlain, "Use the Caesar cipher with shift {k} on {w}.", kEncode},
    {kPlain, "Replace each letter of {w} by the one {places} later. After z comes a.", kEncode},
    {kPlain, "Replace each letter of {w} by the one {places} earlier. Before a comes z.", kDecode},
    {kPlain, "The Caesar cipher with shift {k} gave {w}. What was the text?", kDecode},
    {kSchool,
     "{name} passes a secret note. {He} moves each letter of {w} by {places} forward. What is "
     "on the note?",
     kEncode},
    {kSchool,
     "{name} gets the note {w}. Each letter was moved forward by {places}. What does the note "
     "mean?",
     kDecode},
    {kSchool, "The class learns the Caesar cipher. With shift {k}, what becomes of {w}?", kEncode},
    {kSchool,
     "The teacher writes {w}. To read it, go back {places} for each letter. What does it say?",
     kDecode},
    {kSchool, "{name} and {name2} write with a shift of {k}. How do they write {w}?", kEncode},
    {kShop,
     "A shop marks its boxes in code: each letter {places} forward. What is the mark of {w}?",
     kEncode},
    {kShop, "The box is marked {w}. The code moves letters {places} forward. What is in the box?",
     kDecode},
    {kShop,
     "The safe's word is {w} with every letter moved forward by {places}. Which word opens it?",
     kEncode},
    {kShop, "On the receipt stands {w}, shifted by {k}. Decode it.", kDecode},
    {kShop,
     "{name} hides the word {w} on a {thing}, each letter {places} later. What stands there?",
     kEncode},
    {kFarm,
     "The farmer names each field in code, {places} forward for each letter. What is the code "
     "for {w}?",
     kEncode},
    {kFarm, "The gate shows {w}. The letters were moved forward by {places}. What is meant?",
     kDecode},
    {kFarm, "{name} paints {w} on the barn, shifted by {k}. What does {he} paint?", kEncode},
    {kFarm, "A sack says {w}. Go back {places} for each letter. What does it hold?", kDecode},
    {kKitchen,
     "A secret recipe calls something {w}. Each letter was moved forward by {places}. What is "
     "it?",
     kDecode},
    {kKitchen, "The cook writes {w} in code with shift {k}. What does the cook write?", kEncode},
    {kKitchen, "On the jar stands {w}, written with a shift of {k}. What is in the jar?", kDecode},
    {kKitchen, "{name} writes {w} on a cake, each letter {places} later. What is on the cake?",
     kEncode},
    {kKitchen, "The menu is in code: letters moved forward by {places}. What does {w} mean?",
     kDecode},
    {kTravel, "The spy sends {w} with each letter moved {places} forward. What is sent?", kEncode},
    {kTravel, "A spy on the train reads {w}. The shift is {k}. What is the message?", kDecode},
    {kTravel, "The suitcase lock needs {w} shifted forward by {places}. What opens it?", kEncode},
    {kTravel, "On a postcard stands {w}. Every letter must go back {places}. What is the message?",
     kDecode},
    {kTravel, "{name} writes the town {w} in code with shift {k}. What does {he} write?", kEncode},
    {kHarbour, "A pirate writes {w} with each letter moved {places} forward. What does he write?",
     kEncode},
    {kHarbour, "The bottle holds the message {w}, shifted by {k}. What does it say?", kDecode},
    {kHarbour, "The lighthouse sends {w} in code, {places} forward. What is sent?", kEncode},
    {kHarbour, "On the treasure map stands {w}; go back {places} for each letter. What is it?",
     kDecode},
};

char shifted(char letter, int by) {
  constexpr int kLetters = 26;
  return static_cast<char>('a' + ((letter - 'a' + by) % kLetters + kLetters) % kLetters);
}

std::string shifted(const std::string& text, int by) {
  std::string out;
  for (const char c : text) out += c == ' ' ? ' ' : shifted(c, by);
  return out;
}

void make(Item& item) {
  constexpr struct {
    int largest_shift;
    std::size_t words, shortest, longest;
  } kLevels[] = {{1, 1, 3, 4}, {2, 1, 3, 5},  {3, 1, 4, 7},
                 {5, 1, 5, 8}, {9, 1, 7, 10}, {12, 2, 5, 8}};
  const auto& level = at_level(kLevels, item.level);
  Draw& draw = item.draw;
  const int shift = static_cast<int>(draw.between(1, level.largest_shift));
  const std::string plain =
      level.words == 1 && draw.chance(30)
          ? draw_letters(draw, static_cast<std::size_t>(
                                   draw.between(static_cast<std::int64_t>(level.shortest),
                                                static_cast<std::int64_t>(level.longest))))
          : join(draw_words(draw, level.words, level.shortest, level.longest), " ");
  const bool decode = item.form.tag == kDecode;
  const std::string given = decode ? shifted(plain, shift) : plain;
  item.answer = decode ? plain : shifted(plain, shift);
  item.slots.set("w", given);
  item.slots.set("k", shift);
  item.slots.set("places", shift == 1 ? "1 place" : fmt::format("{} places", shift));
  item.facts.words = {given};
  item.facts.numbers = {decode ? -shift : shift};
  item.say(decode ? fmt::format("I move each letter back by {}.", shift)
                  : fmt::format("I move each letter forward by {}.", shift));
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (given[i] == ' ') {
      item.say("Then a space.");
      continue;
    }
    // The letters on the way are the working, as long as they are few.
    std::string way(1, given[i]);
    for (int k = 1; k < shift && shift <= 5; ++k) {
      way += fmt::format(" {}", shifted(given[i], decode ? -k : k));
    }
    const char right = item.answer[i], wrong = shifted(right, draw.chance(50) ? 1 : -1);
    item.choice(fmt::format("{} -> ", way), std::string(1, right), std::string(1, wrong), "");
  }
}

bool verify(const Facts& facts, std::string_view answer) {
  return is_word_answer(answer, shifted(facts.words[0], static_cast<int>(facts.numbers[0])));
}

}  // namespace

constinit const Family kCaesar = {"caesar", "letters",     "letters moved along the alphabet",
                                  6,        Use::kShipped, kTemplates,
                                  make,     verify};

}  // namespace sputnik::tasks
