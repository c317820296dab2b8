// Two numbers multiplied: partial products by the digits of one, by the digits of the other.
#include "tasks/families/columns.h"
#include "tasks/families/families.h"
#include "tasks/final_answer.h"

namespace sputnik::tasks {
namespace {

constexpr Template kTemplates[] = {
    {kPlain, "What is {a} * {b}?"},
    {kPlain, "[Calculate|Compute|Work out] {a} x {b}."},
    {kPlain, "Multiply {a} by {b}."},
    {kPlain, "What do you get if you multiply {a} and {b}?"},
    {kPlain, "[Tell me|Please tell me] the product of {a} and {b}."},
    {kPlain, "{a} times {b} is how much?"},
    {kPlain, "How much is {a:w} times {b:w}?"},
    {kPlain, "Take the number {a} exactly {b} times. What is the sum?"},
    {kPlain, "{a} * {b} = ?"},
    {kPlain, "If you add up {b} copies of {a}, what do you get?"},
    {kPlain, "Two numbers are {a} and {b}. [Multiply them.|What is their product?]"},
    {kShop, "A {thing} costs {a} cents. How many cents do {b} {things} cost?"},
    {kShop,
     "There are {a} shelves with {b} {things} on each. How many {things} are [there|on all the "
     "shelves]?"},
    {kShop, "A shop sells {a} {things} every day. How many does it sell in {b} days?"},
    {kShop,
     "{name} buys {b} boxes. In each box are {a} {things}. How many {things} does {he} buy?"},
    {kShop, "Every customer takes {b} {things}. There are {a} customers. How many {things} go?"},
    {kSchool, "{a} children each bring {b} {things} to school. How many {things} is that?"},
    {kSchool, "A hall has {a} rows of {b} chairs. How many chairs are in the hall?"},
    {kSchool, "{name} reads {a} pages a day. How many pages does {he} read in {b} days?"},
    {kSchool, "Each pack holds {a} {things}. How many {things} are in {b} packs?"},
    {kSchool, "{a} pupils do {b} sums each. How many sums are done?"},
    {kFarm,
     "A field has {a} rows with {b} {things} in each row. How many {things} are in the field?"},
    {kFarm,
     "{name} fills {b} baskets with {a} {things} each. How many {things} is that [in all|"
     "together]?"},
    {kFarm, "Each of {b} farms has {a} {things}. How many {things} do the farms have together?"},
    {kFarm, "The farmer sells {a} sacks a week. How many sacks does the farmer sell in {b} weeks?"},
    {kKitchen,
     "One tray holds {a} {things}. {name} fills {b} trays. How many {things} are on the "
     "trays?"},
    {kKitchen,
     "A recipe needs {b} grams of sugar for each cake. How much is needed for {a} cakes?"},
    {kKitchen, "{name} cuts {b} cakes into {a} pieces each. How many pieces are there?"},
    {kKitchen,
     "Each of {a} guests eats {b} {things}. How many {things} do they eat [in all|"
     "together]?"},
    {kKitchen, "A cook makes {a} soups a day. How many soups does the cook make in {b} days?"},
    {kTravel, "{name} walks {a} miles a day. How far does {he} walk in {b} days?"},
    {kTravel, "A bus has {a} seats. How many seats do {b} such buses have?"},
    {kTravel, "A ticket costs {a} coins. How much do {b} tickets cost?"},
    {kTravel,
     "A train runs {b} times a day with {a} people. How many people does it carry in a day?"},
    {kTravel, "{name} drives {b} hours at {a} miles an hour. How far does {he} get?"},
    {kHarbour, "Each of {b} boats carries {a} {things}. How many {things} do the boats carry?"},
    {kHarbour, "In {a} crates there are {b} shells each. How many shells is that in all?"},
    {kHarbour, "A fisherman fills {a} barrels with {b} fish each. How many fish does he have?"},
    {kHarbour, "The ferry takes {a} people at a time and goes {b} times. How many people is that?"},
};

// a * digit part by part, summed as it goes.
std::int64_t multiply_by_part(Item& item, std::int64_t a, std::int64_t part) {
  std::int64_t unit = 1, total = 0;
  while (a / unit >= 10) unit *= 10;
  bool first = true;
  for (; unit > 0; unit /= 10) {
    const std::int64_t piece = a / unit % 10 * unit;
    if (piece == 0) continue;
    item.equation("", fmt::format("{} * {}", piece, part), piece * part);
    if (!first) {
      item.equation("", fmt::format("{} + {}", total, piece * part), total + piece * part);
    }
    total += piece * part;
    first = false;
  }
  return total;
}

void make(Item& item) {
  constexpr struct {
    int a_digits, b_digits;
  } kLevels[] = {{1, 1}, {2, 1}, {3, 1}, {2, 2}, {3, 2}, {3, 3}};
  const auto [a_digits, b_digits] = at_level(kLevels, item.level);
  const std::int64_t a = number_with_digits(item.draw, a_digits);
  const std::int64_t b = number_with_digits(item.draw, b_digits);
  const bool swapped = item.draw.chance(50);
  item.slots.set("a", swapped ? b : a);
  item.slots.set("b", swapped ? a : b);
  item.facts.numbers = {swapped ? b : a, swapped ? a : b};
  item.answer = std::to_string(a * b);
  item.say(item.draw.one_of({fmt::format("I need {} * {}.", a, b),
                             fmt::format("Let me multiply {} by {}.", a, b),
                             fmt::format("I have to work out {} * {}.", a, b)}));
  if (a < 10) return item.equation("", fmt::format("{} * {}", a, b), a * b);
  if (b < 10) {
    item.say(item.draw.one_of({fmt::format("I multiply each part of {} by {}.", a, b),
                               fmt::format("I split {} into its parts.", a)}));
    multiply_by_part(item, a, b);
    return;
  }
  std::vector<std::int64_t> products;
  const std::vector<int> digits = digits_of(b);
  std::int64_t unit = 1;
  for (std::size_t i = 0; i < digits.size(); ++i, unit *= 10) {
    if (digits[i] == 0) continue;
    const std::int64_t part = digits[i] * unit;
    item.say(fmt::format("First {} * {}:", a, part));
    if (!products.empty()) item.steps.back().text = fmt::format("Now {} * {}:", a, part);
    products.push_back(multiply_by_part(item, a, part));
  }
  std::int64_t total = products[0];
  for (std::size_t i = 1; i < products.size(); ++i) {
    item.equation("Together: ", fmt::format("{} + {}", total, products[i]), total + products[i]);
    total += products[i];
  }
}

bool verify(const Facts& facts, std::string_view answer) {
  return is_integer_answer(answer, facts.numbers[0] * facts.numbers[1]);
}

}  // namespace

constinit const Family kMultiplication = {"multiplication",
                                          "arithmetic",
                                          "two numbers multiplied",
                                          6,
                                          Use::kShipped,
                                          kTemplates,
                                          make,
                                          verify};

}  // namespace sputnik::tasks
