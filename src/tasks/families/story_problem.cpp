// Stories about money, time, ages and sharing, in two or three steps.
#include "tasks/families/columns.h"
#include "tasks/families/families.h"
#include "tasks/final_answer.h"

namespace sputnik::tasks {
namespace {

// Each tag is a formula over a, b and c.
enum Kind : int {
  kChange,    // a - b c
  kRate,      // a b + c
  kShare,     // (a - c) / b
  kAge,       // a b + c, told as ages
  kWork,      // a b c
  kTogether,  // a + a b
  kPacks,     // a b - c
  kHalfThen,  // a / 2 + b
  kFill,      // (a - c) / b, told as a rate
  kPart,      // a / b * c
};

constexpr Template kTemplates[] = {
    {kShop,
     "{name} has {a} coins. {He} buys {b} {things} for {c} coins each. How many coins does {he} "
     "have left?",
     kChange},
    {kShop,
     "A {thing} costs {c} coins. {name} pays for {b} {things} with a {a} coin note. How much "
     "change does {he} get?",
     kChange},
    {kSchool,
     "{name} reads {a} pages every day. After {b} days {c} pages are left. How many pages has "
     "the book?",
     kRate},
    {kSchool,
     "{name} has {a} {things}. {He} loses {c} and shares the rest equally among {b} friends. "
     "How many {things} does each friend get?",
     kShare},
    {kFarm,
     "{name} picks {a} {things} an hour for {b} hours and then {c} more. How many {things} is "
     "that?",
     kRate},
    {kPlain,
     "{name} is {a} years old. {name2} is {b} times as old. How old will {name2} be in {c} "
     "years?",
     kAge},
    {kPlain,
     "Today {name} is {a}, and {his} [aunt|uncle] is {b} times as old. How old will {his} "
     "relative be in {c} years?",
     kAge},
    {kShop,
     "{name} earns {a} coins an hour. {He} works {b} hours a day for {c} days. How many coins "
     "does {he} earn?",
     kWork},
    {kFarm,
     "A farm fills {b} wagons with {a} sacks each, every day. How many sacks is that in {c} "
     "days?",
     kWork},
    {kSchool,
     "{name} does {a} sums an hour, {b} hours a day. How many sums does {he} do in {c} days?",
     kWork},
    {kSchool,
     "{name} has {a} {things}. {name2} has {b} times as many. How many {things} do they have "
     "together?",
     kTogether},
    {kFarm,
     "One field has {a} {things}, the next has {b} times as many. How many {things} are in both "
     "fields?",
     kTogether},
    {kShop,
     "On Monday a shop sold {a} {things}, on Tuesday {b} times as many. How many {things} did "
     "it sell on both days?",
     kTogether},
    {kKitchen,
     "{name} buys {b} packs of {a} {things} and uses {c} of them. How many {things} are "
     "left?",
     kPacks},
    {kKitchen,
     "There are {b} boxes with {a} {things} each. The guests eat {c}. How many {things} "
     "remain?",
     kPacks},
    {kFarm, "{name} plants {b} rows of {a} {things}. {c} of them die in the frost. How many live?",
     kPacks},
    {kShop,
     "A shop has {a} {things}. It sells half of them and then gets {b} new ones. How many does "
     "it have now?",
     kHalfThen},
    {kKitchen,
     "There were {a} {things} in the kitchen. Half of them were eaten, then {b} more were "
     "made. How many are there?",
     kHalfThen},
    {kTravel,
     "A bus has {a} people in it. At the stop half of them get off and {b} get on. How many "
     "are on the bus then?",
     kHalfThen},
    {kKitchen,
     "A pot holds {a} cups. There are {c} cups of water in it. {name} adds {b} cups a minute. "
     "After how many minutes is it full?",
     kFill},
    {kFarm,
     "A tank for {a} buckets already holds {c}. Each hour {b} buckets are added. After how many "
     "hours is it full?",
     kFill},
    {kTravel,
     "The trip is {a} miles. {name} has done {c} miles and goes on with {b} miles an hour. How "
     "many hours are left?",
     kFill},
    {kTravel,
     "{name} walks {a} miles a day for {b} days and then {c} miles. How far has {he} walked?",
     kRate},
    {kTravel,
     "{b} buses with {a} people each leave. On the way {c} people get off. How many people "
     "arrive?",
     kPacks},
    {kTravel,
     "{name} has {a} coins for the trip. {He} pays {c} coins a night for {b} nights. How many "
     "coins are left?",
     kChange},
    {kKitchen,
     "From {a} {things} {name} makes {b} equal plates. How many {things} are on {c} plates?",
     kPart},
    {kSchool,
     "{a} {things} are shared equally by {b} children. How many do {c} of the children have "
     "together?",
     kPart},
    {kShop, "{b} {things} cost {a} coins. How many coins do {c} {things} cost?", kPart},
    {kTravel,
     "{name} drives {a} miles in {b} hours, always at the same speed. How far is that in {c} "
     "hours?",
     kPart},
    {kPlain, "{b} workers need {a} bricks an hour. How many bricks do {c} workers need an hour?",
     kPart},
    {kPlain,
     "Take {c} from {a} and divide the rest by {b}. That is the age of {name}. How old is "
     "{he}?",
     kShare},
    {kFarm,
     "A farmer has {a} {things}. {c} are sold, the rest go into {b} equal pens. How many are in "
     "a pen?",
     kShare},
    {kKitchen,
     "{name} bakes {a} {things}, keeps {c} and puts the rest on {b} plates, the same on each. "
     "How many are on a plate?",
     kShare},
    {kSchool,
     "A class has {a} coins and buys {b} books for {c} coins each. How many coins are left?",
     kChange},
    {kPlain,
     "{name} is {a} years old, {name2} is {b} times as old. How many years are they together?",
     kTogether},
    {kKitchen,
     "A cook makes {a} soups an hour, {b} hours a day. How many soups is that in {c} days?", kWork},
    {kSchool,
     "{name} saves {a} coins a week for {b} weeks and gets {c} coins from {name2}. How many "
     "coins does {he} have?",
     kRate},
    {kTravel,
     "{name} is {a} years old. {His} guide is {b} times as old. How old will the guide be in "
     "{c} years?",
     kAge},
    {kHarbour,
     "A captain has {a} coins and buys {b} {things} for {c} coins each. How many coins are "
     "left?",
     kChange},
    {kHarbour,
     "A boat catches {a} fish an hour for {b} hours, then {c} more. How many fish is that?", kRate},
    {kHarbour,
     "{b} crates hold {a} {things} each. {c} of them fall into the sea. How many are left?",
     kPacks},
    {kHarbour,
     "The ferry has {a} people on board. Half of them leave, {b} come on board. How many are "
     "there then?",
     kHalfThen},
    {kHarbour,
     "A sailor is {a} years old, the captain {b} times as old. How old will the captain be in "
     "{c} years?",
     kAge},
    {kHarbour,
     "{a} {things} less {c} are shared equally by {b} boats. How many does each boat get?", kShare},
};

std::int64_t formula(std::int64_t kind, std::int64_t a, std::int64_t b, std::int64_t c) {
  switch (kind) {
    case kChange:
      return a - b * c;
    case kRate:
    case kAge:
      return a * b + c;
    case kShare:
    case kFill:
      return (a - c) / b;
    case kWork:
      return a * b * c;
    case kTogether:
      return a + a * b;
    case kPacks:
      return a * b - c;
    case kHalfThen:
      return a / 2 + b;
    default:
      return a / b * c;
  }
}

struct Numbers {
  std::int64_t a, b, c;
};

Numbers draw_numbers(Draw& draw, int kind, std::int64_t small, std::int64_t large) {
  std::int64_t a = draw.between(2, large), b = draw.between(2, small), c = draw.between(2, large);
  switch (kind) {
    case kChange:
      c = draw.between(2, small);
      a = b * c + draw.between(1, large);
      break;
    case kShare:
    case kFill:
      a = b * draw.between(2, small) + c;
      break;
    case kAge:
      a = draw.between(3, 18);
      b = draw.between(2, 4);
      c = draw.between(2, 30);
      break;
    case kWork:
      a = draw.between(2, small);
      c = draw.between(2, std::min<std::int64_t>(small, 9));
      break;
    case kPacks:
      c = draw.between(1, a * b - 1);
      break;
    case kHalfThen:
      a *= 2;
      b = draw.between(2, large);
      break;
    case kPart:
      a = b * draw.between(2, small);
      c = draw.between(2, small);
      break;
    default:
      break;
  }
  return {a, b, c};
}

void solve(Item& item, int kind, const Numbers& n) {
  const auto [a, b, c] = n;
  const auto equation = [&](std::string_view lead, std::int64_t x, char op, std::int64_t y,
                            std::int64_t result) {
    item.equation(lead, fmt::format("{} {} {}", x, op, y), result);
  };
  switch (kind) {
    case kChange:
      equation("All of them cost ", b, '*', c, b * c);
      equation("What is left: ", a, '-', b * c, a - b * c);
      break;
    case kRate:
      equation("In that time it is ", a, '*', b, a * b);
      equation("With the rest: ", a * b, '+', c, a * b + c);
      break;
    case kShare:
      equation("To share there are ", a, '-', c, a - c);
      equation("Each gets ", a - c, '/', b, (a - c) / b);
      break;
    case kAge:
      equation("The older one is now ", a, '*', b, a * b);
      equation("Later: ", a * b, '+', c, a * b + c);
      break;
    case kWork:
      equation("One day makes ", a, '*', b, a * b);
      equation("All days: ", a * b, '*', c, a * b * c);
      break;
    case kTogether:
      equation("The other one is ", a, '*', b, a * b);
      equation("Together: ", a, '+', a * b, a + a * b);
      break;
    case kPacks:
      equation("At first there are ", a, '*', b, a * b);
      equation("Then ", a * b, '-', c, a * b - c);
      break;
    case kHalfThen:
      equation("Half of them is ", a, '/', 2, a / 2);
      equation("Then ", a / 2, '+', b, a / 2 + b);
      break;
    case kFill:
      equation("Still missing: ", a, '-', c, a - c);
      equation("That takes ", a - c, '/', b, (a - c) / b);
      break;
    default:
      equation("One is ", a, '/', b, a / b);
      equation("So many are ", a / b, '*', c, a / b * c);
      break;
  }
}

void make(Item& item) {
  constexpr struct {
    std::int64_t small, large;
  } kLevels[] = {{5, 10}, {9, 20}, {12, 50}, {15, 99}, {25, 300}, {60, 900}};
  const auto [small, large] = at_level(kLevels, item.level);
  const int kind = item.form.tag;
  const Numbers n = draw_numbers(item.draw, kind, small, large);
  item.slots.set("a", n.a);
  item.slots.set("b", n.b);
  item.slots.set("c", n.c);
  item.facts.numbers = {kind, n.a, n.b, n.c};
  item.answer = std::to_string(formula(kind, n.a, n.b, n.c));
  item.say(item.draw.one_of({"I go step by step.", "Let me think about what happens.",
                             "First I work out one part, then the rest."}));
  solve(item, kind, n);
}

bool verify(const Facts& facts, std::string_view answer) {
  const auto& n = facts.numbers;
  return is_integer_answer(answer, formula(n[0], n[1], n[2], n[3]));
}

}  // namespace

constinit const Family kStoryProblem = {"story_problem",
                                        "word problems",
                                        "money, time, ages and sharing in a few steps",
                                        6,
                                        Use::kShipped,
                                        kTemplates,
                                        make,
                                        verify};

}  // namespace sputnik::tasks
