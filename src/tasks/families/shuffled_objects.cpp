// People swap what they hold: who has what in the end?
#include "tasks/families/columns.h"
#include "tasks/families/families.h"
#include "tasks/final_answer.h"

namespace sputnik::tasks {
namespace {

constexpr int kWhat = 0, kWho = 1;

// {start}: "Anna has a red ball, ..."; {swaps}; {who} and {object} of the question.
constexpr Template kTemplates[] = {
    {kPlain, "{start} {swaps} What does {who} have at the end?", kWhat},
    {kPlain, "{start} {swaps} Who has {object} [at the end|in the end|now]?", kWho},
    {kPlain, "At first: {start} {swaps} What does {who} have now?", kWhat},
    {kPlain, "Follow the swaps. {start} {swaps} Who holds {object}?", kWho},
    {kPlain, "{start} {swaps} After all this, what is with {who}?", kWhat},
    {kPlain, "[Keep track|Think carefully]. {start} {swaps} What does {who} hold?", kWhat},
    {kPlain, "{start} {swaps} In the end, who has {object}?", kWho},
    {kPlain, "{start} Now they swap. {swaps} What has {who} got?", kWhat},
    {kPlain, "Everybody holds one thing. {start} {swaps} Where is {object}? Name the person.",
     kWho},
    {kPlain, "{start} {swaps} [Tell me|Please tell me] what {who} has.", kWhat},
    {kSchool, "Children bring gifts to school. {start} {swaps} What does {who} take home?", kWhat},
    {kSchool, "In the break they trade. {start} {swaps} Who has {object} after the break?", kWho},
    {kSchool, "In class: {start} {swaps} What does {who} have when the bell rings?", kWhat},
    {kSchool, "The teacher hands things out. {start} {swaps} Who has {object} now?", kWho},
    {kSchool, "At the school party they swap gifts. {start} {swaps} What is the gift of {who}?",
     kWhat},
    {kShop, "Some friends go shopping. {start} {swaps} What does {who} carry home?", kWhat},
    {kShop, "At the flea market: {start} {swaps} Who owns {object} at the end of the day?", kWho},
    {kShop, "In the shop they trade. {start} {swaps} What has {who} in the end?", kWhat},
    {kShop, "{start} At the till they swap. {swaps} Who pays for {object}?", kWho},
    {kShop, "Customers exchange what they bought. {start} {swaps} What does {who} keep?", kWhat},
    {kFarm, "On the farm: {start} {swaps} What does {who} have in the evening?", kWhat},
    {kFarm, "Farmers trade on the market. {start} {swaps} Who has {object} now?", kWho},
    {kFarm, "In the barn they change places of things. {start} {swaps} What is with {who}?", kWhat},
    {kFarm, "{start} They help on the farm and swap. {swaps} Who has {object}?", kWho},
    {kKitchen, "In the kitchen: {start} {swaps} What does {who} have at last?", kWhat},
    {kKitchen, "They cook together. {start} {swaps} Who has {object} when dinner is ready?", kWho},
    {kKitchen, "At the table they swap. {start} {swaps} What does {who} have?", kWhat},
    {kKitchen, "{start} While the soup cooks, they swap. {swaps} Who has {object}?", kWho},
    {kTravel, "On the bus: {start} {swaps} What does {who} have when they get off?", kWhat},
    {kTravel, "Friends travel together. {start} {swaps} Who carries {object} at the end?", kWho},
    {kTravel, "At the station they trade. {start} {swaps} What does {who} take on the train?",
     kWhat},
    {kTravel, "{start} On the long trip they swap. {swaps} Who has {object} when they arrive?",
     kWho},
    {kTravel, "In the tent: {start} {swaps} What does {who} have?", kWhat},
    {kHarbour, "At the harbour: {start} {swaps} What does {who} have in the end?", kWhat},
    {kHarbour, "On board they trade. {start} {swaps} Who has {object} when the ship lands?", kWho},
    {kHarbour, "The sailors swap. {start} {swaps} What does {who} hold?", kWhat},
    {kHarbour, "{start} The sea is calm, and they swap. {swaps} Who has {object}?", kWho},
};

constexpr std::string_view kColoursTrain[] = {"red",   "blue",  "green", "yellow",
                                              "white", "black", "brown", "pink"};
constexpr std::string_view kColoursTest[] = {"silver",  "golden", "purple",  "grey",
                                             "striped", "orange", "spotted", "dark"};

void make(Item& item) {
  constexpr struct {
    std::size_t people;
    int swaps;
  } kLevels[] = {{3, 2}, {3, 3}, {3, 5}, {4, 5}, {5, 7}, {5, 12}};
  const auto& level = at_level(kLevels, item.level);
  const std::size_t n = level.people;
  Draw& draw = item.draw;
  std::vector<std::string> who, object;
  for (const Person& person : draw.sample(people(draw.split()), n)) who.emplace_back(person.name);
  const auto colours = draw.split() == Split::kTrain
                           ? std::span<const std::string_view>(kColoursTrain)
                           : std::span<const std::string_view>(kColoursTest);
  for (const std::string_view colour : draw.sample(colours, n)) {
    object.push_back(fmt::format("{} {}", colour, item.nouns[0].one));
  }
  std::vector<std::size_t> holds(n);
  std::vector<std::string> start, state;
  for (std::size_t i = 0; i < n; ++i) {
    holds[i] = i;
    const auto article = std::string_view("aeiou").find(object[i][0]) == std::string_view::npos;
    start.push_back(fmt::format("{} has {} {}", who[i], article ? "a" : "an", object[i]));
  }
  const auto colour_of = [&](std::size_t i) { return object[i].substr(0, object[i].find(' ')); };
  const auto now = [&] {
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < n; ++i) {
      parts.push_back(fmt::format("{} {}", who[i], colour_of(holds[i])));
    }
    return join(parts, ", ");
  };
  item.say(draw.one_of(
      {fmt::format("I note who has what: {}.", now()), fmt::format("At the start: {}.", now())}));
  std::string swaps;
  for (int i = 0; i < level.swaps; ++i) {
    const auto pair = draw.distinct(0, static_cast<std::int64_t>(n) - 1, 2);
    const auto a = static_cast<std::size_t>(pair[0]), b = static_cast<std::size_t>(pair[1]);
    swaps += fmt::format("{}{} and {} swap.", swaps.empty() ? "" : " Then ", who[a], who[b]);
    item.facts.numbers.push_back(pair[0]);
    item.facts.numbers.push_back(pair[1]);
    const std::string before = now();
    std::swap(holds[a], holds[b]);
    // Forgetting a swap is the usual mistake.
    item.choice(fmt::format("{} and {} swap: ", who[a], who[b]), now(), before);
  }
  const std::size_t asked = draw.index(n);
  const std::string& thing = object[holds[asked]];
  item.slots.set("start", join_and(start) + ".");
  item.slots.set("swaps", swaps);
  item.slots.set("who", who[asked]);
  item.slots.set("object", "the " + thing);
  item.facts.words = who;
  item.facts.words.insert(item.facts.words.end(), object.begin(), object.end());
  const bool what = item.form.tag == kWhat;
  item.facts.words.push_back(what ? who[asked] : thing);
  item.answer = what ? "the " + thing : who[asked];
}

// facts.words: n people, their n objects at the start, and what the question names.
bool verify(const Facts& facts, std::string_view answer) {
  const std::size_t n = (facts.words.size() - 1) / 2;
  std::vector<std::string> holds(facts.words.begin() + static_cast<std::ptrdiff_t>(n),
                                 facts.words.begin() + static_cast<std::ptrdiff_t>(2 * n));
  for (std::size_t i = 0; i + 1 < facts.numbers.size(); i += 2) {
    std::swap(holds[static_cast<std::size_t>(facts.numbers[i])],
              holds[static_cast<std::size_t>(facts.numbers[i + 1])]);
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (facts.words[i] == facts.words.back()) {
      for (const std::string_view article : {"", "the ", "a ", "an "}) {
        if (is_word_answer(answer, std::string(article) + holds[i])) return true;
      }
    }
    if (holds[i] == facts.words.back() && is_word_answer(answer, facts.words[i])) return true;
  }
  return false;
}

}  // namespace

constinit const Family kShuffledObjects = {"shuffled_objects",
                                           "tracking",
                                           "who holds what after some swaps",
                                           6,
                                           Use::kShipped,
                                           kTemplates,
                                           make,
                                           verify};

}  // namespace sputnik::tasks
