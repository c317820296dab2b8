// Lists: statistics, filtering, and finding one entry among many.
#include <array>

#include "tasks/families/columns.h"
#include "tasks/families/families.h"
#include "tasks/families/letters.h"
#include "tasks/final_answer.h"

namespace sputnik::tasks {
namespace {

enum Statistic : int { kMean, kSmallest, kLargest, kSum, kAbove, kRange };

constexpr Template kStatisticTemplates[] = {
    {kPlain, "What is the average of {list}?", kMean},
    {kPlain, "What is the smallest of the numbers {list}?", kSmallest},
    {kPlain, "What is the largest of the numbers {list}?", kLargest},
    {kPlain, "How many of the numbers {list} are greater than {k}?", kAbove},
    {kPlain, "What is the sum of {list}?", kSum},
    {kSchool, "The scores are {list}. What is the mean score?", kMean},
    {kSchool, "The scores are {list}. How many are above {k}?", kAbove},
    {kSchool, "{name} scored {list} points. What was {his} best result?", kLargest},
    {kShop, "Prices: {list}. What is the difference between the highest and the lowest?", kRange},
    {kShop, "{name} pays {list} coins. How much is that in all?", kSum},
    {kFarm, "The cows gave {list} litres. What is the average?", kMean},
    {kFarm, "The hens laid {list} eggs. On how many days were there more than {k}?", kAbove},
    {kKitchen, "The cakes weigh {list} grams. What does the lightest weigh?", kSmallest},
    {kTravel,
     "{name} walked {list} miles on these days. By how much did the longest day beat the "
     "shortest?",
     kRange},
    {kHarbour, "The ships carry {list} tons. What is the average?", kMean},
    {kHarbour, "The nets hold {list} fish. How many nets hold more than {k}?", kAbove},
    {kHarbour, "The waves are {list} feet high. How high is the highest?", kLargest},
};

void add_up(Item& item, const std::vector<std::int64_t>& list) {
  std::int64_t total = list[0];
  for (std::size_t i = 1; i < list.size(); ++i) {
    item.equation("", fmt::format("{} + {}", total, list[i]), total + list[i]);
    total += list[i];
  }
}

// Reads along the list and keeps the best so far.
std::int64_t scan(Item& item, const std::vector<std::int64_t>& list, bool largest) {
  std::int64_t best = list[0];
  item.say(fmt::format("I look for the {}. First {}.", largest ? "largest" : "smallest", best));
  for (std::size_t i = 1; i < list.size(); ++i) {
    const bool better = largest ? list[i] > best : list[i] < best;
    const std::string keep = fmt::format("I keep {}", best),
                      take = fmt::format("I take {}", list[i]);
    item.choice(fmt::format("{}: ", list[i]), better ? take : keep, better ? keep : take);
    if (better) best = list[i];
  }
  return best;
}

std::int64_t statistic(int tag, std::vector<std::int64_t> list, std::int64_t k) {
  std::int64_t sum = 0, above = 0;
  for (const std::int64_t value : list) {
    sum += value;
    above += value > k ? 1 : 0;
  }
  const auto [low, high] = std::minmax_element(list.begin(), list.end());
  switch (tag) {
    case kMean:
      return sum / static_cast<std::int64_t>(list.size());
    case kSmallest:
      return *low;
    case kLargest:
      return *high;
    case kSum:
      return sum;
    case kAbove:
      return above;
    default:
      return *high - *low;
  }
}

void make_statistics(Item& item) {
  constexpr struct {
    std::size_t count;
    std::int64_t largest;
  } kLevels[] = {{3, 12}, {4, 30}, {5, 60}, {7, 99}, {9, 300}};
  const auto [count, largest] = at_level(kLevels, item.level);
  Draw& draw = item.draw;
  const int tag = item.form.tag;
  std::vector<std::int64_t> list = draw.distinct(1, largest, count);
  if (tag == kMean) {
    // The last one makes the average whole.
    std::int64_t sum = 0;
    for (const std::int64_t value : list) sum += value;
    const auto n = static_cast<std::int64_t>(count);
    list.back() += (n - sum % n) % n;
  }
  const std::int64_t k = draw.pick(list), result = statistic(tag, list, k);
  item.slots.set("list", join(list, ", "));
  item.slots.set("k", k);
  item.facts.numbers = list;
  item.facts.numbers.insert(item.facts.numbers.begin(), {tag, k});
  item.answer = std::to_string(result);
  if (tag == kSmallest || tag == kLargest) {
    scan(item, list, tag == kLargest);
  } else if (tag == kRange) {
    const std::int64_t high = scan(item, list, true), low = scan(item, list, false);
    item.equation("", fmt::format("{} - {}", high, low), high - low);
  } else if (tag == kAbove) {
    item.say(fmt::format("I compare each number with {}.", k));
    std::int64_t n = 0;
    for (const std::int64_t value : list) {
      const std::int64_t next = n + (value > k ? 1 : 0);
      item.choice(fmt::format("{}: ", value),
                  value > k ? fmt::format("yes, that makes {}", next) : "no",
                  value > k ? "no" : fmt::format("yes, that makes {}", n + 1));
      n = next;
    }
  } else {
    add_up(item, list);
    if (tag == kMean) {
      item.equation("", fmt::format("{} / {}", statistic(kSum, list, 0), count), result);
    }
  }
}

bool verify_statistics(const Facts& facts, std::string_view answer) {
  return is_integer_answer(
      answer, statistic(static_cast<int>(facts.numbers[0]),
                        {facts.numbers.begin() + 2, facts.numbers.end()}, facts.numbers[1]));
}

enum Filter : int { kGreater, kLess, kEven, kOdd, kMultiple };

constexpr Template kFilterTemplates[] = {
    {kPlain, "Keep only the numbers greater than {k}: {list}", kGreater},
    {kPlain, "Which of {list} are even? List them.", kEven},
    {kPlain, "Remove all numbers that are not less than {k} from {list}. What stays?", kLess},
    {kPlain, "List the odd numbers of {list}.", kOdd},
    {kPlain, "Which of {list} are multiples of {m}? List them.", kMultiple},
    {kSchool, "{name} crosses out every odd number in {list}. Which numbers are left?", kEven},
    {kSchool, "The scores are {list}. List those above {k}.", kGreater},
    {kShop, "Prices: {list}. List those below {k}.", kLess},
    {kFarm, "Of the rows {list} only multiples of {m} get water. List them.", kMultiple},
    {kTravel, "Odd seats are at the window. Which of the seats {list} are? List them.", kOdd},
    {kHarbour, "Ships {list} are in. Those with numbers above {k} may leave. List them.", kGreater},
    {kHarbour, "Which of the piers {list} have even numbers? List them.", kEven},
};

bool passes(int tag, std::int64_t value, std::int64_t k, std::int64_t m) {
  switch (tag) {
    case kGreater:
      return value > k;
    case kLess:
      return value < k;
    case kEven:
      return value % 2 == 0;
    case kOdd:
      return value % 2 != 0;
    default:
      return value % m == 0;
  }
}

void make_filter(Item& item) {
  constexpr struct {
    std::size_t count;
    std::int64_t largest;
  } kLevels[] = {{4, 20}, {6, 50}, {8, 99}, {11, 300}};
  const auto [count, largest] = at_level(kLevels, item.level);
  Draw& draw = item.draw;
  const int tag = item.form.tag;
  const std::int64_t m = draw.between(3, 6);
  std::vector<std::int64_t> list, kept;
  std::int64_t k = 0;
  while (kept.empty()) {
    list = draw.distinct(1, largest, count);
    k = draw.pick(list);
    kept.clear();
    for (const std::int64_t value : list) {
      if (passes(tag, value, k, m)) kept.push_back(value);
    }
  }
  item.slots.set("list", join(list, ", "));
  item.slots.set("k", k);
  item.slots.set("m", m);
  item.facts.numbers = list;
  item.facts.numbers.insert(item.facts.numbers.begin(), {tag, k, m});
  item.answer = join(kept, ", ");
  item.say("I look at each number.");
  for (const std::int64_t value : list) {
    const bool yes = passes(tag, value, k, m);
    item.choice(fmt::format("{}: ", value), yes ? "keep" : "drop", yes ? "drop" : "keep");
  }
}

bool verify_filter(const Facts& facts, std::string_view answer) {
  std::vector<std::string> kept;
  for (std::size_t i = 3; i < facts.numbers.size(); ++i) {
    if (passes(static_cast<int>(facts.numbers[0]), facts.numbers[i], facts.numbers[1],
               facts.numbers[2])) {
      kept.push_back(std::to_string(facts.numbers[i]));
    }
  }
  return is_list_answer(answer, kept);
}

constexpr Template kRetrievalTemplates[] = {
    {kPlain, "Here is a list: {list}. What is the number of {q}?"},
    {kPlain, "{list}. Which number belongs to {q}?"},
    {kPlain, "Remember: {list}. Say the number of {q}."},
    {kSchool, "Lockers at school: {list}. Which locker has {q}?"},
    {kSchool, "The test points: {list}. How many points has {q}?"},
    {kShop, "Orders in the shop: {list}. Which number is the order of {q}?"},
    {kTravel, "Seats on the bus: {list}. Where does {q} sit?"},
    {kTravel, "Rooms of the hotel: {list}. Which room has {q}?"},
    {kFarm, "The fields belong to people: {list}. Which number is the field of {q}?"},
    {kKitchen, "Tables for dinner: {list}. At which table is {q}?"},
    {kHarbour, "Boats at the pier: {list}. Which number is the boat of {q}?"},
};

void make_retrieval(Item& item) {
  constexpr struct {
    std::size_t count;
    std::int64_t largest;
  } kLevels[] = {{3, 20}, {5, 50}, {7, 99}, {9, 500}, {12, 9999}};
  const auto [count, largest] = at_level(kLevels, item.level);
  const auto persons = item.draw.sample(people(item.draw.split()), count);
  const auto numbers = item.draw.distinct(1, largest, count);
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < count; ++i) {
    parts.push_back(fmt::format("{} {}", persons[i].name, numbers[i]));
    item.facts.words.emplace_back(persons[i].name);
  }
  const std::size_t asked = item.draw.index(count);
  item.slots.set("list", join(parts, ", "));
  item.slots.set("q", persons[asked].name);
  item.facts.numbers = numbers;
  item.facts.words.emplace_back(persons[asked].name);
  item.answer = std::to_string(numbers[asked]);
  item.say(fmt::format("I look for {} in the list.", persons[asked].name));
  const std::size_t other = (asked + 1 + item.draw.index(count - 1)) % count;
  item.choice(fmt::format("It says \"{} ", persons[asked].name), std::to_string(numbers[asked]),
              std::to_string(numbers[other]), "\".");
}

bool verify_retrieval(const Facts& facts, std::string_view answer) {
  for (std::size_t i = 0; i < facts.numbers.size(); ++i) {
    if (facts.words[i] == facts.words.back()) return is_integer_answer(answer, facts.numbers[i]);
  }
  return false;
}

}  // namespace

constinit const Family kListStatistics = {"list_statistics",
                                          "lists",
                                          "averages, extremes and counts of lists",
                                          5,
                                          Use::kExtra,
                                          kStatisticTemplates,
                                          make_statistics,
                                          verify_statistics};
constinit const Family kFiltering = {
    "filtering", "lists",      "the numbers of a list that fit a rule",
    4,           Use::kProbe,  kFilterTemplates,
    make_filter, verify_filter};
constinit const Family kRetrieval = {
    "retrieval",         "lists",        "one entry among many", 5, Use::kExtra,
    kRetrievalTemplates, make_retrieval, verify_retrieval};

}  // namespace sputnik::tasks
