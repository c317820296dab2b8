// Two numbers added: column by column, or by parts of the second.
#include "tasks/families/columns.h"
#include "tasks/families/families.h"
#include "tasks/final_answer.h"

namespace sputnik::tasks {
namespace {

constexpr Template kTemplates[] = {
    {kPlain, "What is {a} + {b}?"},
    {kPlain, "[Calculate|Compute|Work out] {a} + {b}."},
    {kPlain, "Add {a} and {b}."},
    {kPlain, "What do you get if you add {b} to {a}?"},
    {kPlain, "[Tell me|Please tell me] the sum of {a} and {b}."},
    {kPlain, "{a} plus {b} is how much?"},
    {kPlain, "How much is {a:w} plus {b:w}?"},
    {kPlain, "I have the numbers {a} and {b}. What is their sum?"},
    {kPlain, "{a} + {b} = ?"},
    {kPlain, "Which number is {b} more than {a}?"},
    {kPlain, "Two numbers are {a} and {b}. [Add them.|Find their total.]"},
    {kShop,
     "A shop sold {a} {things} on Monday and {b} on Tuesday. How many did it sell [in all|in "
     "total|together]?"},
    {kShop,
     "{name} [spent|paid] {a} coins on one {thing} and {b} coins on another. How many coins "
     "is that together?"},
    {kShop,
     "There are {a} {things} on the shelf and {b} more in the back room. How many {things} "
     "does the shop have?"},
    {kShop, "On one shelf I count {a} {things}, on the next {b}. How many are there on both?"},
    {kShop,
     "A box holds {a} red {things} and {b} blue {things}. How many {things} are in the box?"},
    {kSchool,
     "{name} has {a} {things} and {name2} has {b}. How many {things} do they have "
     "[together|in all]?"},
    {kSchool, "The first class collected {a} {things}, the second class {b}. What is the total?"},
    {kSchool,
     "{name} read {a} pages last week and {b} pages this week. How many pages did {he} "
     "read?"},
    {kSchool, "A school has {a} girls and {b} boys. How many children go to the school?"},
    {kSchool,
     "{name} scored {a} points in the first game and {b} in the second. How many points "
     "are that in all?"},
    {kFarm,
     "A farm has {a} {things}. Then {b} more [arrive|are bought]. How many {things} are there "
     "now?"},
    {kFarm,
     "{name} picked {a} {things} in the morning and {b} in the afternoon. How many {things} "
     "did {he} pick?"},
    {kFarm,
     "There are {a} {things} in the north field and {b} in the south field. How many are "
     "there altogether?"},
    {kFarm, "The farmer counts {a} {things} and {b} {things2}. How many is that in all?"},
    {kKitchen,
     "{name} baked {a} {things} and {name2} baked {b}. How many {things} [are there|did "
     "they bake] in all?"},
    {kKitchen,
     "There are {a} {things} in a bowl. {name} puts {b} more into it. How many {things} "
     "are in the bowl now?"},
    {kKitchen,
     "The cook needs {a} {things} for lunch and {b} for dinner. How many {things} does "
     "the cook need?"},
    {kKitchen,
     "One bag holds {a} {things}, another holds {b}. How many {things} are in both bags?"},
    {kKitchen, "A kitchen has {a} {things} and buys {b} more. How many does it have then?"},
    {kTravel,
     "{name} drove {a} miles yesterday and {b} miles today. How many miles [did {he} "
     "drive|is that in total]?"},
    {kTravel,
     "A train carries {a} people. At the next stop {b} more get on. How many people are "
     "on the train now?"},
    {kTravel,
     "{name} has {a} {things} from one trip and {b} from another. How many {things} does "
     "{he} have?"},
    {kTravel, "{name} took {a} photos in the city and {b} at the lake. How many photos are that?"},
    {kTravel,
     "The bus stop saw {a} people in the morning and {b} in the evening. How many people "
     "were that in all?"},
    {kHarbour, "{a} {things} came into the harbour, then {b} more. How many {things} came in?"},
    {kHarbour,
     "{name} found {a} {things} on the beach and {name2} found {b}. How many did they find "
     "together?"},
    {kHarbour, "A ship is loaded with {a} {things} and {b} {things2}. How many pieces is that?"},
    {kHarbour, "The fishermen mended {a} {things} in May and {b} in June. What is the total?"},
};

void add_by_parts(Item& item, std::int64_t a, std::int64_t b) {
  std::int64_t total = a, unit = 1;
  while (b / unit >= 10) unit *= 10;
  item.say(item.draw.one_of({fmt::format("I start from {} and add {} in parts.", a, b),
                             fmt::format("Let me add {} to {} piece by piece.", b, a)}));
  for (; unit > 0; unit /= 10) {
    const std::int64_t part = b / unit % 10 * unit;
    if (part == 0) continue;
    item.equation("", fmt::format("{} + {}", total, part), total + part);
    total += part;
  }
}

void make(Item& item) {
  constexpr struct {
    int a_digits, b_digits;
  } kLevels[] = {{1, 1}, {2, 2}, {3, 3}, {4, 4}, {5, 5}, {6, 6}, {8, 8}};
  const auto [a_digits, b_digits] = at_level(kLevels, item.level);
  std::int64_t a = number_with_digits(item.draw, a_digits);
  std::int64_t b = number_with_digits(item.draw, b_digits);
  if (b_digits > 1 && item.draw.chance(25)) b = number_with_digits(item.draw, b_digits - 1);
  if (item.draw.chance(50)) std::swap(a, b);
  item.slots.set("a", a);
  item.slots.set("b", b);
  item.facts.numbers = {a, b};
  item.answer = std::to_string(a + b);
  if (item.level <= 3 && item.draw.chance(30)) return add_by_parts(item, a, b);
  item.say(item.draw.one_of({fmt::format("I need {} + {}. I add the columns from the right.", a, b),
                             fmt::format("{} + {}: let me add from the right.", a, b),
                             fmt::format("I add {} and {}, digit by digit.", a, b)}));
  add_in_columns(item, a, b);
}

bool verify(const Facts& facts, std::string_view answer) {
  return is_integer_answer(answer, facts.numbers[0] + facts.numbers[1]);
}

}  // namespace

constinit const Family kAddition = {
    "addition", "arithmetic", "two numbers added", 7, Use::kShipped, kTemplates, make, verify};

}  // namespace sputnik::tasks
