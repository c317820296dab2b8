// a x + b = c, later with x on both sides: isolate x.
#include "tasks/families/columns.h"
#include "tasks/families/families.h"
#include "tasks/final_answer.h"

namespace sputnik::tasks {
namespace {

// {eq}: "3x + 5 = 20". Stories tell a x + b = c with positive numbers in words.
constexpr int kEquation = 0, kStory = 1;

constexpr Template kTemplates[] = {
    {kPlain, "Solve {eq}.", kEquation},
    {kPlain, "What is x if {eq}?", kEquation},
    {kPlain, "Find x: {eq}", kEquation},
    {kPlain, "If {eq}, what is [x|the value of x]?", kEquation},
    {kPlain, "[Solve the equation|Please solve] {eq} for x.", kEquation},
    {kPlain, "Which number x makes {eq} true?", kEquation},
    {kPlain, "I think of a number, multiply it by {a} and add {b}. I get {c}. What is my number?",
     kStory},
    {kPlain, "{a} times a number plus {b} is {c}. What is the number?", kStory},
    {kPlain,
     "A number is multiplied by {a:w}, then {b} is added. The result is {c}. What was the "
     "number?",
     kStory},
    {kPlain, "For which x is {eq}?", kEquation},
    {kPlain, "The equation is {eq}. [What is x?|Find x.]", kEquation},
    {kShop,
     "{name} buys {a} {things} and a bag for {b} cents. {He} pays {c} cents. How many cents "
     "does one {thing} cost?",
     kStory},
    {kShop,
     "{a} equal boxes and {b} loose {things} are {c} {things} in all. How many {things} are in "
     "a box?",
     kStory},
    {kShop,
     "A shop takes {b} coins for the delivery. {name} orders {a} {things} and pays {c} coins. "
     "What is the price of one {thing}?",
     kStory},
    {kShop, "The price of {a} {things} plus {b} coins is {c} coins. How many coins is one {thing}?",
     kStory},
    {kShop,
     "The till shows {c} cents: {a} {things} and {b} cents for paper. How much is one {thing}?",
     kStory},
    {kSchool, "The teacher writes {eq} on the board. What is x?", kEquation},
    {kSchool,
     "{name} has {a} full packs of {things} and {b} single ones, {c} in all. How many "
     "{things} are in one pack?",
     kStory},
    {kSchool,
     "{a} groups of the same size and {b} more children make {c} children. How many children "
     "are in a group?",
     kStory},
    {kSchool, "{name} must solve {eq}. What is the right x?", kEquation},
    {kSchool,
     "{name} reads the same number of pages for {a} days and then {b} pages more. The book "
     "has {c} pages. How many pages a day did {he} read?",
     kStory},
    {kFarm,
     "A farmer fills {a} equal baskets with {things}; {b} are left over. There were {c}. How "
     "many are in a basket?",
     kStory},
    {kFarm,
     "{a} equal rows of {things} and {b} single ones make {c}. How many {things} are in a row?",
     kStory},
    {kFarm,
     "{name} gives the same hay to each of {a} cows and {b} kilos to the horse, {c} kilos in "
     "all. How many kilos does a cow get?",
     kStory},
    {kFarm,
     "Every day the hens lay the same number of eggs. After {a} days and with {b} eggs from "
     "before there are {c} eggs. How many eggs is it a day?",
     kStory},
    {kFarm,
     "{a} sacks of the same weight and a {b} kilo stone weigh {c} kilos. How heavy is a sack?",
     kStory},
    {kKitchen,
     "{name} bakes {a} equal trays of {things} and {b} more, {c} in all. How many are on a "
     "tray?",
     kStory},
    {kKitchen,
     "{a} bottles of milk weigh as much as {c} grams less {b} grams. How many grams is one "
     "bottle?",
     kStory},
    {kKitchen,
     "Each of {a} guests eats the same number of {things}; {b} are left of {c}. How many "
     "does a guest eat?",
     kStory},
    {kKitchen,
     "A cake needs {a} equal cups of flour and {b} grams of sugar, {c} grams together. How "
     "many grams is a cup?",
     kStory},
    {kKitchen,
     "The cook pours the same into {a} bowls and keeps {b} spoons of soup. There were {c} "
     "spoons. How many spoons are in a bowl?",
     kStory},
    {kTravel,
     "{name} walks the same distance on {a} days and {b} miles on the last day, {c} miles in "
     "all. How many miles is it on each of the {a} days?",
     kStory},
    {kTravel,
     "A taxi costs {b} coins plus a price for each mile. For {a} miles {name} pays {c} coins. "
     "What does one mile cost?",
     kStory},
    {kTravel,
     "{a} full buses and {b} people on bikes are {c} people. How many people does a bus hold?",
     kStory},
    {kTravel,
     "A ticket machine takes {c} coins for {a} tickets and a map. The map costs {b} coins. "
     "What does a ticket cost?",
     kStory},
    {kHarbour, "{a} equal nets and {b} single fish make {c} fish. How many fish are in a net?",
     kStory},
    {kHarbour,
     "A ship carries {a} equal piles of {things} and {b} more, {c} in all. How many are in a "
     "pile?",
     kStory},
    {kHarbour, "The captain finds the note {eq}. What is x?", kEquation},
    {kHarbour,
     "The ferry takes {b} coins for a car and a price for each of {a} people. The family "
     "pays {c} coins. What does one person pay?",
     kStory},
};

std::string term(std::int64_t factor, std::int64_t constant) {
  std::string text = factor == 1 ? "x" : factor == -1 ? "-x" : fmt::format("{}x", factor);
  if (constant > 0) text += fmt::format(" + {}", constant);
  if (constant < 0) text += fmt::format(" - {}", -constant);
  return text;
}

std::string undo(std::int64_t value, std::int64_t constant) {
  return constant > 0 ? fmt::format("{} - {}", value, constant)
                      : fmt::format("{} + {}", value, -constant);
}

// factor x + constant = right
void isolate(Item& item, std::int64_t factor, std::int64_t constant, std::int64_t right) {
  if (constant != 0) {
    const std::string how =
        constant > 0 ? fmt::format("I subtract {}", constant) : fmt::format("I add {}", -constant);
    item.equation(fmt::format("{} on both sides: {}x = ", how, factor), undo(right, constant),
                  right - constant);
  }
  const std::int64_t left = right - constant, x = left / factor;
  item.equation(fmt::format("I divide by {}: x = ", factor), fmt::format("{} / {}", left, factor),
                x);
}

void make(Item& item) {
  constexpr struct {
    std::int64_t factor, solution, constant;
    bool negative, both_sides;
  } kLevels[] = {{5, 9, 9, false, false},   {9, 12, 20, false, false}, {12, 20, 60, false, false},
                 {12, 20, 60, true, false}, {12, 25, 99, true, true},  {30, 99, 500, true, true}};
  const auto& level = at_level(kLevels, item.level);
  Draw& draw = item.draw;
  const bool story = item.form.tag == kStory;
  const bool signs = level.negative && !story, both = level.both_sides && !story;
  const auto sign = [&](std::int64_t value) { return signs && draw.chance(40) ? -value : value; };
  const std::int64_t x = sign(draw.between(2, level.solution));
  const std::int64_t a = sign(draw.between(2, level.factor)),
                     b = sign(draw.between(1, level.constant));
  std::int64_t other = both ? draw.between(2, level.factor) : 0;
  while (other == a || a - other == 1 || a - other == -1) other = draw.between(2, level.factor);
  const std::int64_t c = a * x + b - other * x;
  const std::string right = other == 0 ? std::to_string(c)
                            : c == 0   ? term(other, 0)
                                       : term(other, c);
  const std::string equation = fmt::format("{} = {}", term(a, b), right);
  item.slots.set("eq", equation);
  item.slots.set("a", a);
  item.slots.set("b", b);
  item.slots.set("c", c);
  item.facts.numbers = {a, b, other, c};  // a x + b = other x + c
  item.answer = std::to_string(x);
  item.say(story ? draw.one_of({fmt::format("I call the unknown number x. Then {}.", equation),
                                fmt::format("Let x be what I look for. So {}.", equation)})
                 : draw.one_of({fmt::format("I have {}.", equation),
                                fmt::format("Let me solve {}.", equation)}));
  if (other != 0) {
    item.equation(fmt::format("I take {}x from both sides: ", other),
                  other < 0 ? fmt::format("{} + {}", a, -other) : fmt::format("{} - {}", a, other),
                  a - other, fmt::format(", so {} = {}.", term(a - other, b), c));
  }
  isolate(item, a - other, b, c);
  const std::string product = x < 0 ? fmt::format("{} * ({})", a, x) : fmt::format("{} * {}", a, x);
  item.say(
      fmt::format("Check: {} {} {} = {}.", product, b < 0 ? '-' : '+', b < 0 ? -b : b, a * x + b));
}

bool verify(const Facts& facts, std::string_view answer) {
  const auto given = parse_number(answer);
  if (!given) return false;
  const auto side = [&](std::int64_t factor, std::int64_t constant) -> std::optional<Rational> {
    const auto product = multiply(*given, factor);
    return product ? add(*product, constant) : std::nullopt;
  };
  const auto left = side(facts.numbers[0], facts.numbers[1]);
  const auto right = side(facts.numbers[2], facts.numbers[3]);
  return left && right && *left == *right;
}

}  // namespace

constinit const Family kLinearEquation = {"linear_equation", "algebra",  "one unknown", 6,
                                          Use::kShipped,     kTemplates, make,          verify};

}  // namespace sputnik::tasks
