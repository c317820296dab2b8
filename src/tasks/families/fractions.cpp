// Fractions: simplified, added, subtracted; and chances with dice, coins and marbles.
#include <numeric>

#include "tasks/families/columns.h"
#include "tasks/families/families.h"
#include "tasks/final_answer.h"

namespace sputnik::tasks {
namespace {

constexpr int kSimplify = 0, kAdd = 1, kSubtract = 2;

constexpr Template kFractionTemplates[] = {
    {kPlain, "Simplify the fraction {x} as far as possible.", kSimplify},
    {kPlain, "What is {x} + {y}?", kAdd},
    {kPlain, "What is {x} - {y}?", kSubtract},
    {kPlain, "Write {x} in lowest terms.", kSimplify},
    {kPlain, "Add the fractions {x} and {y}.", kAdd},
    {kSchool, "{name} must add {x} and {y}. What is the sum?", kAdd},
    {kSchool, "The teacher writes {x}. Write it with the smallest numbers possible.", kSimplify},
    {kKitchen,
     "{name} has {x} of a cake and gives away {y} of a cake. What part of a cake is left?",
     kSubtract},
    {kKitchen, "A recipe needs {x} cups of milk and {y} cups of water. How many cups is that?",
     kAdd},
    {kPlain, "Subtract {y} from {x}.", kSubtract},
    {kTravel, "{name} walked {x} miles and then {y} miles. How many miles is that?", kAdd},
    {kShop, "A ribbon of {x} metres is cut; {y} metres are sold. How many metres are left?",
     kSubtract},
    {kHarbour, "A barrel is filled to {x}. {y} of the barrel is used. How full is it now?",
     kSubtract},
    {kHarbour, "The tide rose {x} metres and then {y} metres. How much is that?", kAdd},
    {kFarm, "One field is {x} of the farm, another is {y}. What part are both together?", kAdd},
};

std::string fraction(std::int64_t top, std::int64_t bottom) {
  return bottom == 1 ? std::to_string(top) : fmt::format("{}/{}", top, bottom);
}

// Divides top and bottom by their gcd, said aloud. Sets the answer.
void reduce(Item& item, std::int64_t top, std::int64_t bottom) {
  const std::int64_t divisor = std::gcd(top, bottom);
  if (divisor > 1) {
    item.say(fmt::format("Both can be divided by {}.", divisor));
    item.equation("", fmt::format("{} / {}", top, divisor), top / divisor);
    item.equation("", fmt::format("{} / {}", bottom, divisor), bottom / divisor);
  } else {
    item.say(fmt::format("{} and {} have no common divisor.", top, bottom));
  }
  item.answer = fraction(top / divisor, bottom / divisor);
}

void make_fractions(Item& item) {
  constexpr std::int64_t kLargest[] = {5, 9, 12, 20, 40};
  const std::int64_t largest = at_level(kLargest, item.level);
  Draw& draw = item.draw;
  std::int64_t b = draw.between(2, largest), a = draw.between(1, b - 1);
  if (item.form.tag == kSimplify) {
    const std::int64_t factor = draw.between(2, largest);
    item.slots.set("x", fmt::format("{}/{}", a * factor, b * factor));
    item.facts.numbers = {kSimplify, a * factor, b * factor, 0, 1};
    item.say(fmt::format("I look for numbers that divide {} and {}.", a * factor, b * factor));
    item.choice(fmt::format("The gcd of {} and {} is ", a * factor, b * factor),
                std::to_string(std::gcd(a, b) * factor),
                std::to_string(std::gcd(a, b) * factor + 1));
    return reduce(item, a * factor, b * factor);
  }
  std::int64_t d = draw.between(2, largest), c = draw.between(1, d - 1);
  const bool subtract = item.form.tag == kSubtract;
  if (subtract && a * d < c * b) {
    std::swap(a, c);
    std::swap(b, d);
  }
  item.slots.set("x", fmt::format("{}/{}", a, b));
  item.slots.set("y", fmt::format("{}/{}", c, d));
  item.facts.numbers = {item.form.tag, a, b, c, d};
  const std::int64_t bottom = std::lcm(b, d), x = a * (bottom / b), y = c * (bottom / d);
  item.say(fmt::format("I have {}/{} and {}/{}.", a, b, c, d));
  item.say(fmt::format("The common denominator is {}.", bottom));
  item.equation("First top: ", fmt::format("{} * {}", a, bottom / b), x);
  item.equation("Second top: ", fmt::format("{} * {}", c, bottom / d), y);
  const std::int64_t top = subtract ? x - y : x + y;
  item.equation("", fmt::format("{} {} {}", x, subtract ? '-' : '+', y), top,
                fmt::format(", so it is {}/{}.", top, bottom));
  reduce(item, top, bottom);
}

bool verify_fractions(const Facts& facts, std::string_view answer) {
  const auto& n = facts.numbers;
  const auto x = Rational::make(n[1], n[2]), y = Rational::make(n[3], n[4]);
  const auto right = n[0] == kSubtract ? subtract(*x, *y) : add(*x, *y);
  // "Lowest terms" is the question itself: only the reduced form answers it.
  if (n[0] == kSimplify) return trim_answer(answer) == to_string(*right);
  return right && parse_number(answer) == right;
}

constexpr int kDice = 0, kCoins = 1, kMarbles = 2;

constexpr Template kProbabilityTemplates[] = {
    {kPlain,
     "Two dice are rolled. What is the probability that the sum is {s}? Answer with a fraction.",
     kDice},
    {kPlain,
     "{n} coins are tossed. What is the probability of exactly {k} heads? Answer with a "
     "fraction.",
     kCoins},
    {kSchool,
     "A bag holds {r} red and {b} blue marbles. What is the probability to draw a red one? "
     "Answer with a fraction.",
     kMarbles},
    {kSchool, "{name} rolls two dice. How likely is a sum of {s}? Answer with a fraction.", kDice},
    {kSchool, "{name} tosses {n} coins. How likely are exactly {k} heads? Answer with a fraction.",
     kCoins},
    {kShop,
     "A shop mixes {r} red and {b} blue {things} in a box. {name} takes one without looking. How "
     "likely is it red? Answer with a fraction.",
     kMarbles},
    {kTravel,
     "On the train {name} rolls two dice. What is the chance for the sum {s}, as a fraction?",
     kDice},
    {kKitchen,
     "A bowl has {r} red and {b} blue sweets. What is the chance to take a red one, as a "
     "fraction?",
     kMarbles},
    {kFarm,
     "In a pen are {r} red and {b} blue hens. One comes out. What is the chance that it is red, "
     "as a fraction?",
     kMarbles},
    {kPlain, "What is the chance of {k} heads in {n} tosses of a coin, as a fraction?", kCoins},
    {kHarbour,
     "A net holds {r} red and {b} blue fish. One jumps out. How likely is it red? Answer with "
     "a fraction.",
     kMarbles},
    {kHarbour,
     "A sailor tosses {n} coins. How likely are exactly {k} heads? Answer with a fraction.",
     kCoins},
    {kHarbour, "A pirate rolls two dice. How likely is the sum {s}? Answer with a fraction.",
     kDice},
};

void make_probability(Item& item) {
  constexpr std::int64_t kMost[] = {3, 4, 5, 6};
  const std::int64_t most = at_level(kMost, item.level);
  Draw& draw = item.draw;
  if (item.form.tag == kDice) {
    const std::int64_t sum = draw.between(2, 12);
    item.slots.set("s", sum);
    item.facts.numbers = {kDice, sum, 0};
    std::vector<std::string> ways;
    for (std::int64_t first = 1; first <= 6; ++first) {
      if (1 <= sum - first && sum - first <= 6) {
        ways.push_back(fmt::format("{} + {}", first, sum - first));
      }
    }
    const auto n = static_cast<std::int64_t>(ways.size());
    item.say("Two dice show one of 6 * 6 = 36 pairs.");
    item.say(fmt::format("The sum {} comes from {}.", sum, join(ways, ", ")));
    item.choice("The number of these ways is ", std::to_string(n), std::to_string(n + 1));
    return reduce(item, n, 36);
  }
  if (item.form.tag == kCoins) {
    const std::int64_t n = draw.between(2, most), k = draw.between(0, n);
    item.slots.set("n", n);
    item.slots.set("k", k);
    item.facts.numbers = {kCoins, n, k};
    std::int64_t total = 1, ways = 1;
    for (std::int64_t i = 0; i < n; ++i) total *= 2;
    for (std::int64_t i = 1; i <= k; ++i) ways = ways * (n - k + i) / i;
    item.choice(fmt::format("{} coins can fall in ", n), std::to_string(total),
                std::to_string(2 * n + 1), " ways.");
    item.choice(fmt::format("To choose {} of {} for heads there are ", k, n), std::to_string(ways),
                std::to_string(ways + 1), ways == 1 ? " way." : " ways.");
    return reduce(item, ways, total);
  }
  const std::int64_t red = draw.between(1, most * 4), blue = draw.between(1, most * 4);
  item.slots.set("r", red);
  item.slots.set("b", blue);
  item.facts.numbers = {kMarbles, red, blue};
  item.equation("In all there are ", fmt::format("{} + {}", red, blue), red + blue);
  item.say(fmt::format("{} of {} are red.", red, red + blue));
  reduce(item, red, red + blue);
}

bool verify_probability(const Facts& facts, std::string_view answer) {
  const auto& n = facts.numbers;
  std::optional<Rational> right;
  if (n[0] == kDice) {
    right = Rational::make(6 - (n[1] > 7 ? n[1] - 7 : 7 - n[1]), 36);
  } else if (n[0] == kCoins) {
    Int128 ways = 1;
    for (std::int64_t i = 1; i <= n[2]; ++i) ways = ways * (n[1] - n[2] + i) / i;
    right = Rational::make(ways, Int128{1} << n[1]);
  } else {
    right = Rational::make(n[1], n[1] + n[2]);
  }
  return right && parse_number(answer) == right;
}

}  // namespace

constinit const Family kFractions = {"fractions",
                                     "numbers",
                                     "fractions simplified, added, subtracted",
                                     5,
                                     Use::kExtra,
                                     kFractionTemplates,
                                     make_fractions,
                                     verify_fractions};
constinit const Family kProbability = {"probability",
                                       "numbers",
                                       "chances with dice, coins and marbles",
                                       4,
                                       Use::kExtra,
                                       kProbabilityTemplates,
                                       make_probability,
                                       verify_probability};

}  // namespace sputnik::tasks
