// Mixed expressions with brackets: the innermost part is worked out, again and again.
#include <memory>

#include "tasks/arithmetic.h"
#include "tasks/families/columns.h"
#include "tasks/families/families.h"
#include "tasks/final_answer.h"

namespace sputnik::tasks {
namespace {

constexpr Template kTemplates[] = {
    {kPlain, "What is {e}?"},
    {kPlain, "[Calculate|Compute|Evaluate|Work out] {e}."},
    {kPlain, "Find the value of {e}."},
    {kPlain, "{e} = ?"},
    {kPlain, "[Tell me|Please tell me] the value of the expression {e}."},
    {kPlain, "How much is {e}?"},
    {kPlain, "Work this out, brackets first: {e}"},
    {kPlain, "Simplify {e} to one number."},
    {kPlain, "What number does {e} give?"},
    {kPlain, "[Solve|Do] this sum: {e}"},
    {kPlain, "Evaluate the expression. {e}"},
    {kSchool, "The teacher writes {e} on the board. What is the result?"},
    {kSchool, "{name} must work out {e} for homework. What should {he} write?"},
    {kSchool, "In a test {name} is asked for the value of {e}. What is it?"},
    {kSchool, "{name} typed {e} into a calculator. What did it show?"},
    {kSchool, "{name} and {name2} race to work out {e}. What is the right answer?"},
    {kSchool, "On a card stands {e}. Which number belongs on the back?"},
    {kShop, "The bill says {e} cents. How many cents is that?"},
    {kShop, "{name} works out a price as {e} coins. How many coins is that?"},
    {kShop, "The shop counts its {things} as {e}. How many are there?"},
    {kShop, "A seller adds up an order: {e}. What is the total?"},
    {kShop, "The price of a {thing} is {e} cents. What is that as one number?"},
    {kFarm, "The farmer counts the {things} like this: {e}. How many {things} are there?"},
    {kFarm, "{name} notes {e} {things} in the farm book. How many is that?"},
    {kFarm, "The number of sacks is {e}. How many sacks are there?"},
    {kFarm, "In the barn there are {e} {things}. Write it as one number."},
    {kKitchen, "A recipe asks for {e} grams of flour. How many grams is that?"},
    {kKitchen, "{name} needs {e} {things}. How many is that?"},
    {kKitchen, "The cook counts {e} plates. How many plates are there?"},
    {kKitchen, "The oven needs {e} minutes. How many minutes is that?"},
    {kTravel, "The trip takes {e} minutes. How many minutes is that?"},
    {kTravel, "{name} works out the distance as {e} miles. How many miles is that?"},
    {kTravel, "The number of {things} is {e}. What is it as one number?"},
    {kTravel, "A code on the {thing} reads {e}. What is its value?"},
    {kTravel, "The lock opens with the value of {e}. What is it?"},
    {kHarbour, "The harbour master counts {e} {things}. How many are there?"},
    {kHarbour, "The captain notes {e} miles. How many miles is that?"},
    {kHarbour, "The tide turns in {e} minutes. How many minutes is that?"},
};

// Leaves hold a value; inner nodes an operation.
struct Node {
  char op = 0;
  std::int64_t value = 0;
  std::unique_ptr<Node> left, right;
};

std::unique_ptr<Node> leaf(std::int64_t value) {
  auto node = std::make_unique<Node>();
  node->value = value;
  return node;
}

int strength(char op) {
  return op == 0 ? 3 : op == '*' ? 2 : 1;
}

std::string print(const Node& node) {
  if (node.op == 0) return std::to_string(node.value);
  const auto side = [&](const Node& part, bool right) {
    const bool brackets = strength(part.op) < strength(node.op) ||
                          (right && part.op != 0 && strength(part.op) == strength(node.op));
    return brackets ? "(" + print(part) + ")" : print(part);
  };
  return fmt::format("{} {} {}", side(*node.left, false), node.op, side(*node.right, true));
}

std::int64_t apply(char op, std::int64_t a, std::int64_t b) {
  return op == '+' ? a + b : op == '-' ? a - b : a * b;
}

std::int64_t value_of(const Node& node) {
  if (node.op == 0) return node.value;
  return apply(node.op, value_of(*node.left), value_of(*node.right));
}

// All intermediate values stay in [0, limit], so that no step is harder than the level means.
std::unique_ptr<Node> grow(Draw& draw, int n_operations, std::int64_t largest, std::int64_t limit) {
  if (n_operations == 0) return leaf(draw.between(1, largest));
  for (;;) {
    auto node = std::make_unique<Node>();
    const int left = static_cast<int>(draw.between(0, n_operations - 1));
    node->op = "+-*"[draw.index(3)];
    node->left = grow(draw, left, largest, limit);
    node->right = grow(draw, n_operations - 1 - left, largest, limit);
    const std::int64_t value = value_of(*node);
    if (0 <= value && value <= limit) return node;
  }
}

// The first operation from the left whose two sides are numbers.
Node* innermost(Node& node) {
  if (node.op == 0) return nullptr;
  if (Node* inner = innermost(*node.left)) return inner;
  if (Node* inner = innermost(*node.right)) return inner;
  return &node;
}

void make(Item& item) {
  constexpr struct {
    int operations;
    std::int64_t largest, limit;
  } kLevels[] = {{2, 9, 60}, {3, 9, 99}, {3, 20, 250}, {4, 20, 400}, {5, 20, 600}, {7, 20, 999}};
  const auto [operations, largest, limit] = at_level(kLevels, item.level);
  const auto tree = grow(item.draw, operations, largest, limit);
  const std::string text = print(*tree);
  item.slots.set("e", text);
  item.facts.words = {text};
  item.answer = std::to_string(value_of(*tree));
  item.say(item.draw.one_of({fmt::format("I work on {}.", text),
                             fmt::format("Let me simplify {} step by step.", text),
                             fmt::format("I have {}. I begin with the innermost part.", text)}));
  while (Node* node = innermost(*tree)) {
    const std::int64_t value = value_of(*node);
    const std::string part =
        fmt::format("{} {} {}", node->left->value, node->op, node->right->value);
    node->op = 0;
    node->value = value;
    node->left.reset();
    node->right.reset();
    const std::string rest = print(*tree);
    item.equation("", part, value, tree->op == 0 ? "." : fmt::format(". Now I have {}.", rest));
  }
}

bool verify(const Facts& facts, std::string_view answer) {
  const auto value = evaluate_arithmetic(facts.words[0], Signs::kRefused);
  const auto given = parse_integer(answer);
  return value && given && value->value == Rational(*given);
}

}  // namespace

constinit const Family kExpression = {"expression",
                                      "arithmetic",
                                      "sums, differences and products with brackets",
                                      6,
                                      Use::kShipped,
                                      kTemplates,
                                      make,
                                      verify};

}  // namespace sputnik::tasks
