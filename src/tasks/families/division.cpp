// Division: with a remainder, into primes, and again and again for another base.
#include "tasks/families/columns.h"
#include "tasks/families/families.h"
#include "tasks/final_answer.h"

namespace sputnik::tasks {
namespace {

constexpr Template kLongDivisionTemplates[] = {
    {kPlain, "Divide {a} by {b}. Give the quotient and the remainder, like 4 remainder 1."},
    {kPlain, "What is {a} / {b}? Answer with quotient and remainder, like 4 remainder 1."},
    {kPlain, "How often does {b} go into {a}, and what is left? Answer like 4 remainder 1."},
    {kSchool,
     "{a} {things} are shared equally by {b} children. How many does each get, and how many "
     "are left? Answer like 4 remainder 1."},
    {kPlain, "Work out {a} divided by {b} with remainder. Answer like 4 remainder 1."},
    {kShop,
     "{a} {things} are packed in boxes of {b}. How many full boxes are there, and how many "
     "{things} are left? Answer like 4 remainder 1."},
    {kFarm,
     "{a} {things} are planted in rows of {b}. How many full rows are there, and how many are "
     "left over? Answer like 4 remainder 1."},
    {kKitchen,
     "{name} puts {a} {things} on plates, {b} on each. How many full plates, and how many "
     "{things} are left? Answer like 4 remainder 1."},
    {kTravel,
     "{a} people get into cars for {b}. How many cars are full, and how many people are left? "
     "Answer like 4 remainder 1."},
    {kPlain, "Compute {a} : {b} as quotient and remainder, like 4 remainder 1."},
    {kHarbour,
     "{a} {things} go on boats, {b} on each. How many boats are full, and how many {things} "
     "are left? Answer like 4 remainder 1."},
};

void make_long_division(Item& item) {
  constexpr struct {
    int digits;
    std::int64_t largest;
  } kLevels[] = {{2, 9}, {3, 9}, {4, 9}, {4, 25}, {5, 60}, {6, 99}};
  const auto [digits, largest] = at_level(kLevels, item.level);
  const std::int64_t a = number_with_digits(item.draw, digits), b = item.draw.between(2, largest);
  item.slots.set("a", a);
  item.slots.set("b", b);
  item.facts.numbers = {a, b};
  item.answer = fmt::format("{} remainder {}", a / b, a % b);
  item.say(fmt::format("I divide {} by {}, digit by digit.", a, b));
  const std::vector<int> reversed = digits_of(a);
  std::int64_t rest = 0;
  for (std::size_t i = reversed.size(); i-- > 0;) {
    const std::int64_t now = 10 * rest + reversed[i], q = now / b;
    rest = now % b;
    item.step(fmt::format("{} = {} * {} + {}, write {}.", now, q, b, rest, q),
              fmt::format("{} = {} * {} + {}.", now, q, b, near_miss(item.draw, rest)),
              fmt::format("{} * {} = {}, so that is wrong.", q, b, q * b));
  }
  item.say(fmt::format("{} = {} * {} + {}.", a, a / b, b, a % b));
}

// "q remainder r", "q r r" or "q, r".
bool verify_long_division(const Facts& facts, std::string_view answer) {
  std::string text = lower_case(trim_answer(answer));
  for (const std::string_view between : {" remainder ", " r ", ", "}) {
    const std::size_t at = text.find(between);
    if (at == std::string::npos) continue;
    const auto q = parse_integer(std::string_view(text).substr(0, at));
    const auto r = parse_integer(std::string_view(text).substr(at + between.size()));
    return q == facts.numbers[0] / facts.numbers[1] && r == facts.numbers[0] % facts.numbers[1];
  }
  return false;
}

constexpr Template kPrimeTemplates[] = {
    {kPlain, "Write {n} as a product of primes."},
    {kPlain, "What is the prime factorisation of {n}?"},
    {kPlain, "Factor {n} into prime numbers, like 2 * 2 * 3."},
    {kSchool, "{name} must split {n} into prime factors. What should {he} write?"},
    {kSchool, "The teacher asks for the primes whose product is {n}. Write the product."},
    {kPlain, "Find the prime factors of {n}. Write them with * between them."},
    {kShop,
     "A shop packs {n} {things} in boxes in boxes, each step a prime number. Write {n} as a "
     "product of primes."},
    {kFarm, "{n} {things} stand in blocks. Write {n} as a product of primes."},
    {kTravel, "The code is the prime factorisation of {n}. Write it."},
    {kPlain, "Decompose {n} into primes."},
    {kHarbour, "The lighthouse blinks the prime factors of {n}. Write them as a product."},
};

void make_prime_factors(Item& item) {
  constexpr std::int64_t kLargest[] = {40, 100, 300, 999, 3000};
  std::int64_t n = item.draw.between(4, at_level(kLargest, item.level));
  item.slots.set("n", n);
  item.facts.numbers = {n};
  item.say(item.draw.one_of({fmt::format("I divide {} by primes, small ones first.", n),
                             fmt::format("Let me split {}.", n)}));
  std::vector<std::int64_t> primes;
  for (std::int64_t p = 2; p * p <= n; ++p) {
    while (n % p == 0) {
      item.equation("", fmt::format("{} / {}", n, p), n / p);
      primes.push_back(p);
      n /= p;
    }
  }
  if (n > 1) {
    item.choice(fmt::format("{} ", n), "is a prime", "is no prime");
    primes.push_back(n);
  }
  item.answer = join(primes, " * ");
}

bool is_prime(std::int64_t n) {
  if (n < 2) return false;
  for (std::int64_t p = 2; p * p <= n; ++p) {
    if (n % p == 0) return false;
  }
  return true;
}

bool verify_prime_factors(const Facts& facts, std::string_view answer) {
  std::int64_t rest = facts.numbers[0];
  std::string_view text = trim_answer(answer);
  while (true) {
    const std::size_t star = text.find('*');
    const auto p = parse_integer(text.substr(0, star));
    // Only a factor of what is left is looked at, so the trial divisions are few.
    if (!p || *p < 2 || *p > rest || rest % *p != 0 || !is_prime(*p)) return false;
    rest /= *p;
    if (star == std::string_view::npos) return rest == 1;
    text.remove_prefix(star + 1);
  }
}

constexpr Template kBaseTemplates[] = {
    {kPlain, "Write the decimal number {n} in base {b}."},
    {kPlain, "Convert {n} from base 10 to base {b}."},
    {kPlain, "What is {n} in base {b}?"},
    {kPlain, "How do you write {n} with base {b}?"},
    {kSchool, "{name} learns number systems. How does {he} write {n} in base {b}?"},
    {kSchool, "On the board stands {n}. Write it in base {b}."},
    {kShop, "A shop numbers its {things} in base {b}. What is written on number {n}?"},
    {kFarm, "A farmer counts in base {b}. How does he write {n}?"},
    {kTravel, "In a far country people count in base {b}. How do they write {n}?"},
    {kPlain, "Give the base {b} form of {n}."},
    {kHarbour, "The flags show numbers in base {b}. How do they show {n}?"},
};

std::string in_base(std::int64_t n, std::int64_t base) {
  std::string digits;
  do {
    digits.insert(digits.begin(), "0123456789abcdef"[n % base]);
    n /= base;
  } while (n != 0);
  return digits;
}

void make_base_conversion(Item& item) {
  constexpr std::int64_t kBases[] = {2, 2, 3, 8, 5, 16};
  constexpr struct {
    std::size_t bases;
    std::int64_t largest;
  } kLevels[] = {{1, 20}, {3, 60}, {4, 150}, {5, 400}, {6, 999}};
  const auto [bases, largest] = at_level(kLevels, item.level);
  const std::int64_t base = kBases[item.draw.index(bases)];
  std::int64_t n = item.draw.between(base, largest);
  item.slots.set("n", n);
  item.slots.set("b", base);
  item.facts.numbers = {n, base};
  item.answer = in_base(n, base);
  item.say(fmt::format("I divide by {} and keep the rests.", base));
  while (n > 0) {
    const std::int64_t q = n / base, rest = n % base;
    item.step(fmt::format("{} = {} * {} + {}.", n, q, base, rest),
              fmt::format("{} = {} * {} + {}.", n, q, base, near_miss(item.draw, rest)),
              fmt::format("{} * {} = {}, let me do it again.", q, base, q * base));
    n = q;
  }
  item.say("I read the rests from the last to the first.");
}

bool verify_base_conversion(const Facts& facts, std::string_view answer) {
  return is_word_answer(answer, in_base(facts.numbers[0], facts.numbers[1]));
}

}  // namespace

constinit const Family kLongDivision = {
    "long_division", "arithmetic",           "quotient and remainder", 6,
    Use::kExtra,     kLongDivisionTemplates, make_long_division,       verify_long_division};
constinit const Family kPrimeFactors = {"prime_factors",
                                        "numbers",
                                        "a number as a product of primes",
                                        5,
                                        Use::kExtra,
                                        kPrimeTemplates,
                                        make_prime_factors,
                                        verify_prime_factors};
constinit const Family kBaseConversion = {
    "base_conversion", "numbers",      "decimal to another base", 5,
    Use::kExtra,       kBaseTemplates, make_base_conversion,      verify_base_conversion};

}  // namespace sputnik::tasks
