// Countdown: make a target from given numbers, each used once. And its special case, the game
// of 24. The thought tries combinations, shows dead ends, and stops at the first one that fits.
#include "tasks/arithmetic.h"
#include "tasks/families/columns.h"
#include "tasks/families/families.h"
#include "tasks/final_answer.h"

namespace sputnik::tasks {
namespace {

constexpr Template kTemplates[] = {
    {kPlain, "Use the numbers {n} to make {t}. Use each number [once|exactly once]."},
    {kPlain, "Make {t} from {n}. You may use + - * / and brackets, and each number exactly once."},
    {kPlain, "Find an expression with the numbers {n}, each used once, that equals {t}."},
    {kPlain, "Numbers: {n}. Target: {t}. Write an expression that uses every number once."},
    {kPlain, "How can you get {t} from {n} with + - * /, using each number once?"},
    {kPlain, "Combine {n} with + - * / so that the result is {t}. Each number is used once."},
    {kPlain, "The target is {t}. The numbers are {n}. Use all of them once to reach the target."},
    {kPlain, "Countdown: reach {t} with {n}. Every number must be used exactly once."},
    {kPlain, "Write {t} as an expression of {n}. Each number [appears|stands in it] once."},
    {kPlain, "Which expression of the numbers {n}, each one once, has the value {t}?"},
    {kPlain, "Put + - * / and brackets between {n}, in any order, to get {t}."},
    {kSchool,
     "The teacher gives {name} the numbers {n}. {He} should make {t}, using each number once. "
     "Show an expression."},
    {kSchool,
     "{name} and {name2} play countdown. The numbers are {n}, the target is {t}. Each number "
     "is used once. Write a solution."},
    {kSchool,
     "In a maths game {name} must build {t} out of {n}, each number once. What can {he} "
     "write?"},
    {kSchool, "Homework: use {n} once each to make {t}. Write the expression."},
    {kSchool, "On the board stand the numbers {n}. Make {t} from them, each used once."},
    {kShop,
     "A lock in a shop opens if you write {t} with the numbers {n}, each used once. What do you "
     "write?"},
    {kShop, "{name} has number cards {n} from the toy shop. Use each card once to make {t}."},
    {kShop, "The prices are {n}. Combine them, each once, with + - * / to get {t}."},
    {kShop, "A riddle on a {thing}: make {t} from {n}, each number once. Solve it."},
    {kShop, "For a prize, write {t} with the numbers {n}. Each is used exactly once."},
    {kFarm, "The gate code of the farm is {t}. Make it from {n}, each number used once."},
    {kFarm, "{name} paints the numbers {n} on {things}. Combine all of them once to get {t}."},
    {kFarm,
     "The rows hold {n} {things}. Write an expression of these numbers, each once, that is {t}."},
    {kFarm, "A farmer's riddle: get {t} from {n} with + - * /, each number once."},
    {kKitchen, "On the fridge are magnets with {n}. Make {t} with them, each used once."},
    {kKitchen, "{name} writes {n} with sugar on a cake. Use each number once to make {t}."},
    {kKitchen, "The oven's timer must show {t}. Write it with {n}, each number once."},
    {kKitchen,
     "While the soup cooks, {name} tries to make {t} from {n}, each number once. Help {him}."},
    {kKitchen, "Bowls are marked {n}. Which expression of all these numbers, each once, is {t}?"},
    {kTravel,
     "On the bus {name} plays with the numbers {n}. {He} wants {t} and may use each once. "
     "What works?"},
    {kTravel, "Seats {n} are free. Combine the numbers, each once, to get {t}."},
    {kTravel, "The ticket shows {n}. Make {t} of these numbers, each one once."},
    {kTravel, "A safe in the hotel opens with {t}, written with {n}, each used once. Write it."},
    {kTravel, "{name} sees the road signs {n}. Use all of them once to make {t}."},
    {kHarbour, "The boats carry the numbers {n}. Make {t} from them, each used once."},
    {kHarbour,
     "The captain's riddle: reach {t} with {n}, every number once. Write the expression."},
    {kHarbour, "Crates are marked {n}. Use each mark once to write {t}."},
    {kHarbour, "On the pier {name} must make {t} from {n}, each number once. How?"},
};

constexpr Template kGame24Templates[] = {
    {kPlain, "Make 24 from {n}. Use each number once."},
    {kPlain, "Game of 24: the cards are {n}. Write an expression that is 24."},
    {kPlain, "Combine {n} with + - * / and brackets to get 24. Each number is used once."},
    {kSchool, "{name} holds the cards {n}. How can {he} make 24, using each card once?"},
    {kSchool, "Find an expression of {n}, each number once, that equals 24."},
    {kTravel, "On the train {name} and {name2} play the game of 24 with {n}. What is a solution?"},
    {kShop, "The cards on the table are {n}. Use all four once to reach 24."},
    {kKitchen, "{name} writes {n} on paper. Use each once and make 24."},
    {kFarm, "Use the four numbers {n}, each once, to write 24."},
    {kPlain, "Which expression of {n}, each used once, has the value 24?"},
    {kHarbour, "The sailors play the game of 24. The cards are {n}. Solve it."},
};

struct Part {
  std::int64_t value;
  std::string text;
  int strength;  // of its outermost operation: 1 sums, 2 products, 3 a number
};

struct Move {
  std::int64_t a, b, result;
  char op;
};

// a op b, where it stays a whole number that is not negative.
std::optional<std::int64_t> apply(char op, std::int64_t a, std::int64_t b) {
  switch (op) {
    case '+':
      return a + b;
    case '-':
      return a >= b ? std::optional(a - b) : std::nullopt;
    case '*':
      return a * b;
    default:
      return b != 0 && a % b == 0 ? std::optional(a / b) : std::nullopt;
  }
}

std::string in_words(const Move& move) {
  return fmt::format("{} {} {}", move.a, move.op, move.b);
}

std::string bracketed(const Part& part, bool brackets) {
  return brackets ? "(" + part.text + ")" : part.text;
}

Part combine(char op, const Part& a, const Part& b, std::int64_t value) {
  const int strength = op == '+' || op == '-' ? 1 : 2;
  const bool right_tie = b.strength == strength && (op == '-' || op == '/');
  return {value,
          fmt::format("{} {} {}", bracketed(a, a.strength < strength), op,
                      bracketed(b, b.strength < strength || right_tie)),
          strength};
}

struct Attempt {
  std::vector<Move> moves;
  Part result;
};

// Random moves until one number is left; none if it ran into a dead end or grew beyond limit.
std::optional<Attempt> attempt(Draw& draw, const std::vector<std::int64_t>& numbers,
                               std::int64_t limit) {
  std::vector<Part> parts;
  for (const std::int64_t number : numbers) parts.push_back({number, std::to_string(number), 3});
  Attempt result;
  while (parts.size() > 1) {
    draw.shuffle(parts);
    const Part b = parts.back();
    parts.pop_back();
    const Part a = parts.back();
    parts.pop_back();
    const char op = "++--**/"[draw.index(7)];
    const auto value = apply(op, a.value, b.value);
    if (!value || *value > limit || *value == 0) return std::nullopt;
    result.moves.push_back({a.value, b.value, *value, op});
    parts.push_back(combine(op, a, b, *value));
  }
  result.result = parts[0];
  return result;
}

// With three numbers: one move, then everything that the result and the third number give.
std::optional<std::string> dead_end_of_three(Item& item, const Attempt& dead, std::int64_t target) {
  const Move& last = dead.moves[1];
  const std::int64_t first = dead.moves[0].result;
  const std::int64_t third = last.a == first ? last.b : last.a;
  std::string line = fmt::format("Try {} = {}, {} is left.", in_words(dead.moves[0]), first, third);
  const std::int64_t high = std::max(first, third), low = std::min(first, third);
  for (const char op : {'+', '-', '*', '/'}) {
    if (const auto value = apply(op, high, low)) {
      if (*value == target) return std::nullopt;  // no dead end

      line += fmt::format(" {} {} {} = {}.", high, op, low, *value);
    }
  }
  return line + item.draw.one_of({" No.", " Not it.", " None is right."});
}

std::string dead_end(Item& item, const Attempt& dead) {
  std::string line = "Try";
  for (const Move& move : dead.moves) line += fmt::format(" {} = {},", in_words(move), move.result);
  return line + item.draw.one_of({" no.", " not it.", " that fails."});
}

void solve(Item& item, const std::vector<std::int64_t>& numbers, std::int64_t target,
           const Attempt& solution, std::int64_t limit) {
  const std::string list = join(numbers, ", ");
  item.say(item.draw.one_of({fmt::format("I have {} and want {}.", list, target),
                             fmt::format("The target is {}, the numbers are {}.", target, list),
                             fmt::format("I need {} from {}. Let me try.", target, list)}));
  // Fewer dead ends where the numbers are many: each is longer.
  std::int64_t n_dead = item.draw.between(0, 3);
  for (int tries = 0; tries < 50 && n_dead > 0; ++tries) {
    const auto dead = attempt(item.draw, numbers, limit);
    if (!dead || dead->result.value == target) continue;
    const auto line = numbers.size() == 3 ? dead_end_of_three(item, *dead, target)
                                          : std::optional(dead_end(item, *dead));
    // Nobody tries the same thing twice; the closing words may differ.
    const auto tried = [&](const Step& step) {
      return step.text.substr(0, step.text.find(',')) == line->substr(0, line->find(','));
    };
    if (!line || std::any_of(item.steps.begin(), item.steps.end(), tried)) continue;
    item.say(*line);
    --n_dead;
  }
  for (std::size_t i = 0; i < solution.moves.size(); ++i) {
    const Move& move = solution.moves[i];
    const bool last = i + 1 == solution.moves.size();
    item.equation(i == 0 ? "Try " : "Then ", in_words(move), move.result,
                  last ? item.draw.one_of({". That is it.", ". Yes.", ". That works."}) : ".");
  }
  item.answer = solution.result.text;
}

void make_countdown(Item& item) {
  constexpr struct {
    std::size_t count;
    std::int64_t largest, limit;
  } kLevels[] = {{3, 9, 60}, {3, 25, 120}, {4, 9, 100}, {4, 25, 250}, {5, 25, 400}, {6, 50, 999}};
  const auto [count, largest, limit] = at_level(kLevels, item.level);
  std::vector<std::int64_t> numbers;
  std::optional<Attempt> solution;
  while (!solution || solution->result.value < 5) {
    numbers.clear();
    for (std::size_t i = 0; i < count; ++i) numbers.push_back(item.draw.between(1, largest));
    solution = attempt(item.draw, numbers, limit);
  }
  const std::int64_t target = solution->result.value;
  item.slots.set("n", join(numbers, ", "));
  item.slots.set("t", target);
  item.facts.numbers = numbers;
  item.facts.numbers.insert(item.facts.numbers.begin(), target);
  solve(item, numbers, target, *solution, limit);
}

void make_game24(Item& item) {
  constexpr std::int64_t kLargest[] = {6, 9, 11, 13};
  constexpr std::int64_t kTarget = 24, kLimit = 200;
  std::vector<std::int64_t> numbers(4);
  std::optional<Attempt> solution;
  while (!solution || solution->result.value != kTarget) {
    for (std::int64_t& number : numbers)
      number = item.draw.between(1, at_level(kLargest, item.level));
    solution = attempt(item.draw, numbers, kLimit);
  }
  item.slots.set("n", join(numbers, ", "));
  item.facts.numbers = {kTarget};
  item.facts.numbers.insert(item.facts.numbers.end(), numbers.begin(), numbers.end());
  solve(item, numbers, kTarget, *solution, kLimit);
}

// facts.numbers: the target, then the numbers.
bool verify(const Facts& facts, std::string_view answer) {
  std::string_view text = trim_answer(answer);
  const std::int64_t target = facts.numbers[0];
  // "(3 + 5) * 2 = 16" says the same, if the right side is the target and nothing else.
  if (const std::size_t equals = text.find('='); equals != std::string_view::npos) {
    if (!is_integer_answer(text.substr(equals + 1), target)) return false;
    text = text.substr(0, equals);
  }
  auto given = evaluate_arithmetic(text, Signs::kRefused);
  if (!given || given->value != Rational(target)) return false;
  std::vector<std::int64_t> numbers(facts.numbers.begin() + 1, facts.numbers.end());
  std::sort(numbers.begin(), numbers.end());
  std::sort(given->numbers.begin(), given->numbers.end());
  return given->numbers == numbers;
}

}  // namespace

constinit const Family kCountdown = {"countdown",
                                     "search",
                                     "a target from given numbers, each used once",
                                     6,
                                     Use::kShipped,
                                     kTemplates,
                                     make_countdown,
                                     verify};

constinit const Family kGame24 = {
    "game_of_24", "search", "24 from four numbers", 4, Use::kExtra, kGame24Templates,
    make_game24,  verify};

}  // namespace sputnik::tasks
