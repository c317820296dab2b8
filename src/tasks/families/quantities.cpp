// Quantities that depend on one another, told in any order, some of them beside the point: the
// thought computes what the question needs, each after those that it is made of.
#include "tasks/families/columns.h"
#include "tasks/families/families.h"
#include "tasks/final_answer.h"

namespace sputnik::tasks {
namespace {

// The tag names who holds the things: people, or coloured containers.
constexpr std::string_view kContainers[] = {"", "box", "shelf", "basket", "jar", "wagon", "boat"};
constexpr int kPeople = 0, kBox = 1, kShelf = 2, kBasket = 3, kJar = 4, kWagon = 5, kBoat = 6;

constexpr Template kTemplates[] = {
    {kPlain, "{story} How many {things} does {q} have?", kPeople},
    {kPlain, "{story} How many {things} does {q} have [in the end|then]?", kPeople},
    {kPlain, "{story} [Tell me|Please tell me] how many {things} {q} has.", kPeople},
    {kPlain, "{story} How many {things} are in {q}?", kBox},
    {kPlain, "{story} What is the number of {things} in {q}?", kBox},
    {kPlain, "Read this: {story} How many {things} does {q} have?", kPeople},
    {kPlain, "Here is a puzzle. {story} How many {things} are in {q}?", kJar},
    {kPlain, "{story} Find the number of {things} that {q} has.", kPeople},
    {kShop, "In a shop the {things} are in boxes. {story} How many {things} are in {q}?", kBox},
    {kShop, "A shop counts its {things}. {story} How many {things} are on {q}?", kShelf},
    {kShop, "Some friends buy {things}. {story} How many {things} does {q} have?", kPeople},
    {kShop, "{story} So says the list of the shop. How many {things} are in {q}?", kBasket},
    {kShop, "The {things} lie on shelves. {story} How many {things} are on {q}?", kShelf},
    {kShop, "The seller says: {story} How many {things} does {q} have?", kPeople},
    {kSchool, "Children compare their {things}. {story} How many {things} does {q} have?", kPeople},
    {kSchool, "At school they collect {things}. {story} How many {things} does {q} have?", kPeople},
    {kSchool, "The {things} of a class are in boxes. {story} How many {things} are in {q}?", kBox},
    {kSchool, "{story} The teacher asks: how many {things} does {q} have?", kPeople},
    {kSchool, "In the classroom stand shelves. {story} How many {things} are on {q}?", kShelf},
    {kSchool, "The children play with {things}. {story} How many {things} does {q} have?", kPeople},
    {kFarm, "On a farm people pick {things}. {story} How many {things} does {q} have?", kPeople},
    {kFarm, "The {things} are in baskets. {story} How many {things} are in {q}?", kBasket},
    {kFarm, "Farmers compare what they have. {story} How many {things} does {q} have?", kPeople},
    {kFarm, "{story} All this is on the farm. How many {things} are in {q}?", kWagon},
    {kFarm, "The farm loads its wagons. {story} How many {things} are in {q}?", kWagon},
    {kFarm, "After the harvest: {story} How many {things} does {q} have?", kPeople},
    {kKitchen, "In a kitchen stand jars. {story} How many {things} are in {q}?", kJar},
    {kKitchen, "The cooks count their {things}. {story} How many {things} does {q} have?", kPeople},
    {kKitchen, "For the party there are {things}. {story} How many {things} are in {q}?", kBasket},
    {kKitchen, "{story} The cook wants to know: how many {things} are in {q}?", kJar},
    {kKitchen, "Everybody brings {things} to dinner. {story} How many {things} does {q} have?",
     kPeople},
    {kTravel, "On a trip some friends collect {things}. {story} How many {things} does {q} have?",
     kPeople},
    {kTravel, "A train has wagons full of {things}. {story} How many {things} are in {q}?", kWagon},
    {kTravel, "The travellers compare. {story} How many {things} does {q} have?", kPeople},
    {kTravel, "{story} This is what they packed. How many {things} does {q} have?", kPeople},
    {kTravel, "The bags are in boxes on the bus. {story} How many {things} are in {q}?", kBox},
    {kHarbour, "Boats bring {things}. {story} How many {things} are in {q}?", kBoat},
    {kHarbour, "At the harbour: {story} How many {things} does {q} have?", kPeople},
    {kHarbour, "The boats are in. {story} How many {things} are in {q}?", kBoat},
    {kHarbour, "The sailors count. {story} How many {things} does {q} have?", kPeople},
};

constexpr std::string_view kColoursTrain[] = {"red",   "blue", "green", "yellow", "white", "black",
                                              "brown", "pink", "grey",  "orange", "small", "big"};
constexpr std::string_view kColoursTest[] = {"silver", "golden", "purple", "striped",
                                             "round",  "wide",   "tall",   "narrow",
                                             "dark",   "bright", "wooden", "old"};

enum Relation : std::int64_t { kGiven, kMore, kFewer, kTimes, kSum, kDifference, kHalf };

struct Quantity {
  Relation relation;
  std::int64_t number = 0;            // for given, more, fewer, times
  std::size_t first = 0, second = 0;  // earlier quantities
  std::int64_t value = 0;
};

constexpr std::int64_t kLargest = 120;

std::optional<Quantity> draw_quantity(Draw& draw, const std::vector<Quantity>& earlier) {
  Quantity q{};
  q.relation = static_cast<Relation>(draw.between(kMore, kHalf));
  q.first = draw.index(earlier.size());
  q.second = draw.index(earlier.size());
  const std::int64_t a = earlier[q.first].value, b = earlier[q.second].value;
  switch (q.relation) {
    case kMore:
      q.number = draw.between(2, 9);
      q.value = a + q.number;
      break;
    case kFewer:
      q.number = draw.between(2, 9);
      q.value = a - q.number;
      break;
    case kTimes:
      q.number = draw.between(2, 4);
      q.value = a * q.number;
      break;
    case kSum:
      q.value = a + b;
      break;
    case kDifference:
      q.value = a - b;
      break;
    case kHalf:
      q.value = a % 2 == 0 ? a / 2 : 0;
      break;
    case kGiven:
      break;
  }
  const bool two = q.relation == kSum || q.relation == kDifference;
  if ((two && q.first == q.second) || q.value < 1 || q.value > kLargest) return std::nullopt;
  return q;
}

struct Telling {
  std::vector<std::string> who;  // "Anna", "the red box"
  bool people;
  std::string_view shelf_or_box;  // "on" or "in"
  const Noun& noun;

