// Chains of "all" and "no", of parents and children, and of assignments.
#include <array>

#include "tasks/families/columns.h"
#include "tasks/families/families.h"
#include "tasks/final_answer.h"

namespace sputnik::tasks {
namespace {

constexpr Template kSyllogismTemplates[] = {
    {kPlain, "{facts} Are all {a} {b}? Answer yes or no."},
    {kPlain, "Suppose: {facts} Is every one of the {a} one of the {b}? Answer yes or no."},
    {kPlain, "{facts} Does it follow that all {a} are {b}? Answer yes or no."},
    {kPlain, "Yes or no, given this: {facts} All {a} are {b}."},
    {kSchool, "The teacher says: {facts} {name} asks: are all {a} {b}? Answer yes or no."},
    {kSchool, "In a logic test: {facts} Are all {a} {b}? Answer yes or no."},
    {kShop, "The shop has odd goods. {facts} Are all {a} {b}? Answer yes or no."},
    {kFarm, "On a strange farm: {facts} Are all {a} {b}? Answer yes or no."},
    {kTravel, "In a far land: {facts} Are all {a} {b}? Answer yes or no."},
    {kPlain, "Think: {facts} So are all {a} also {b}? Answer yes or no."},
    {kHarbour, "Sailors tell: {facts} Are all {a} {b}? Answer yes or no."},
};

constexpr std::array<std::string_view, 20> kKinds = {
    "bloops", "razzies", "lazzies", "wumps",  "tigs",  "morks", "flens", "drabs", "yips",  "zogs",
    "quems",  "noops",   "pliks",   "snarks", "vexes", "grums", "jopps", "kibs",  "lorps", "tarns"};

// A chain k0 in k1 in ... in kn, of which one link may be "no" or missing in the asked direction.
void make_syllogism(Item& item) {
  constexpr std::int64_t kLinks[] = {2, 2, 3, 4, 6};
  Draw& draw = item.draw;
  const auto links = static_cast<std::size_t>(at_level(kLinks, item.level));
  const auto kinds = draw.sample(std::span<const std::string_view>(kKinds), links + 2);
  // 0: all along the chain; 1: the last link is "no"; 2: the question is asked backward.
  const std::int64_t form = item.level == 1 ? draw.between(0, 1) : draw.between(0, 2);
  std::vector<std::string> facts;
  for (std::size_t i = 0; i < links; ++i) {
    const bool no = form == 1 && i + 1 == links;
    facts.push_back(fmt::format("{} {} are {}.", no ? "No" : "All", kinds[i], kinds[i + 1]));
    item.facts.words.emplace_back(no ? "no" : "all");
    item.facts.words.emplace_back(kinds[i]);
    item.facts.words.emplace_back(kinds[i + 1]);
  }
  if (item.level >= 3) {
    facts.push_back(fmt::format("All {} are {}.", kinds[links + 1], kinds[links]));
    for (const auto word : {std::string_view("all"), kinds[links + 1], kinds[links]}) {
      item.facts.words.emplace_back(word);
    }
  }
  draw.shuffle(facts);
  const std::string_view a = form == 2 ? kinds[links] : kinds[0];
  const std::string_view b = form == 2 ? kinds[0] : kinds[links];
  item.slots.set("facts", join(facts, " "));
  item.slots.set("a", a);
  item.slots.set("b", b);
  item.facts.words.emplace_back(a);
  item.facts.words.emplace_back(b);
  item.answer = form == 0 ? "yes" : "no";
  item.say(fmt::format("I follow the {}.", kinds[0]));
  for (std::size_t i = 0; i < links; ++i) {
    const bool no = form == 1 && i + 1 == links;
    item.choice(fmt::format("{} {} are ", no ? "No" : "All", kinds[i]), kinds[i + 1],
                kinds[i + 1 == links ? 0 : links]);
  }
  if (form == 2) {
    item.say(
        fmt::format("So all {} are {}. But the question goes the other way, and that does not "
                    "follow.",
                    kinds[0], kinds[links]));
  } else {
    item.say(fmt::format("So {} {} are {}.", form == 0 ? "all" : "no", kinds[0], kinds[links]));
  }
}

// facts.words: (all|no, a, b) ..., then the two kinds of the question.
bool verify_syllogism(const Facts& facts, std::string_view answer) {
  const auto& w = facts.words;
  std::vector<std::string> inside = {w[w.size() - 2]};
  for (std::size_t grown = 0; grown < inside.size(); ++grown) {
    for (std::size_t i = 0; i + 4 < w.size(); i += 3) {
      const bool known = std::find(inside.begin(), inside.end(), w[i + 2]) != inside.end();
      if (w[i] == "all" && w[i + 1] == inside[grown] && !known) inside.push_back(w[i + 2]);
    }
  }
  return parse_yes_no(answer) ==
         (std::find(inside.begin(), inside.end(), w.back()) != inside.end());
}

constexpr Template kFamilyTemplates[] = {
    {kPlain, "{facts} What is {a} to {b}? Answer with one word, like aunt."},
    {kPlain, "{facts} How is {a} related to {b}? Answer with one word, like aunt."},
    {kPlain, "A family: {facts} {a} is the ... of {b}. Which word is missing?"},
    {kPlain, "{facts} Which word says what {a} is for {b}?"},
    {kSchool, "{name5} draws a family tree. {facts} What is {a} to {b}? One word, like aunt."},
    {kSchool, "At school they talk about families. {facts} What is {a} to {b}? One word."},
    {kKitchen, "The family sits at dinner. {facts} What is {a} to {b}? One word."},
    {kFarm, "A family runs a farm. {facts} What is {a} to {b}? One word."},
    {kTravel, "A family travels. {facts} What is {a} to {b}? One word."},
    {kPlain, "Read: {facts} Then say what {a} is to {b}, in one word."},
    {kHarbour, "A family of sailors: {facts} What is {a} to {b}? One word."},
};

struct Relation {
  std::string_view hops;  // from a to b: P is a's parent, C a's child, S a's sibling
  std::string_view woman, man;
};
// "a is the X of b", where the hops lead from b to a.
constexpr Relation kRelations[] = {{"P", "mother", "father"},
                                   {"C", "daughter", "son"},
                                   {"S", "sister", "brother"},
                                   {"PP", "grandmother", "grandfather"},
                                   {"CC", "granddaughter", "grandson"},
                                   {"PS", "aunt", "uncle"},
                                   {"SC", "niece", "nephew"},
                                   {"PSC", "cousin", "cousin"},
                                   {"PPP", "great-grandmother", "great-grandfather"},
                                   {"CCC", "great-granddaughter", "great-grandson"}};

std::string_view hop_word(char hop, bool woman) {
  switch (hop) {
    case 'P':
      return woman ? "mother" : "father";
    case 'C':
      return woman ? "daughter" : "son";
    default:
      return woman ? "sister" : "brother";
  }
}

void make_family(Item& item) {
  constexpr std::size_t kKnown[] = {5, 7, 8, 10};
  Draw& draw = item.draw;
  const std::size_t known = at_level(kKnown, item.level);
  const std::size_t first = item.level <= 1 ? 0 : 3;
  const Relation& relation = kRelations[first + draw.index(known - first)];
  const std::size_t hops = relation.hops.size();
  const auto persons = draw.sample(people(draw.split()), hops + 3);
  const auto woman = [&](std::size_t i) { return persons[i].he == "she"; };
  const auto name = [&](std::size_t i) { return std::string(persons[i].name); };
  std::vector<std::string> facts;
  // persons[0] is b; each hop says what the next person is to the one before.
  for (std::size_t i = 0; i < hops; ++i) {
    const std::string_view word = hop_word(relation.hops[i], woman(i + 1));
    facts.push_back(fmt::format("{} is the {} of {}.", name(i + 1), word, name(i)));
    item.facts.words.push_back(name(i + 1));
    item.facts.words.emplace_back(word);
    item.facts.words.push_back(name(i));
  }
  if (item.level >= 3) {
    facts.push_back(
        fmt::format("{} is a friend of {}.", name(hops + 1), name(draw.index(hops + 1))));
  }
  draw.shuffle(facts);
  item.slots.set("facts", join(facts, " "));
  item.slots.set("a", name(hops));
  item.slots.set("b", name(0));
  item.slots.set("name5", name(hops + 2));
  item.answer = woman(hops) ? relation.woman : relation.man;
  item.facts.words.push_back(name(hops));
  item.facts.words.push_back(name(0));
  item.say(fmt::format("I go from {} to {}.", name(0), name(hops)));
  for (std::size_t i = 0; i < hops; ++i) {
    const std::string_view word = hop_word(relation.hops[i], woman(i + 1));
    item.choice(fmt::format("The {} of {} is ", word, name(i)), name(i + 1), name(hops + 2));
  }
  std::string path;
  for (std::size_t i = hops; i-- > 0;) {
    path += (path.empty() ? "" : " of a ") + std::string(hop_word(relation.hops[i], woman(i + 1)));
  }
  if (hops > 1) item.say(fmt::format("A {} is a {}.", path, item.answer));
}

// facts.words: (who, what, of whom) ..., then a and b. The hops are read back from b to a.
bool verify_family(const Facts& facts, std::string_view answer) {
  const auto& w = facts.words;
  std::string hops;
  bool woman = false;
  for (std::size_t i = 0; i + 4 < w.size(); i += 3) {
    const std::string& word = w[i + 1];
    woman = word == "mother" || word == "daughter" || word == "sister";
    hops += word == "mother" || word == "father"  ? 'P'
            : word == "daughter" || word == "son" ? 'C'
                                                  : 'S';
  }
  for (const Relation& relation : kRelations) {
    if (relation.hops == hops) return is_word_answer(answer, woman ? relation.woman : relation.man);
  }
  return false;
}

constexpr Template kProgramTemplates[] = {
    {kPlain, "What does this program print?\n{code}"},
    {kPlain, "Run this in your head. What is printed?\n{code}"},
    {kPlain, "Give the output of:\n{code}"},
    {kPlain, "Find the number that is printed.\n{code}"},
    {kSchool, "{name} wrote this program. What does it print?\n{code}"},
    {kSchool, "In the computer lesson: what is the output?\n{code}"},
    {kShop, "The till runs this program. What does it show?\n{code}"},
    {kTravel, "The ticket machine runs this. What does it print?\n{code}"},
    {kKitchen, "The oven's program is this. What number does it print?\n{code}"},
    {kPlain, "Follow the lines one by one. What is printed?\n{code}"},
    {kHarbour, "The ship's computer runs this. What does it print?\n{code}"},
};

void make_program(Item& item) {
  constexpr struct {
    std::size_t variables;
    int lines;
    std::int64_t limit;
  } kLevels[] = {{2, 2, 50}, {2, 3, 99}, {3, 5, 150}, {3, 7, 300}, {4, 10, 600}};
  const auto& level = at_level(kLevels, item.level);
  Draw& draw = item.draw;
  std::vector<std::int64_t> value(level.variables);
  std::string code;
  const auto name = [](std::size_t i) { return static_cast<char>('a' + i); };
  item.say("I follow the program line by line.");
  for (std::size_t i = 0; i < value.size(); ++i) {
    value[i] = draw.between(1, 9);
    code += fmt::format("{} = {}\n", name(i), value[i]);
    item.say(fmt::format("{} is {}.", name(i), value[i]));
    item.facts.words.push_back(fmt::format("{} = {} + 0", name(i), value[i]));
  }
  for (int line = 0; line < level.lines;) {
    const std::size_t to = draw.index(value.size()), left = draw.index(value.size());
    const bool constant = draw.chance(50);
    const std::size_t right = draw.index(value.size());
    const std::int64_t operand = constant ? draw.between(2, 9) : value[right];
    const char op = "+-*"[draw.index(3)];
    const std::int64_t result = op == '+'   ? value[left] + operand
                                : op == '-' ? value[left] - operand
                                            : value[left] * operand;
    if (result < 0 || result > level.limit) continue;
    const std::string term = constant ? std::to_string(operand) : std::string(1, name(right));
    const std::string text = fmt::format("{} = {} {} {}", name(to), name(left), op, term);
    code += text + "\n";
    item.equation(fmt::format("{}: ", text), fmt::format("{} {} {}", value[left], op, operand),
                  result);
    value[to] = result;
    item.facts.words.push_back(text);
    ++line;
  }
  const std::size_t shown = draw.index(value.size());
  code += fmt::format("print({})", name(shown));
  item.slots.set("code", code);
  item.facts.words.emplace_back(1, name(shown));
  item.answer = std::to_string(value[shown]);
}

// facts.words: lines "x = y op z", then the variable that is printed.
bool verify_program(const Facts& facts, std::string_view answer) {
  std::array<std::int64_t, 26> value{};
  for (std::size_t i = 0; i + 1 < facts.words.size(); ++i) {
    const std::string& line = facts.words[i];
    const auto operand = [&](std::string_view text) {
      const bool variable = 'a' <= text[0] && text[0] <= 'z';
      return variable ? value[static_cast<std::size_t>(text[0] - 'a')]
                      : parse_integer(text).value_or(0);
    };
    const std::size_t op = line.find_first_of("+-*");
    const std::string_view text(line);
    const std::int64_t left = operand(trim_answer(text.substr(4, op - 4)));
    const std::int64_t right = operand(trim_answer(text.substr(op + 1)));
    value[static_cast<std::size_t>(line[0] - 'a')] = line[op] == '+'   ? left + right
                                                     : line[op] == '-' ? left - right
                                                                       : left * right;
  }
  return is_integer_answer(answer, value[static_cast<std::size_t>(facts.words.back()[0] - 'a')]);
}

}  // namespace

constinit const Family kSyllogism = {
    "syllogism",         "logic",        "chains of all and no", 5, Use::kExtra,
    kSyllogismTemplates, make_syllogism, verify_syllogism};
constinit const Family kFamilyRelations = {"family_relations",
                                           "graphs",
                                           "what one person is to another",
                                           4,
                                           Use::kExtra,
                                           kFamilyTemplates,
                                           make_family,
                                           verify_family};
constinit const Family kProgramOutput = {"program_output",
                                         "tracking",
                                         "what a tiny program prints",
                                         5,
                                         Use::kProbe,
                                         kProgramTemplates,
                                         make_program,
                                         verify_program};

}  // namespace sputnik::tasks
