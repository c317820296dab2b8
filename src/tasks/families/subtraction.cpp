// One number taken from another: column by column with borrows; negative results from level 4.
#include "tasks/families/columns.h"
#include "tasks/families/families.h"
#include "tasks/final_answer.h"

namespace sputnik::tasks {
namespace {

constexpr Template kTemplates[] = {
    {kPlain, "What is {a} - {b}?"},
    {kPlain, "[Calculate|Compute|Work out] {a} - {b}."},
    {kPlain, "Subtract {b} from {a}."},
    {kPlain, "What do you get if you take {b} [away from|from] {a}?"},
    {kPlain, "[Tell me|Please tell me] what {a} minus {b} is."},
    {kPlain, "{a} minus {b} is how much?"},
    {kPlain, "How much is {a:w} minus {b:w}?"},
    {kPlain, "Start at {a} and [go down|count back] by {b}. Where do you end?"},
    {kPlain, "{a} - {b} = ?"},
    {kPlain, "Which number is {b} less than {a}?"},
    {kPlain, "Begin with {a}, then take off {b}. What is left?"},
    {kShop, "A shop had {a} {things} and sold {b}. How many are left?"},
    {kShop,
     "{name} has {a} coins. A {thing} costs {b} coins, and {he} buys it. How many coins does "
     "{he} have left?"},
    {kShop,
     "One {thing} costs {a} cents, another costs {b} cents. How many cents cheaper is the "
     "second one?"},
    {kShop,
     "There were {a} {things} on the shelf. Now {b} of them are gone. How many {things} are "
     "still there?"},
    {kShop, "Of {a} {things} in the window, {b} are taken away. How many stay?"},
    {kSchool,
     "{name} has {a} {things}. {He} gives {b} of them to {name2}. How many {things} does "
     "{name} [still have|keep]?"},
    {kSchool, "A book has {a} pages. {name} has read {b} of them. How many pages are left?"},
    {kSchool,
     "{name} scored {a} points and {name2} scored {b}. By how many points did {name} win?"},
    {kSchool,
     "There are {a} children in a school, {b} of them are at home today. How many children "
     "are at school?"},
    {kSchool, "{name} had {a} {things} and lost {b}. How many are not lost?"},
    {kFarm,
     "A farm had {a} {things} and sold {b} at the market. How many {things} [remain|are "
     "left]?"},
    {kFarm, "{name} planted {a} {things} but {b} did not grow. How many did grow?"},
    {kFarm,
     "There are {a} {things} in the field. The farmer takes {b} away. How many stay in the "
     "field?"},
    {kFarm,
     "One field gave {a} sacks of corn, the other {b}. How many sacks more did the first "
     "field give?"},
    {kKitchen, "{name} baked {a} {things}. The guests ate {b}. How many {things} are left?"},
    {kKitchen,
     "There are {a} {things} in a box. {name} takes out {b}. How many {things} are still "
     "in the box?"},
    {kKitchen, "The cook has {a} {things} and needs only {b}. How many are too many?"},
    {kKitchen, "From {a} grams of flour {name} uses {b} grams. How many grams [are left|remain]?"},
    {kKitchen, "A jar held {a} nuts, and {b} were eaten. How many nuts are in the jar now?"},
    {kTravel,
     "The trip is {a} miles long. {name} has done {b} miles. How many miles are still to "
     "go?"},
    {kTravel,
     "A train carries {a} people. {b} of them get off. How many people are still on the "
     "train?"},
    {kTravel, "{name} took {a} photos and deleted {b}. How many photos does {he} still have?"},
    {kTravel, "Of {a} {things}, {b} were lost on the way. How many arrived?"},
    {kTravel,
     "A road is {a} miles long, the other road is {b} miles long. How much longer is the "
     "first?"},
    {kHarbour, "{a} {things} lay in the harbour. In the night {b} left. How many are still there?"},
    {kHarbour,
     "{name} caught {a} fish and threw {b} back into the sea. How many fish did {he} keep?"},
    {kHarbour, "A ship carried {a} {things}. In a storm {b} fell into the sea. How many are left?"},
    {kHarbour, "{name} had {a} {things} and sold {b} at the pier. How many does {he} still have?"},
};

void make(Item& item) {
  constexpr int kDigits[] = {1, 2, 3, 4, 5, 6, 8};
  const int digits = at_level(kDigits, item.level);
  std::int64_t a = number_with_digits(item.draw, digits);
  std::int64_t b = number_with_digits(item.draw, digits);
  if (digits > 1 && item.draw.chance(25)) b = number_with_digits(item.draw, digits - 1);
  if (digits == 1) a += item.draw.between(0, 9);
  const bool negative = item.level >= 4 && item.form.domain == kPlain && item.draw.chance(30);
  if ((a < b) != negative) std::swap(a, b);
  item.slots.set("a", a);
  item.slots.set("b", b);
  item.facts.numbers = {a, b};
  item.answer = std::to_string(a - b);
  if (a < b) {
    item.say(fmt::format("I need {} - {}.", a, b));
    item.say(fmt::format("{} is less than {}, so the result is negative. I do {} - {} first.", a, b,
                         b, a));
    subtract_in_columns(item, b, a);
    item.say(fmt::format("{} - {} = {}, so {} - {} = {}.", b, a, b - a, a, b, a - b));
    return;
  }
  item.say(item.draw.one_of(
      {fmt::format("I need {} - {}. I go through the columns from the right.", a, b),
       fmt::format("{} - {}: let me subtract from the right.", a, b),
       fmt::format("I take {} from {}, digit by digit.", b, a)}));
  subtract_in_columns(item, a, b);
}

bool verify(const Facts& facts, std::string_view answer) {
  return is_integer_answer(answer, facts.numbers[0] - facts.numbers[1]);
}

}  // namespace

constinit const Family kSubtraction = {
    "subtraction", "arithmetic", "one number taken from another", 7, Use::kShipped, kTemplates,
    make,          verify};

}  // namespace sputnik::tasks
