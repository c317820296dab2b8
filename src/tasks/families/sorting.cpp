// Numbers or words put in order: take the first of what is left, again and again.
#include "tasks/families/columns.h"
#include "tasks/families/families.h"
#include "tasks/families/letters.h"
#include "tasks/final_answer.h"

namespace sputnik::tasks {
namespace {

constexpr int kUp = 0, kDown = 1, kWords = 2;

constexpr Template kTemplates[] = {
    {kPlain, "Sort these numbers from smallest to largest: {list}", kUp},
    {kPlain, "Sort these numbers from largest to smallest: {list}", kDown},
    {kPlain, "Put these words in alphabetical order: {list}", kWords},
    {kPlain, "Write the numbers {list} in increasing order.", kUp},
    {kPlain, "Arrange {list} from low to high.", kUp},
    {kPlain, "Write the numbers {list} in decreasing order.", kDown},
    {kPlain, "Sort the words {list} [from A to Z|by the alphabet].", kWords},
    {kPlain, "Order the list {list}, smallest first.", kUp},
    {kPlain, "Order the list {list}, largest first.", kDown},
    {kPlain, "[Please sort|Sort] alphabetically: {list}", kWords},
    {kSchool, "The children scored {list} points. List the scores from lowest to highest.", kUp},
    {kSchool, "The teacher puts the words {list} in the order of a dictionary. What is the list?",
     kWords},
    {kSchool, "{name} sorts the cards {list}, biggest number first. What does {he} get?", kDown},
    {kSchool, "Page numbers: {list}. Sort them, smallest first.", kUp},
    {kSchool, "{name} must write {list} in alphabetical order. What should {he} write?", kWords},
    {kShop, "The prices are {list}. Write them from cheapest to dearest.", kUp},
    {kShop, "The prices are {list}. Write them from dearest to cheapest.", kDown},
    {kShop, "A shop sorts its labels {list} by the alphabet. Write the list.", kWords},
    {kShop, "On the shelves are {list} {things}. Sort the numbers from few to many.", kUp},
    {kShop, "{name} sorts the bills {list}, largest first. What is the order?", kDown},
    {kFarm, "The sacks weigh {list} kilos. Write the weights, lightest first.", kUp},
    {kFarm, "The sacks weigh {list} kilos. Write the weights, heaviest first.", kDown},
    {kFarm, "The farmer's boxes are named {list}. Put the names in alphabetical order.", kWords},
    {kFarm, "The hens laid {list} eggs on different days. Sort the numbers, smallest first.", kUp},
    {kFarm, "Trees are {list} feet high. List them from tall to short.", kDown},
    {kKitchen, "The jars are marked {list}. Sort the marks from A to Z.", kWords},
    {kKitchen, "The cakes need {list} minutes. Write the times from short to long.", kUp},
    {kKitchen, "{name} sorts the bags of {list} grams, heaviest first. Write the list.", kDown},
    {kKitchen, "The recipe cards say {list}. Put them in alphabetical order.", kWords},
    {kKitchen, "There are bowls with {list} nuts. Sort the numbers, smallest first.", kUp},
    {kTravel, "The towns are {list} miles away. Write the distances, nearest first.", kUp},
    {kTravel, "The towns are {list} miles away. Write the distances, farthest first.", kDown},
    {kTravel, "Seats {list} are free. Write them in increasing order.", kUp},
    {kTravel, "The bags are named {list}. Put the names in alphabetical order.", kWords},
    {kTravel, "{name} sorts tickets with the numbers {list}, largest first. What is the list?",
     kDown},
    {kHarbour, "The ships are {list} feet long. Sort from short to long.", kUp},
    {kHarbour, "The ships are {list} feet long. Sort from long to short.", kDown},
    {kHarbour, "The boats are called {list}. Write the names in alphabetical order.", kWords},
    {kHarbour, "Piers {list} are free. Write the numbers in increasing order.", kUp},
};

template <class T, class Before>
void select(Item& item, std::vector<T> rest, std::string_view next_is, const Before& before) {
  const auto text = [](const auto& value) { return fmt::format("{}", value); };
  const auto list = [&](const std::vector<T>& values) {
    std::vector<std::string> parts;
    for (const T& value : values) parts.push_back(text(value));
    return join(parts, ", ");
  };
  std::vector<T> sorted;
  while (rest.size() > 1) {
    const auto first = std::min_element(rest.begin(), rest.end(), before);
    const T chosen = *first;
    rest.erase(first);
    sorted.push_back(chosen);
    item.choice(fmt::format("{} ", next_is), text(chosen), text(item.draw.pick(rest)),
                fmt::format(". Left: {}.", list(rest)));
    // What is left depends on the choice: the slip shows the choice alone.
    item.steps.back().slip = item.steps.back().slip.substr(0, item.steps.back().slip.find('.') + 1);
  }
  sorted.push_back(rest[0]);
  item.say(fmt::format("Last {}.", text(rest[0])));
  item.answer = list(sorted);
}

void make(Item& item) {
  constexpr struct {
    std::size_t count;
    std::int64_t largest;
  } kLevels[] = {{3, 20}, {4, 50}, {5, 99}, {6, 200}, {8, 500}, {10, 999}};
  const auto [count, largest] = at_level(kLevels, item.level);
  item.facts.numbers = {item.form.tag};
  if (item.form.tag == kWords) {
    const auto words = draw_words(item.draw, count, 3, 7);
    item.facts.words = words;
    item.slots.set("list", join(words, ", "));
    item.say(fmt::format("The words are {}.", join(words, ", ")));
    select(item, words, "The first in the alphabet is", std::less<>());
    return;
  }
  const auto numbers = item.draw.distinct(1, largest, count);
  for (const std::int64_t number : numbers) item.facts.words.push_back(std::to_string(number));
  item.slots.set("list", join(numbers, ", "));
  item.say(fmt::format("The numbers are {}.", join(numbers, ", ")));
  if (item.form.tag == kUp) {
    select(item, numbers, "The smallest is", std::less<>());
  } else {
    select(item, numbers, "The largest is", std::greater<>());
  }
}

bool verify(const Facts& facts, std::string_view answer) {
  std::vector<std::string> sorted = facts.words;
  const auto number = [](const std::string& text) { return parse_integer(text).value_or(0); };
  std::sort(sorted.begin(), sorted.end(), [&](const std::string& a, const std::string& b) {
    if (facts.numbers[0] == kWords) return a < b;
    return facts.numbers[0] == kUp ? number(a) < number(b) : number(a) > number(b);
  });
  return is_list_answer(answer, sorted);
}

}  // namespace

constinit const Family kSorting = {"sorting", "lists",       "numbers or words put in order",
                                   6,         Use::kShipped, kTemplates,
                                   make,      verify};

}  // namespace sputnik::tasks
