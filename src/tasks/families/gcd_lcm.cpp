// Greatest common divisor by Euclid's divisions; least common multiple from it.
#include <numeric>

#include "tasks/families/columns.h"
#include "tasks/families/families.h"
#include "tasks/final_answer.h"

namespace sputnik::tasks {
namespace {

constexpr int kGcd = 0, kLcm = 1;

constexpr Template kTemplates[] = {
    {kPlain, "What is the greatest common divisor of {a} and {b}?", kGcd},
    {kPlain, "Find the [gcd|greatest common divisor] of {a} and {b}.", kGcd},
    {kPlain, "What is the least common multiple of {a} and {b}?", kLcm},
    {kPlain, "Find the [lcm|least common multiple] of {a} and {b}.", kLcm},
    {kPlain, "What is the largest number that divides both {a} and {b}?", kGcd},
    {kPlain, "gcd({a}, {b}) = ?", kGcd},
    {kPlain, "lcm({a}, {b}) = ?", kLcm},
    {kPlain, "Which is the smallest number that both {a} and {b} divide?", kLcm},
    {kPlain, "[Tell me|Please tell me] the largest common factor of {a} and {b}.", kGcd},
    {kPlain, "What is the first number that is a multiple of {a} and of {b}?", kLcm},
    {kPlain, "By which largest number can I divide {a} and {b} without a rest?", kGcd},
    {kShop,
     "A shop has {a} {things} and {b} {things2}. It makes equal bags and uses everything. "
     "What is the largest number of bags?",
     kGcd},
    {kShop,
     "One {thing} is on sale every {a} days, one {thing2} every {b} days. Both are on sale "
     "today. In how many days is that so again?",
     kLcm},
    {kShop,
     "{name} packs {a} {things} and {b} {things2} into boxes that are all alike, with nothing "
     "left over. How many boxes can there be at most?",
     kGcd},
    {kShop,
     "Boxes of {a} and boxes of {b} {things} should give the same number of {things}. What is "
     "the smallest such number?",
     kLcm},
    {kSchool,
     "There are {a} girls and {b} boys. The teacher makes groups that are all alike. How "
     "many groups can there be at most?",
     kGcd},
    {kSchool,
     "{name} visits the library every {a} days, {name2} every {b} days. Today they meet "
     "there. After how many days do they meet again?",
     kLcm},
    {kSchool,
     "{name} cuts a sheet of {a} by {b} centimetres into equal squares as large as possible. "
     "How long is a side of the square?",
     kGcd},
    {kSchool,
     "One bell rings every {a} minutes, another every {b} minutes. They ring together now. "
     "When do they ring together again, in minutes?",
     kLcm},
    {kSchool,
     "{a} {things} and {b} {things2} are shared out so that every child gets the same. For "
     "how many children does that work at most?",
     kGcd},
    {kFarm,
     "A farmer has {a} {things} and {b} {things2} and wants rows of one kind with the same "
     "number in each row. How many can be in a row at most?",
     kGcd},
    {kFarm,
     "One field gets water every {a} days, another every {b} days. Today both get water. In "
     "how many days do both get water again?",
     kLcm},
    {kFarm,
     "Two fences are {a} and {b} metres long. Posts stand at equal distances on both. What is "
     "the largest possible distance?",
     kGcd},
    {kFarm,
     "{name} can put all {things} into rows of {a} or into rows of {b}. What is the smallest "
     "number of {things} that {he} can have?",
     kLcm},
    {kFarm,
     "One hen lays every {a} hours, another every {b} hours. Both lay now. After how many "
     "hours do both lay again?",
     kLcm},
    {kKitchen,
     "{name} has {a} {things} and {b} {things2} and fills plates that are all alike, using "
     "everything. How many plates can {he} fill at most?",
     kGcd},
    {kKitchen,
     "Buns come in packs of {a}, sausages in packs of {b}. What is the smallest number of "
     "buns for which there are as many sausages?",
     kLcm},
    {kKitchen,
     "Two strips of dough, {a} and {b} centimetres, are cut into equal pieces as long as "
     "possible. How long is a piece?",
     kGcd},
    {kKitchen,
     "One timer rings every {a} minutes, the other every {b} minutes. Both ring now. In how "
     "many minutes do both ring again?",
     kLcm},
    {kKitchen,
     "From {a} {things} and {b} {things2} the cook makes equal portions. What is the "
     "largest number of portions?",
     kGcd},
    {kTravel,
     "A bus leaves every {a} minutes, a train every {b} minutes. They leave together now. In "
     "how many minutes do they leave together again?",
     kLcm},
    {kTravel,
     "Two roads of {a} and {b} miles get signs at equal distances, as far apart as possible. "
     "How many miles lie between two signs?",
     kGcd},
    {kTravel,
     "{name} rests every {a} miles and {name2} every {b} miles. After how many miles do they "
     "first rest at the same place?",
     kLcm},
    {kTravel,
     "{a} {things} and {b} {things2} go into bags that are all alike. How many bags can "
     "there be at most?",
     kGcd},
    {kTravel,
     "One light blinks every {a} seconds, the other every {b} seconds. Now both blink. When "
     "do both blink again, in seconds?",
     kLcm},
    {kHarbour,
     "One ferry is back every {a} hours, the other every {b} hours. Now both are here. In "
     "how many hours are both here again?",
     kLcm},
    {kHarbour,
     "{a} {things} and {b} {things2} are loaded on ships that are all alike, with nothing "
     "left. How many ships can there be at most?",
     kGcd},
    {kHarbour,
     "Two ropes of {a} and {b} metres are cut into equal pieces as long as possible. How "
     "long is each piece?",
     kGcd},
    {kHarbour,
     "One lamp of the lighthouse turns in {a} seconds, the other in {b}. They point the "
     "same way now. After how many seconds do they again?",
     kLcm},
};

void make(Item& item) {
  constexpr struct {
    std::int64_t factor, common;
  } kLevels[] = {{6, 6}, {9, 9}, {12, 14}, {20, 20}, {40, 40}, {99, 99}};
  const auto [factor, common] = at_level(kLevels, item.level);
  const std::int64_t shared = item.draw.between(2, common);
  std::int64_t a = shared * item.draw.between(2, factor), b = shared * item.draw.between(2, factor);
  while (a == b) b = shared * item.draw.between(2, factor);
  item.slots.set("a", a);
  item.slots.set("b", b);
  item.facts.numbers = {a, b, item.form.tag};
  std::int64_t high = std::max(a, b), low = std::min(a, b);
  item.say(
      item.form.tag == kGcd
          ? item.draw.one_of({fmt::format("I look for the gcd of {} and {}.", a, b),
                              fmt::format("This asks for the largest number that divides {} and "
                                          "{}. I divide again and again.",
                                          a, b)})
          : item.draw.one_of({fmt::format("I look for the lcm of {} and {}. First the gcd.", a, b),
                              fmt::format("This asks for the smallest common multiple of {} and "
                                          "{}. I need their gcd first.",
                                          a, b)}));
  while (low != 0) {
    const std::int64_t quotient = high / low, rest = high % low;
    const std::int64_t wrong = rest + (rest > 1 && item.draw.chance(50) ? -1 : 1);
    item.step(fmt::format("{} = {} * {} + {}.", high, quotient, low, rest),
              fmt::format("{} = {} * {} + {}.", high, quotient, low, wrong),
              fmt::format("{} * {} = {}, and {} - {} is not {}.", quotient, low, quotient * low,
                          high, quotient * low, wrong));
    high = low;
    low = rest;
  }
  item.say(fmt::format("The rest is 0, so the gcd is {}.", high));
  item.answer = std::to_string(high);
  if (item.form.tag == kLcm) {
    item.equation("", fmt::format("{} / {}", a, high), a / high);
    item.equation("The lcm is ", fmt::format("{} * {}", a / high, b), a / high * b);
    item.answer = std::to_string(a / high * b);
  }
}

bool verify(const Facts& facts, std::string_view answer) {
  const std::int64_t a = facts.numbers[0], b = facts.numbers[1];
  return is_integer_answer(answer, facts.numbers[2] == kGcd ? std::gcd(a, b) : std::lcm(a, b));
}

}  // namespace

constinit const Family kGcdLcm = {
    "gcd_lcm", "numbers",     "greatest common divisor and least common multiple",
    6,         Use::kShipped, kTemplates,
    make,      verify};

}  // namespace sputnik::tasks
