// Legs, wheels, corners and coins: so many of each kind, times what one has.
#include "tasks/families/columns.h"
#include "tasks/families/families.h"
#include "tasks/final_answer.h"

namespace sputnik::tasks {
namespace {

constexpr int kLegs = 0, kWheels = 1, kCorners = 2, kCoins = 3, kBundles = 4;

// {list}: "3 dogs, 2 hens and 1 spider".
constexpr Template kTemplates[] = {
    {kPlain, "How many legs do {list} have [together|in all|in total]?", kLegs},
    {kPlain, "There are {list}. How many legs is that?", kLegs},
    {kPlain, "Count the legs of {list}.", kLegs},
    {kPlain, "How many corners do {list} have together?", kCorners},
    {kPlain, "[Tell me|Please tell me] how many legs {list} have.", kLegs},
    {kPlain, "Someone draws {list}. How many corners are drawn?", kCorners},
    {kPlain, "How many wheels do {list} have [together|in all]?", kWheels},
    {kPlain, "What is {list} worth in cents?", kCoins},
    {kPlain, "Add up the wheels of {list}.", kWheels},
    {kPlain, "{list:C}: how many corners is that?", kCorners},
    {kPlain, "If I see {list}, how many legs do I see?", kLegs},
    {kFarm, "In the barn are {list}. How many legs are in the barn?", kLegs},
    {kFarm, "{name} looks after {list}. How many legs do the animals have [together|in all]?",
     kLegs},
    {kFarm, "A farmer counts {list} in the field. How many legs stand there?", kLegs},
    {kFarm, "{list:C} come to the gate. How many feet is that, if every leg has a foot?", kLegs},
    {kFarm, "{name} sees {list} on the farm. How many legs does {he} see?", kLegs},
    {kFarm, "On the farm stand {list}. How many wheels are there?", kWheels},
    {kShop, "{name} pays with {list}. How many cents is that?", kCoins},
    {kShop, "In the till are {list}. What is the value in cents?", kCoins},
    {kShop, "{name} finds {list} in {his} pocket. How many cents does {he} have?", kCoins},
    {kShop, "A toy shop has {list}. How many wheels do the toys have?", kWheels},
    {kShop, "A shop sells {list}. How many {things} is that?", kBundles},
    {kShop, "{name} buys {list}. How many {things} does {he} buy?", kBundles},
    {kSchool, "{name} cuts out {list}. How many corners do the shapes have?", kCorners},
    {kSchool, "In a picture book {name} sees {list}. How many legs are in the picture?", kLegs},
    {kSchool, "The class draws {list}. How many corners are on the paper?", kCorners},
    {kSchool, "{name} saves {list}. How many cents has {he} saved?", kCoins},
    {kSchool, "The school gets {list}. How many {things} is that [in all|altogether]?", kBundles},
    {kSchool, "On the wall hang {list}. How many corners is that?", kCorners},
    {kTravel, "At the car park are {list}. How many wheels are there?", kWheels},
    {kTravel, "{name} counts {list} on the road. How many wheels does {he} see?", kWheels},
    {kTravel, "In the zoo {name} sees {list}. How many legs is that?", kLegs},
    {kTravel, "{list:C} wait at the light. How many wheels stand there?", kWheels},
    {kTravel, "A ticket costs {list}. How many cents is that?", kCoins},
    {kTravel, "{name} packs {list}. How many {things} does {he} pack?", kBundles},
    {kHarbour, "At the harbour there are {list}. How many legs do they have together?", kLegs},
    {kHarbour, "The ferry carries {list}. How many wheels are on it?", kWheels},
    {kHarbour, "{name} takes {list} on board. How many {things} is that?", kBundles},
    {kHarbour, "A sailor has {list}. How many cents is that?", kCoins},
};

struct Kind {
  Noun noun;
  std::int64_t each;
};

constexpr Kind kLegsTrain[] = {
    {{"dog", "dogs"}, 4},     {{"cat", "cats"}, 4},       {{"hen", "hens"}, 2},
    {{"duck", "ducks"}, 2},   {{"spider", "spiders"}, 8}, {{"cow", "cows"}, 4},
    {{"horse", "horses"}, 4}, {{"bee", "bees"}, 6},       {{"ant", "ants"}, 6},
    {{"snake", "snakes"}, 0}, {{"sheep", "sheep"}, 4},    {{"child", "children"}, 2},
    {{"pig", "pigs"}, 4},     {{"goose", "geese"}, 2}};
constexpr Kind kLegsTest[] = {{{"goat", "goats"}, 4},         {{"beetle", "beetles"}, 6},
                              {{"owl", "owls"}, 2},           {{"rabbit", "rabbits"}, 4},
                              {{"worm", "worms"}, 0},         {{"seagull", "seagulls"}, 2},
                              {{"scorpion", "scorpions"}, 8}, {{"fox", "foxes"}, 4}};
constexpr Kind kWheelsTrain[] = {{{"car", "cars"}, 4},
                                 {{"bike", "bikes"}, 2},
                                 {{"tricycle", "tricycles"}, 3},
                                 {{"unicycle", "unicycles"}, 1},
                                 {{"bus", "buses"}, 6},
                                 {{"sled", "sleds"}, 0},
                                 {{"motorbike", "motorbikes"}, 2},
                                 {{"taxi", "taxis"}, 4}};
constexpr Kind kWheelsTest[] = {
    {{"scooter", "scooters"}, 2},         {{"van", "vans"}, 4},   {{"big truck", "big trucks"}, 10},
    {{"wheelbarrow", "wheelbarrows"}, 1}, {{"pram", "prams"}, 4}, {{"jeep", "jeeps"}, 4}};
constexpr Kind kCornersTrain[] = {{{"triangle", "triangles"}, 3}, {{"square", "squares"}, 4},
                                  {{"circle", "circles"}, 0},     {{"pentagon", "pentagons"}, 5},
                                  {{"hexagon", "hexagons"}, 6},   {{"rectangle", "rectangles"}, 4}};
constexpr Kind kCornersTest[] = {
    {{"triangle", "triangles"}, 3}, {{"octagon", "octagons"}, 8},
    {{"oval", "ovals"}, 0},         {{"diamond shape", "diamond shapes"}, 4},
    {{"hexagon", "hexagons"}, 6},   {{"trapezoid", "trapezoids"}, 4}};
// Their worth is common knowledge, so both splits know the same coins.
constexpr Kind kCoinKinds[] = {{{"penny", "pennies"}, 1},
                               {{"nickel", "nickels"}, 5},
                               {{"dime", "dimes"}, 10},
                               {{"quarter", "quarters"}, 25},
                               {{"half dollar", "half dollars"}, 50},
                               {{"dollar", "dollars"}, 100}};

std::span<const Kind> kinds_of(int tag, Split split) {
  const bool train = split == Split::kTrain;
  using Kinds = std::span<const Kind>;
  switch (tag) {
    case kLegs:
      return train ? Kinds(kLegsTrain) : Kinds(kLegsTest);
    case kWheels:
      return train ? Kinds(kWheelsTrain) : Kinds(kWheelsTest);
    case kCorners:
      return train ? Kinds(kCornersTrain) : Kinds(kCornersTest);
    default:
      return kCoinKinds;
  }
}

std::string_view unit_of(int tag) {
  constexpr std::string_view kUnits[] = {"legs", "wheels", "corners", "cents", "pieces"};
  return kUnits[tag];
}

void make(Item& item) {
  constexpr struct {
    std::size_t kinds;
    std::int64_t largest;
  } kLevels[] = {{2, 5}, {2, 9}, {3, 9}, {4, 12}, {5, 15}, {6, 25}};
  const auto [n_kinds, largest] = at_level(kLevels, item.level);
  Draw& draw = item.draw;
  const int tag = item.form.tag;
  std::vector<Kind> kinds;
  std::vector<std::string> list;
  if (tag == kBundles) {
    for (const std::int64_t size : draw.distinct(2, 15, n_kinds)) kinds.push_back({{}, size});
  } else {
    kinds = draw.sample(kinds_of(tag, draw.split()), n_kinds);
  }
  item.say(draw.one_of({fmt::format("I count the {} of each kind.", unit_of(tag)),
                        fmt::format("Let me count the {} kind by kind.", unit_of(tag))}));
  std::int64_t total = 0;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    const std::int64_t n = draw.between(tag == kBundles ? 2 : 1, largest);
    const std::int64_t each = kinds[i].each;
    const std::string some =
        tag == kBundles ? fmt::format("{} packs of {}", n, each) : count_of(n, kinds[i].noun);
    list.push_back(tag == kBundles ? fmt::format("{} {}", some, item.nouns[0].many) : some);
    item.facts.numbers.push_back(n);
    item.facts.numbers.push_back(each);
    item.equation(some + ": ", fmt::format("{} * {}", n, each), n * each);
    if (i > 0) item.equation("", fmt::format("{} + {}", total, n * each), total + n * each);
    total += n * each;
  }
  item.slots.set("list", join_and(list));
  item.answer = std::to_string(total);
}

bool verify(const Facts& facts, std::string_view answer) {
  std::int64_t total = 0;
  for (std::size_t i = 0; i + 1 < facts.numbers.size(); i += 2) {
    total += facts.numbers[i] * facts.numbers[i + 1];
  }
  return is_integer_answer(answer, total);
}

}  // namespace

constinit const Family kCounting = {"counting", "arithmetic",  "legs, wheels, corners and coins",
                                    6,          Use::kShipped, kTemplates,
                                    make,       verify};

}  // namespace sputnik::tasks
