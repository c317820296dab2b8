// Sequences, two equations with two unknowns, unit conversion and change.
#include <array>

#include "tasks/families/columns.h"
#include "tasks/families/families.h"
#include "tasks/final_answer.h"

namespace sputnik::tasks {
namespace {

constexpr Template kSequenceTemplates[] = {
    {kPlain, "What comes next? {list}, ..."},
    {kPlain, "Find the next number: {list}"},
    {kPlain, "The sequence is {list}. What is the next number?"},
    {kPlain, "Continue the sequence {list} by one number."},
    {kSchool, "{name} writes {list} on the board. Which number should come next?"},
    {kSchool, "Homework: {list}, and then?"},
    {kShop, "The shop sold {list} {things} on the last days. If this goes on, how many come next?"},
    {kFarm, "The rows hold {list} {things}. How many does the next row hold by the same rule?"},
    {kTravel, "The houses are numbered {list}. What is the next number?"},
    {kPlain, "{list}, ? Which number replaces the question mark?"},
    {kHarbour, "Ships come at the minutes {list}. At which minute comes the next one?"},
};

enum Rule : std::int64_t { kConstant, kGrowing, kTimes, kFibonacci };

std::int64_t following(Rule rule, const std::vector<std::int64_t>& v, std::int64_t ratio) {
  const std::size_t n = v.size();
  switch (rule) {
    case kConstant:
      return v[n - 1] + (v[n - 1] - v[n - 2]);
    case kGrowing:
      return v[n - 1] + 2 * (v[n - 1] - v[n - 2]) - (v[n - 2] - v[n - 3]);
    case kTimes:
      return v[n - 1] * ratio;
    case kFibonacci:
      return v[n - 1] + v[n - 2];
  }
  return 0;
}

void make_sequence(Item& item) {
  constexpr struct {
    std::int64_t rules, largest;
  } kLevels[] = {{0, 9}, {1, 15}, {2, 20}, {3, 30}, {3, 80}};
  const auto [rules, largest] = at_level(kLevels, item.level);
  Draw& draw = item.draw;
  const auto rule = static_cast<Rule>(draw.between(0, rules));
  const std::int64_t ratio = draw.between(2, 4);
  std::vector<std::int64_t> v = {draw.between(1, largest)};
  v.push_back(rule == kTimes ? v[0] * ratio : v[0] + draw.between(1, largest));
  // A constant second difference needs a third number that is free.
  if (rule == kGrowing) v.push_back(v[1] + (v[1] - v[0]) + draw.between(1, 4));
  while (v.size() < 5) v.push_back(following(rule, v, ratio));
  const std::int64_t next = following(rule, v, ratio);
  item.facts.numbers = v;
  item.facts.numbers.insert(item.facts.numbers.begin(), {rule, ratio});
  item.slots.set("list", join(v, ", "));
  item.answer = std::to_string(next);
  if (rule == kTimes) {
    item.say("The steps grow fast, so I try factors.");
    for (std::size_t i = 1; i < v.size(); ++i) {
      item.equation("", fmt::format("{} / {}", v[i], v[i - 1]), ratio);
    }
    item.equation(fmt::format("The factor is always {}. ", ratio),
                  fmt::format("{} * {}", v[4], ratio), next);
    return;
  }
  item.say("I look at the differences.");
  std::vector<std::int64_t> d;
  for (std::size_t i = 1; i < v.size(); ++i) {
    d.push_back(v[i] - v[i - 1]);
    item.equation("", fmt::format("{} - {}", v[i], v[i - 1]), d.back());
  }
  if (rule == kConstant) {
    item.equation(fmt::format("It is always {}. ", d[0]), fmt::format("{} + {}", v[4], d[0]), next);
  } else if (rule == kGrowing) {
    item.equation("The differences grow by ", fmt::format("{} - {}", d[1], d[0]), d[1] - d[0]);
    item.equation("The next one is ", fmt::format("{} + {}", d[3], d[1] - d[0]),
                  d[3] + d[1] - d[0]);
    item.equation("", fmt::format("{} + {}", v[4], d[3] + d[1] - d[0]), next);
  } else {
    item.say(fmt::format("They repeat the sequence: {} + {} = {}.", v[0], v[1], v[2]));
    item.equation("Each number is the sum of the two before. ", fmt::format("{} + {}", v[3], v[4]),
                  next);
  }
}

bool verify_sequence(const Facts& facts, std::string_view answer) {
  const std::vector<std::int64_t> v(facts.numbers.begin() + 2, facts.numbers.end());
  return is_integer_answer(answer,
                           following(static_cast<Rule>(facts.numbers[0]), v, facts.numbers[1]));
}

constexpr Template kSystemTemplates[] = {
    {kPlain, "Solve for x and y: {e1} and {e2}. Answer like x = 1, y = 2."},
    {kPlain, "Find x and y with {e1} and {e2}. Answer like x = 1, y = 2."},
    {kPlain, "Two equations: {e1}, {e2}. What are x and y? Answer like x = 1, y = 2."},
    {kSchool, "On the board stand {e1} and {e2}. Solve them. Answer like x = 1, y = 2."},
    {kSchool, "{name} must solve {e1} and {e2}. What should {he} write, like x = 1, y = 2?"},
    {kShop, "A riddle in the shop: {e1} and {e2}. Find x and y, like x = 1, y = 2."},
    {kShop,
     "One {thing} costs x coins, one {thing2} costs y coins. {e1} and {e2}. Answer like x = 1, y "
     "= 2."},
    {kFarm, "x sheep and y hens: {e1} and {e2}. How many are there? Answer like x = 1, y = 2."},
    {kTravel, "The lock opens with x and y, where {e1} and {e2}. Answer like x = 1, y = 2."},
    {kPlain, "Which x and y make both {e1} and {e2} true? Answer like x = 1, y = 2."},
    {kHarbour, "The captain's riddle: {e1} and {e2}. Answer like x = 1, y = 2."},
};

std::string linear(std::int64_t a, std::int64_t b, std::int64_t c) {
  const auto times = [](std::int64_t n, char x) {
    return n == 1 ? std::string(1, x) : fmt::format("{}{}", n, x);
  };
  return fmt::format("{} {} {} = {}", times(a, 'x'), b < 0 ? '-' : '+', times(b < 0 ? -b : b, 'y'),
                     c);
}

void make_system(Item& item) {
  constexpr struct {
    std::int64_t factor, solution;
  } kLevels[] = {{1, 20}, {3, 12}, {5, 12}, {9, 15}};
  const auto [factor, solution] = at_level(kLevels, item.level);
  Draw& draw = item.draw;
  const std::int64_t x = draw.between(1, solution), y = draw.between(1, solution);
  // The second factor of y is the first one's opposite or multiple, so that one equation added to
  // the other, some times over, leaves x alone.
  const std::int64_t a = draw.between(1, factor), b = draw.between(1, factor),
                     d = draw.between(1, factor);
  const std::int64_t times = item.level <= 2 ? 1 : draw.between(1, 3);
  const std::int64_t c1 = a * x + b * y, c2 = d * x - b * times * y;
  item.slots.set("e1", linear(a, b, c1));
  item.slots.set("e2", linear(d, -b * times, c2));
  item.facts.numbers = {a, b, c1, d, -b * times, c2};
  item.answer = fmt::format("x = {}, y = {}", x, y);
  item.say(item.draw.one_of({"I want to get rid of y.", "Let me remove y first."}));
  if (times > 1) {
    item.say(
        fmt::format("{} times the first: {}.", times, linear(a * times, b * times, c1 * times)));
  }
  item.say("I add the equations.");
  const std::int64_t left = a * times + d, right = c1 * times + c2;
  item.equation("The factor of x: ", fmt::format("{} + {}", a * times, d), left);
  item.equation(
      "The right side: ",
      c2 < 0 ? fmt::format("{} - {}", c1 * times, -c2) : fmt::format("{} + {}", c1 * times, c2),
      right);
  item.equation("x: ", fmt::format("{} / {}", right, left), x);
  item.equation("Into the first: ", fmt::format("{} - {} * {}", c1, a, x), c1 - a * x);
  item.equation("y: ", fmt::format("{} / {}", c1 - a * x, b), y);
}

// "x = 1, y = 2" or "1, 2".
bool verify_system(const Facts& facts, std::string_view answer) {
  const auto parts = parse_list(answer, 2);
  if (!parts || parts->size() != 2) return false;
  std::int64_t values[2] = {};
  for (std::size_t i = 0; i < 2; ++i) {
    std::string_view part = (*parts)[i];
    const std::string_view name = i == 0 ? "x" : "y";
    if (const std::size_t equals = part.find('='); equals != std::string_view::npos) {
      if (trim_answer(part.substr(0, equals)) != name) return false;
      part.remove_prefix(equals + 1);
    }
    const auto value = parse_integer(part);
    // Far beyond every solution, and small enough for the products below.
    if (!value || *value > 1'000'000 || *value < -1'000'000) return false;
    values[i] = *value;
  }
  const auto& n = facts.numbers;
  return n[0] * values[0] + n[1] * values[1] == n[2] && n[3] * values[0] + n[4] * values[1] == n[5];
}

struct Unit {
  std::string_view small, large;
  std::int64_t factor;
};
constexpr Unit kUnits[] = {{"minutes", "hours", 60},
                           {"seconds", "minutes", 60},
                           {"hours", "days", 24},
                           {"days", "weeks", 7},
                           {"millimetres", "centimetres", 10},
                           {"centimetres", "metres", 100},
                           {"metres", "kilometres", 1000},
                           {"grams", "kilograms", 1000},
                           {"cents", "dollars", 100},
                           {"inches", "feet", 12},
                           {"feet", "yards", 3},
                           {"months", "years", 12},
                           {"ounces", "pounds", 16}};

constexpr Template kUnitTemplates[] = {
    {kPlain, "How many {to} are {q} {from}?"},
    {kPlain, "Convert {q} {from} to {to}."},
    {kPlain, "Write {q} {from} in {to}."},
    {kSchool, "{name} must give {q} {from} in {to}. What should {he} write?"},
    {kSchool, "In the test: {q} {from} = ? {to}"},
    {kShop, "A label says {q} {from}. How many {to} is that?"},
    {kKitchen, "The recipe says {q} {from}, but {name} needs {to}. How many is it?"},
    {kFarm, "The farm's book says {q} {from}. Write it in {to}."},
    {kTravel, "The guide says {q} {from}. How many {to} is that?"},
    {kPlain, "{q} {from} are how many {to}?"},
    {kHarbour, "The captain notes {q} {from}. How many {to} is that?"},
};

void make_unit(Item& item) {
  constexpr std::int64_t kMost[] = {5, 12, 40, 150, 600};
  const Unit& unit = item.draw.pick(std::span<const Unit>(kUnits));
  const std::int64_t n = item.draw.between(2, at_level(kMost, item.level));
  const bool down = item.draw.chance(50);
  const std::int64_t given = down ? n : n * unit.factor, result = down ? n * unit.factor : n;
  item.slots.set("q", given);
  item.slots.set("from", down ? unit.large : unit.small);
  item.slots.set("to", down ? unit.small : unit.large);
  item.facts.numbers = {given, unit.factor, down ? 1 : 0};
  item.facts.words = {std::string(down ? unit.large : unit.small),
                      std::string(down ? unit.small : unit.large)};
  item.answer = std::to_string(result);
  std::string one(unit.large == "feet" ? "foot" : unit.large.substr(0, unit.large.size() - 1));
  item.choice(fmt::format("One {} has ", one), std::to_string(unit.factor),
              std::to_string(near_miss(item.draw, unit.factor)), fmt::format(" {}.", unit.small));
  item.equation(down ? "I multiply: " : "I divide: ",
                fmt::format("{} {} {}", given, down ? '*' : '/', unit.factor), result);
}

bool verify_unit(const Facts& facts, std::string_view answer) {
  const auto& n = facts.numbers;
  const auto right = n[2] != 0 ? multiply(n[0], n[1]) : divide(n[0], n[1]);
  return right && parse_number(answer) == right;
}

constexpr Template kChangeTemplates[] = {
    {kShop, "What is the smallest number of coins for {n} cents, with coins of {coins} cents?"},
    {kShop,
     "{name} pays exactly {n} cents with as few coins as possible. There are coins of {coins} "
     "cents. How many coins does {he} need?"},
    {kPlain, "Coins are worth {coins}. How few coins make {n}?"},
    {kPlain,
     "Make {n} from {coins}, each as often as you like, with as few pieces as possible. How many "
     "pieces are needed?"},
    {kSchool,
     "{name} weighs {n} grams with weights of {coins} grams, as few as possible. How many "
     "weights does {he} take?"},
    {kKitchen,
     "The cook measures {n} grams with weights of {coins} grams. How many weights are needed "
     "at least?"},
    {kTravel,
     "A ticket costs {n} cents. The machine takes coins of {coins} cents. How many coins are "
     "needed at least?"},
    {kFarm,
     "Sacks hold {coins} kilos. {n} kilos must be packed into full sacks. What is the least "
     "number of sacks?"},
    {kShop,
     "Give {n} cents of change with the fewest coins. Coins: {coins}. How many coins is that?"},
    {kPlain, "With pieces of {coins}, how many do you need at least for exactly {n}?"},
    {kHarbour, "A crane lifts {n} tons with weights of {coins} tons. How few weights balance it?"},
};

// Sets where taking the largest coin first is always best.
constexpr std::array<std::int64_t, 4> kCoinSets[] = {
    {1, 5, 10, 25}, {1, 2, 5, 10}, {1, 5, 10, 50}, {1, 2, 10, 50}, {1, 3, 9, 27}};

void make_change(Item& item) {
  constexpr std::int64_t kMost[] = {20, 60, 120, 250, 600};
  const auto& coins = item.draw.pick(std::span<const std::array<std::int64_t, 4>>(kCoinSets));
  const std::int64_t n = item.draw.between(3, at_level(kMost, item.level));
  item.slots.set("n", n);
  item.slots.set("coins", join_and(std::vector<std::string>{
                              std::to_string(coins[0]), std::to_string(coins[1]),
                              std::to_string(coins[2]), std::to_string(coins[3])}));
  item.facts.numbers = {n, coins[0], coins[1], coins[2], coins[3]};
  item.say("I take the largest first.");
  std::int64_t rest = n, total = 0;
  for (std::size_t i = coins.size(); i-- > 0 && rest > 0;) {
    const std::int64_t many = rest / coins[i];
    if (many == 0) continue;
    item.equation("", fmt::format("{} - {} * {}", rest, many, coins[i]), rest - many * coins[i]);
    if (total > 0) item.equation("Pieces: ", fmt::format("{} + {}", total, many), total + many);
    rest -= many * coins[i];
    total += many;
  }
  item.answer = std::to_string(total);
}

bool verify_change(const Facts& facts, std::string_view answer) {
  std::int64_t rest = facts.numbers[0], total = 0;
  for (std::size_t i = facts.numbers.size(); i-- > 1;) {
    total += rest / facts.numbers[i];
    rest %= facts.numbers[i];
  }
  return is_integer_answer(answer, total);
}

}  // namespace

constinit const Family kNumberSequence = {"number_sequence",
                                          "numbers",
                                          "the next number of a sequence",
                                          5,
                                          Use::kExtra,
                                          kSequenceTemplates,
                                          make_sequence,
                                          verify_sequence};
constinit const Family kLinearSystem = {
    "linear_system", "algebra",        "two unknowns", 4,
    Use::kExtra,     kSystemTemplates, make_system,    verify_system};
constinit const Family kUnitConversion = {"unit_conversion",
                                          "numbers",
                                          "lengths, weights, times in other units",
                                          5,
                                          Use::kExtra,
                                          kUnitTemplates,
                                          make_unit,
                                          verify_unit};
constinit const Family kMakeChange = {"make_change",
                                      "search",
                                      "an amount from the fewest coins",
                                      5,
                                      Use::kExtra,
                                      kChangeTemplates,
                                      make_change,
                                      verify_change};

}  // namespace sputnik::tasks
