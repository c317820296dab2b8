// Comparisons between pairs, and a question about the whole order: who is tallest?
#include "tasks/families/columns.h"
#include "tasks/families/families.h"
#include "tasks/final_answer.h"

namespace sputnik::tasks {
namespace {

// The tag is what is compared. {facts}: "Anna is taller than Ben."; {which}: "tallest", "second
// tallest".
enum Scale : int { kTall, kOld, kFast, kHeavy, kRich, kEarly };

struct Comparison {
  std::string_view more, less, most;
};
constexpr Comparison kComparisons[] = {
    {"taller", "shorter", "tallest"}, {"older", "younger", "oldest"},
    {"faster", "slower", "fastest"},  {"heavier", "lighter", "heaviest"},
    {"richer", "poorer", "richest"},  {"earlier", "later", "earliest"}};

constexpr Template kTemplates[] = {
    {kPlain, "{facts} Who is the {which}?", kTall},
    {kPlain, "{facts} Who is the {which}?", kOld},
    {kPlain, "{facts} Which of them is the {which}?", kFast},
    {kPlain, "Read this: {facts} Who is the {which}?", kHeavy},
    {kPlain, "{facts} [Tell me|Please tell me] who is the {which}.", kTall},
    {kPlain, "If {facts2}, who is the {which}?", kOld},
    {kPlain, "We know this. {facts} Who is the {which} of all?", kRich},
    {kPlain, "A puzzle: {facts} Who is the {which}?", kFast},
    {kPlain, "{facts} Name the {which} person.", kTall},
    {kPlain, "Given: {facts} Who is the {which} one?", kOld},
    {kSchool, "In a class: {facts} Who is the {which} child?", kTall},
    {kSchool, "At sports day: {facts} Who is the {which} runner?", kFast},
    {kSchool, "{facts} They all go to one school. Who is the {which}?", kOld},
    {kSchool, "The pupils line up. {facts} Who is the {which}?", kTall},
    {kSchool, "{facts} Who comes to school {which}?", kEarly},
    {kSchool, "The school doctor notes: {facts} Who is the {which}?", kHeavy},
    {kShop, "In the shop: {facts} Who is the {which} customer?", kRich},
    {kShop, "The sellers talk. {facts} Who is the {which}?", kOld},
    {kShop, "{facts} They stand at the till. Who is the {which}?", kTall},
    {kShop, "{facts} Who gets to the shop {which}?", kEarly},
    {kShop, "Shoppers compare their purses. {facts} Who is the {which}?", kRich},
    {kFarm, "On the farm: {facts} Who is the {which} farmer?", kOld},
    {kFarm, "The horses are named after people. {facts} Which is the {which} horse?", kFast},
    {kFarm, "{facts} These are the goats of a farm. Which is the {which}?", kHeavy},
    {kFarm, "{facts} They work in the barn. Who gets up {which}?", kEarly},
    {kFarm, "The dogs of the village: {facts} Which is the {which}?", kFast},
    {kKitchen, "In the kitchen: {facts} Who is the {which} cook?", kOld},
    {kKitchen, "{facts} They eat together. Who is done {which}?", kEarly},
    {kKitchen, "The cooks race. {facts} Who is the {which}?", kFast},
    {kKitchen, "{facts} At dinner they sit by size. Who is the {which}?", kTall},
    {kTravel, "On the bus: {facts} Who is the {which} traveller?", kOld},
    {kTravel, "{facts} They cycle to the lake. Who is the {which}?", kFast},
    {kTravel, "Friends carry bags. {facts} Their bags are named after them. Which is the {which}?",
     kHeavy},
    {kTravel, "{facts} Who arrives {which}?", kEarly},
    {kTravel, "At the border: {facts} Who is the {which} person?", kTall},
    {kHarbour, "On board: {facts} Who is the {which} sailor?", kOld},
    {kHarbour, "Boats are named after people. {facts} Which boat is the {which}?", kFast},
    {kHarbour, "{facts} Who comes to the harbour {which}?", kEarly},
    {kHarbour, "The pirates compare their gold. {facts} Who is the {which}?", kRich},
};

// "tallest", "second tallest", "shortest".
std::string which_place(Draw& draw, const Comparison& words, std::size_t n, std::size_t place) {
  std::string least(words.less);
  least.replace(least.size() - 1, 1, "st");  // shorter -> shortest
  if (place == 0) return std::string(words.most);
  if (place + 1 == n) return least;
  if (draw.chance(50)) {
    return fmt::format("{} {}", ordinal(static_cast<std::int64_t>(place) + 1), words.most);
  }
  return fmt::format("{} {}", ordinal(static_cast<std::int64_t>(n - place)), least);
}

void make(Item& item) {
  constexpr struct {
    std::size_t people;
    bool middle;
  } kLevels[] = {{3, false}, {3, true}, {4, true}, {5, true}, {6, true}, {8, true}};
  const auto [n, middle] = at_level(kLevels, item.level);
  Draw& draw = item.draw;
  const Comparison& words = kComparisons[item.form.tag];
  std::vector<std::string> order;  // from most to least
  for (const Person& person : draw.sample(people(draw.split()), n)) order.emplace_back(person.name);
  const bool early = item.form.tag == kEarly;
  std::vector<std::string> facts;
  for (std::size_t i = 0; i + 1 < n; ++i) {
    const bool more = draw.chance(50);
    const std::string& first = more ? order[i] : order[i + 1];
    const std::string& second = more ? order[i + 1] : order[i];
    facts.push_back(fmt::format("{} {} {} than {}", first, early ? "comes" : "is",
                                more ? words.more : words.less, second));
    item.facts.words.push_back(order[i]);
  }
  item.facts.words.push_back(order.back());
  draw.shuffle(facts);
  std::size_t place = draw.chance(50) ? 0 : n - 1;
  if (middle && draw.chance(50)) place = draw.index(n);
  item.facts.numbers = {static_cast<std::int64_t>(place)};
  item.slots.set("facts", join(facts, ". ") + ".");
  item.slots.set("facts2", join_and(facts));
  item.slots.set("which", which_place(draw, words, n, place));
  item.answer = order[place];

  // The chain grows at both ends from a random link.
  std::size_t low = draw.index(n - 1), high = low + 2;  // [low, high) is known
  const auto chain = [&](std::size_t from, std::size_t to) {
    return join(std::span<const std::string>(order).subspan(from, to - from), " > ");
  };
  item.say(draw.one_of({fmt::format("I build the order, {} first.", words.most),
                        fmt::format("Let me put them in a line, the {} first.", words.most)}));
  item.say(fmt::format("{}.", chain(low, high)));
  while (high - low < n) {
    const bool front = high == n || (low > 0 && draw.chance(50));
    const std::string& added = front ? order[low - 1] : order[high];
    const std::string old = chain(low, high);
    front ? --low : ++high;
    const std::string& link = front ? order[low + 1] : order[high - 2];
    const std::string wrong = front ? old + " > " + added : added + " > " + old;
    item.choice(fmt::format("{} comes right {} {}: ", added, front ? "before" : "after", link),
                chain(low, high), wrong);
  }
  if (place == 0) {
    item.say(fmt::format("The first one is {}.", order[place]));
  } else if (place + 1 == n) {
    item.say(fmt::format("The last one is {}.", order[place]));
  } else {
    item.say(fmt::format("Number {} in the line is {}.", place + 1, order[place]));
  }
}

bool verify(const Facts& facts, std::string_view answer) {
  return is_word_answer(answer, facts.words[static_cast<std::size_t>(facts.numbers[0])]);
}

}  // namespace

constinit const Family kOrdering = {
    "ordering", "logic", "who is tallest, by comparisons of pairs", 6, Use::kShipped, kTemplates,
    make,       verify};

}  // namespace sputnik::tasks
