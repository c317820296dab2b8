// A start and several gains and losses: the running total.
#include "tasks/families/columns.h"
#include "tasks/families/families.h"
#include "tasks/final_answer.h"

namespace sputnik::tasks {
namespace {

// {chain}: "12 + 7 - 5". {a}: the start. {moves}: "then 7 more come, then 5 leave", in the words of
// the domain.
constexpr Template kTemplates[] = {
    {kPlain, "What is {chain}?"},
    {kPlain, "[Calculate|Compute|Work out] {chain}."},
    {kPlain, "Find the value of {chain}."},
    {kPlain, "{chain} = ?"},
    {kPlain, "[Please add up|Add up]: {chain}"},
    {kPlain, "Start with {a}, {moves}. What [number|value] do you have now?"},
    {kPlain, "[Tell me|Please tell me] what {chain} makes."},
    {kPlain, "I think of {a}, {moves}. What do I get?"},
    {kPlain, "Go from left to right: {chain}. What is the result?"},
    {kPlain, "How much is {chain} in all?"},
    {kPlain, "My number was {a}, {moves}. What is it now?"},
    {kShop, "A shop has {a} {things}, {moves}. How many {things} are there now?"},
    {kShop, "There were {a} {things} on the shelf, {moves}. How many are on the shelf at the end?"},
    {kShop,
     "In the morning the shop counts {a} {things}, {moves}. How many {things} are left in the "
     "evening?"},
    {kShop, "A box holds {a} {things}, {moves}. How many {things} [does it hold|are in it] then?"},
    {kShop, "The window shows {a} {things}, {moves}. How many does it show now?"},
    {kSchool, "{name} has {a} {things}, {moves}. How many {things} does {he} have now?"},
    {kSchool, "At first {name} owns {a} {things}, {moves}. How many does {he} own in the end?"},
    {kSchool,
     "There are {a} {things} in the classroom, {moves}. How many {things} are there [now|at "
     "last]?"},
    {kSchool, "{name} counts {a} {things}, {moves}. How many should {he} count now?"},
    {kSchool, "The school owns {a} {things}, {moves}. How many does it own after that?"},
    {kFarm, "A farm has {a} {things}, {moves}. How many {things} does the farm have now?"},
    {kFarm, "There are {a} {things} in the barn, {moves}. How many are in the barn then?"},
    {kFarm, "{name} keeps {a} {things}, {moves}. How many {things} does {he} keep now?"},
    {kFarm,
     "The farmer starts the week with {a} {things}, {moves}. How many are there at the end of "
     "the week?"},
    {kKitchen, "There are {a} {things} in the kitchen, {moves}. How many {things} are there now?"},
    {kKitchen, "{name} puts {a} {things} on the table, {moves}. How many are on the table?"},
    {kKitchen,
     "The cook has {a} {things}, {moves}. How many {things} does the cook have [now|at the "
     "end]?"},
    {kKitchen, "A basket holds {a} {things}, {moves}. How many {things} are in the basket now?"},
    {kKitchen, "At first there were {a} {things} in the bowl, {moves}. How many remain?"},
    {kTravel, "{name} packs {a} {things}, {moves}. How many {things} does {he} carry now?"},
    {kTravel, "A bus starts with {a} people, {people}. How many people are on the bus now?"},
    {kTravel,
     "A train leaves with {a} people, {people}. How many people are on it [at the end|now]?"},
    {kTravel, "{name} collects {a} {things}, {moves}. How many does {he} have after the trip?"},
    {kTravel, "On the way {name} finds {a} {things}, {moves}. How many {things} is that now?"},
    {kHarbour, "{a} {things} are in the harbour, {moves}. How many are there now?"},
    {kHarbour, "A ferry takes {a} people, {people}. How many people are on the ferry now?"},
    {kHarbour,
     "{name} has {a} {things} in the boat, {moves}. How many {things} are in it at the end?"},
    {kHarbour, "The store at the pier holds {a} {things}, {moves}. How many does it hold now?"},
};

std::string move_words(Item& item, std::int64_t change) {
  Draw& draw = item.draw;
  const std::int64_t size = change < 0 ? -change : change;
  if (item.form.domain == kPlain) {
    return change > 0 ? fmt::format("{} {}", draw.one_of({"add", "then add"}), size)
                      : fmt::format("{} {}", draw.one_of({"take away", "then subtract"}), size);
  }
  return change > 0 ? draw.one_of({fmt::format("then {} more come", size),
                                   fmt::format("then {} are added", size),
                                   fmt::format("then {} are brought", size)})
                    : draw.one_of({fmt::format("then {} are taken away", size),
                                   fmt::format("then {} are given away", size),
                                   fmt::format("then {} are lost", size)});
}

void make(Item& item) {
  constexpr struct {
    int terms;
    std::int64_t largest;
  } kLevels[] = {{3, 9}, {3, 40}, {4, 60}, {5, 99}, {6, 200}, {8, 500}};
  const auto [terms, largest] = at_level(kLevels, item.level);
  Draw& draw = item.draw;
  std::int64_t total = draw.between(2, largest);
  item.facts.numbers = {total};
  item.slots.set("a", total);
  std::string chain = std::to_string(total), moves, bus;
  item.say(draw.one_of({fmt::format("I start with {}.", total),
                        fmt::format("I keep a running total. It begins with {}.", total),
                        fmt::format("Let me go step by step from {}.", total)}));
  for (int i = 1; i < terms; ++i) {
    std::int64_t size = draw.between(1, largest);
    // A story's total never falls below zero.
    if (total > 1 && draw.chance(50)) size = -draw.between(1, std::min(largest, total - 1));
    const std::string left =
        fmt::format("{} {} {}", total, size < 0 ? '-' : '+', size < 0 ? -size : size);
    item.equation("", left, total + size);
    total += size;
    chain += fmt::format(" {} {}", size < 0 ? '-' : '+', size < 0 ? -size : size);
    moves += (i == 1 ? "" : ", ") + move_words(item, size);
    bus += fmt::format("{}then {} get {}", i == 1 ? "" : ", ", size < 0 ? -size : size,
                       size < 0 ? "off" : "on");
    item.facts.numbers.push_back(size);
  }
  item.slots.set("chain", chain);
  item.slots.set("moves", moves);
  item.slots.set("people", bus);
  item.answer = std::to_string(total);
}

bool verify(const Facts& facts, std::string_view answer) {
  std::int64_t total = 0;
  for (const std::int64_t number : facts.numbers) total += number;
  return is_integer_answer(answer, total);
}

}  // namespace

constinit const Family kChainSum = {
    "chain_sum", "arithmetic", "a running total of gains and losses", 6, Use::kShipped, kTemplates,
    make,        verify};

}  // namespace sputnik::tasks
