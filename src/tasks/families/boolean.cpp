// Expressions of True and False, evaluated from the inside.
#include <memory>

#include "tasks/families/columns.h"
#include "tasks/families/families.h"
#include "tasks/final_answer.h"

namespace sputnik::tasks {
namespace {

constexpr Template kTemplates[] = {
    {kPlain, "What is the value of {e}?"},
    {kPlain, "Evaluate {e}."},
    {kPlain, "Is {e} True or False?"},
    {kPlain, "True or false: {e}"},
    {kPlain, "Work out the logic expression {e}."},
    {kPlain, "Does {e} give True or False?"},
    {kPlain, "[Tell me|Please tell me] whether {e} is True or False."},
    {kPlain, "The expression is {e}. What does it evaluate to?"},
    {kPlain, "Simplify {e} to True or False."},
    {kPlain, "{e} is"},
    {kPlain, "What truth value does {e} have?"},
    {kSchool, "The teacher writes {e} on the board. Is that True or False?"},
    {kSchool, "{name} must evaluate {e} for homework. What is the right answer, True or False?"},
    {kSchool, "In the logic test stands {e}. True or False?"},
    {kSchool, "{name} says {e} is True, {name2} says it is False. What is it?"},
    {kSchool, "A computer lesson: what does {e} print, True or False?"},
    {kSchool, "{name} types {e} into the computer. What does it answer?"},
    {kShop, "The shop's alarm rings if {e} is True. Write what the expression is: True or False."},
    {kShop, "The till runs the check {e}. What is the result, True or False?"},
    {kShop, "The door of the shop opens for True. What is {e}?"},
    {kShop, "A robot sorts {things} by the rule {e}. Is the rule True or False?"},
    {kFarm, "The gate is open when {e} is True. What is the expression?"},
    {kFarm, "The farm's water runs by the rule {e}. Is it True or False?"},
    {kFarm, "The robot on the farm evaluates {e}. What does it get?"},
    {kFarm, "The lamp in the barn is on for True. What is {e}?"},
    {kKitchen, "The oven starts if {e} is True. What is the expression, True or False?"},
    {kKitchen, "The smart fridge checks {e}. What does it get?"},
    {kKitchen, "The kitchen light follows {e}. Is that True or False?"},
    {kKitchen, "A kitchen robot computes {e}. What is the result?"},
    {kTravel, "The train's signal is green for True. The rule is {e}. What is its value?"},
    {kTravel, "The car's computer evaluates {e}. True or False?"},
    {kTravel, "The gate at the station computes {e}. What does it get?"},
    {kTravel, "The lift goes up if {e} is True. Write True or False."},
    {kTravel, "The navigation evaluates {e}. What is its value?"},
    {kHarbour, "The lighthouse shines if {e} is True. What is it, True or False?"},
    {kHarbour, "The bridge of the harbour opens by the rule {e}. Is it True or False?"},
    {kHarbour, "The ship's computer evaluates {e}. What does it get?"},
    {kHarbour, "The crane moves for True. What is {e}?"},
};

struct Node {
  enum class Op { kValue, kNot, kAnd, kOr } op = Op::kValue;
  bool value = false;
  std::unique_ptr<Node> left, right;  // kNot has only left
};
using Op = Node::Op;

std::string_view word(bool value) {
  return value ? "True" : "False";
}

std::string print(const Node& node) {
  const auto part = [](const Node& inner) {
    return inner.op == Op::kAnd || inner.op == Op::kOr ? "(" + print(inner) + ")" : print(inner);
  };
  switch (node.op) {
    case Op::kValue:
      return std::string(word(node.value));
    case Op::kNot:
      return "not " + part(*node.left);
    case Op::kAnd:
      return fmt::format("{} and {}", part(*node.left), part(*node.right));
    case Op::kOr:
      return fmt::format("{} or {}", part(*node.left), part(*node.right));
  }
  return "";
}

bool value_of(const Node& node) {
  switch (node.op) {
    case Op::kValue:
      return node.value;
    case Op::kNot:
      return !value_of(*node.left);
    case Op::kAnd:
      return value_of(*node.left) && value_of(*node.right);
    case Op::kOr:
      return value_of(*node.left) || value_of(*node.right);
  }
  return false;
}

std::unique_ptr<Node> grow(Draw& draw, int n_operations) {
  auto node = std::make_unique<Node>();
  if (n_operations == 0) {
    node->value = draw.chance(50);
    return node;
  }
  if (draw.chance(30)) {
    node->op = Op::kNot;
    node->left = grow(draw, n_operations - 1);
    return node;
  }
  const int left = static_cast<int>(draw.between(0, n_operations - 1));
  node->op = draw.chance(50) ? Op::kAnd : Op::kOr;
  node->left = grow(draw, left);
  node->right = grow(draw, n_operations - 1 - left);
  return node;
}

Node* innermost(Node& node) {
  if (node.op == Op::kValue) return nullptr;
  if (Node* inner = innermost(*node.left)) return inner;
  if (node.right) {
    if (Node* inner = innermost(*node.right)) return inner;
  }
  return &node;
}

void make(Item& item) {
  constexpr int kOperations[] = {2, 3, 4, 5, 7, 10};
  const auto tree = grow(item.draw, at_level(kOperations, item.level));
  const std::string text = print(*tree);
  item.slots.set("e", text);
  item.facts.words = {text};
  item.facts.numbers = {value_of(*tree) ? 1 : 0};
  item.answer = word(value_of(*tree));
  item.say(item.draw.one_of({"I start with the inner parts.", "Let me work from the inside.",
                             "I replace the parts one by one."}));
  while (Node* node = innermost(*tree)) {
    const std::string part = print(*node);
    const bool value = value_of(*node);
    *node = Node{Op::kValue, value, nullptr, nullptr};
    const std::string tail = tree->op == Op::kValue ? "." : fmt::format(". Now: {}.", print(*tree));
    item.step(fmt::format("{} is {}{}", part, word(value), tail),
              fmt::format("{} is {}.", part, word(!value)),
              fmt::format("{} is not {}.", part, word(!value)));
  }
}

bool verify(const Facts& facts, std::string_view answer) {
  return parse_yes_no(answer) == (facts.numbers[0] != 0);
}

}  // namespace

constinit const Family kBoolean = {"boolean", "logic",       "expressions of True and False",
                                   6,         Use::kShipped, kTemplates,
                                   make,      verify};

}  // namespace sputnik::tasks