  std::string has(std::size_t i) const {
    if (people) return who[i] + " has ";
    return std::string(shelf_or_box == "on" ? "on " : "in ") + who[i] + " there are ";
  }
};

std::string capital(std::string text) {
  if ('a' <= text[0] && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

std::string tell(Draw& draw, const Quantity& q, std::size_t i, const Telling& t) {
  const std::string begin = capital(t.has(i)), things(t.noun.many);
  // "than Anna", "than in the red box".
  const auto place = [&](std::size_t j) {
    return t.people ? t.who[j] : fmt::format("{} {}", t.shelf_or_box, t.who[j]);
  };
  switch (q.relation) {
    case kGiven:
      return fmt::format("{}{}.", begin, count_of(q.value, t.noun));
    case kMore:
      return fmt::format("{}{} more {} than {}.", begin, q.number, things, place(q.first));
    case kFewer:
      return fmt::format("{}{} fewer {} than {}.", begin, q.number, things, place(q.first));
    case kTimes: {
      const std::string times = q.number == 2 && draw.chance(70)
                                    ? "twice"
                                    : fmt::format("{} times", number_words(q.number));
      return fmt::format("{}{} as many {} as {}.", begin, times, things, place(q.first));
    }
    case kSum:
      return fmt::format("{}as many {} as {} and {} together.", begin, things, place(q.first),
                         place(q.second));
    case kDifference:
      return fmt::format("{}as many {} as the difference between {} and {}.", begin, things,
                         t.who[q.first], t.who[q.second]);
    case kHalf:
      return fmt::format("{}half as many {} as {}.", begin, things, place(q.first));
  }
  return "";
}

std::string sum_of(const Quantity& q, const std::vector<Quantity>& all) {
  const std::int64_t a = all[q.first].value, b = all[q.second].value;
  switch (q.relation) {
    case kGiven:
      return "";
    case kMore:
      return fmt::format("{} + {}", a, q.number);
    case kFewer:
      return fmt::format("{} - {}", a, q.number);
    case kTimes:
      return fmt::format("{} * {}", a, q.number);
    case kSum:
      return fmt::format("{} + {}", a, b);
    case kDifference:
      return fmt::format("{} - {}", a, b);
    case kHalf:
      return fmt::format("{} / 2", a);
  }
  return "";
}

// Which quantities the last one needs, itself included. They depend on earlier ones only.
std::vector<bool> needed_for_last(const std::vector<Quantity>& all) {
  std::vector<bool> needed(all.size(), false);
  needed.back() = true;
  for (std::size_t i = all.size(); i-- > 0;) {
    if (!needed[i] || all[i].relation == kGiven) continue;
    needed[all[i].first] = true;
    if (all[i].relation == kSum || all[i].relation == kDifference) needed[all[i].second] = true;
  }
  return needed;
}

std::size_t operations_of(const std::vector<Quantity>& all, const std::vector<bool>& needed) {
  std::size_t n = 0;
  for (std::size_t i = 0; i < all.size(); ++i) n += needed[i] && all[i].relation != kGiven ? 1 : 0;
  return n;
}

// The last quantity needs exactly n_operations; up to n_extra others are beside the point.
std::vector<Quantity> draw_quantities(Draw& draw, std::size_t n_operations, std::size_t n_extra) {
  for (;;) {
    std::vector<Quantity> all;
    const std::size_t n_given = draw.chance(60) ? 1 : 2;
    for (std::size_t i = 0; i < n_given; ++i) {
      Quantity q{};
      q.number = q.value = draw.between(2, 20);
      all.push_back(q);
    }
    for (int tries = 0; tries < 200 && all.size() < n_given + n_operations + n_extra; ++tries) {
      if (const auto q = draw_quantity(draw, all)) all.push_back(*q);
    }
    while (all.size() > n_given) {
      if (operations_of(all, needed_for_last(all)) == n_operations) return all;
      all.pop_back();
    }
  }
}

Telling draw_names(Item& item, std::size_t count) {
  Draw& draw = item.draw;
  const bool is_people = item.form.tag == kPeople;
  Telling t{{}, is_people, item.form.tag == kShelf ? "on" : "in", item.nouns[0]};
  if (is_people) {
    for (const Person& person : draw.sample(people(draw.split()), count)) {
      t.who.emplace_back(person.name);
    }
  } else {
    const std::span<const std::string_view> colours =
        draw.split() == Split::kTrain ? std::span<const std::string_view>(kColoursTrain)
                                      : std::span<const std::string_view>(kColoursTest);
    for (const std::string_view colour : draw.sample(colours, count)) {
      t.who.push_back(fmt::format("the {} {}", colour, kContainers[item.form.tag]));
    }
  }
  return t;
}

void make(Item& item) {
  constexpr struct {
    std::size_t operations, extra;
  } kLevels[] = {{1, 0}, {2, 0}, {3, 1}, {4, 1}, {5, 2}, {6, 2}, {8, 2}};
  const auto [operations, extra] = at_level(kLevels, item.level);
  Draw& draw = item.draw;
  const std::vector<Quantity> all = draw_quantities(draw, operations, extra);
  const Telling telling = draw_names(item, all.size());
  std::vector<std::string> sentences;
  for (std::size_t i = 0; i < all.size(); ++i) {
    sentences.push_back(tell(draw, all[i], i, telling));
    for (const auto number :
         {static_cast<std::int64_t>(all[i].relation), all[i].number,
          static_cast<std::int64_t>(all[i].first), static_cast<std::int64_t>(all[i].second)}) {
      item.facts.numbers.push_back(number);
    }
  }
  if (item.level >= 3) draw.shuffle(sentences);
  const std::size_t last = all.size() - 1;
  item.slots.set("story", join(sentences, " "));
  item.slots.set("q", telling.who[last]);
  item.answer = std::to_string(all[last].value);
  item.say(draw.one_of({fmt::format("I want the number for {}.", telling.who[last]),
                        fmt::format("The question is about {}.", telling.who[last]),
                        fmt::format("Let me find what I need for {}.", telling.who[last])}));
  const std::vector<bool> needed = needed_for_last(all);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!needed[i]) continue;
    const std::string lead = capital(telling.who[i]) + ": ";
    if (all[i].relation == kGiven) {
      item.say(fmt::format("{}{}.", lead, all[i].value));
    } else {
      item.equation(lead, sum_of(all[i], all), all[i].value);
    }
  }
}

// facts.numbers: relation, number, first, second of each quantity.
bool verify(const Facts& facts, std::string_view answer) {
  std::vector<std::int64_t> values;
  for (std::size_t i = 0; i + 3 < facts.numbers.size(); i += 4) {
    const std::int64_t number = facts.numbers[i + 1];
    const auto value = [&](std::size_t offset) {
      const auto j = static_cast<std::size_t>(facts.numbers[i + offset]);
      return j < values.size() ? values[j] : 0;
    };
    switch (facts.numbers[i]) {
      case kGiven:
        values.push_back(number);
        break;
      case kMore:
        values.push_back(value(2) + number);
        break;
      case kFewer:
        values.push_back(value(2) - number);
        break;
      case kTimes:
        values.push_back(value(2) * number);
        break;
      case kSum:
        values.push_back(value(2) + value(3));
        break;
      case kDifference:
        values.push_back(value(2) - value(3));
        break;
      default:
        values.push_back(value(2) / 2);
        break;
    }
  }
  return is_integer_answer(answer, values.back());
}

}  // namespace

constinit const Family kQuantities = {"quantities",
                                      "word problems",
                                      "quantities that depend on one another",
                                      7,
                                      Use::kShipped,
                                      kTemplates,
                                      make,
                                      verify};

}  // namespace sputnik::tasks
