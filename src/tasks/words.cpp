#include "tasks/words.h"

#include <fmt/format.h>

#include <array>

#include "base/assert.h"

namespace sputnik::tasks {
namespace {

constexpr Person she(std::string_view name) {
  return {name, "she", "her", "her"};
}
constexpr Person he(std::string_view name) {
  return {name, "he", "him", "his"};
}

constexpr std::array kTrainPeople = {
    she("Anna"),  he("Ben"),    she("Clara"), he("David"), she("Emma"),   he("Felix"),
    she("Grace"), he("Henry"),  she("Ida"),   he("Jack"),  she("Kate"),   he("Leo"),
    she("Mia"),   he("Noah"),   she("Olga"),  he("Peter"), she("Rosa"),   he("Sam"),
    she("Tina"),  he("Victor"), she("Wendy"), he("Yusuf"), she("Zoe"),    he("Adam"),
    she("Bella"), he("Carl"),   she("Dora"),  he("Erik"),  she("Fatima"), he("George"),
    she("Hana"),  he("Ivan"),   she("Julia"), he("Kevin"), she("Lena"),   he("Max"),
    she("Nina"),  he("Oscar"),  she("Paula"), he("Quinn"), she("Rita"),   he("Simon"),
    she("Sofia"), he("Tom"),    she("Uma"),   he("Will"),  she("Ying"),   he("Omar"),
};
constexpr std::array kTestPeople = {
    she("Alice"), he("Boris"), she("Cora"),  he("Dylan"), she("Elif"), he("Frank"),
    she("Greta"), he("Hugo"),  she("Irene"), he("Jonas"), she("Lucy"), he("Marco"),
};

constexpr std::array kShopTrain = {
    Noun{"pen", "pens"},           Noun{"book", "books"}, Noun{"toy car", "toy cars"},
    Noun{"lamp", "lamps"},         Noun{"cup", "cups"},   Noun{"hat", "hats"},
    Noun{"shirt", "shirts"},       Noun{"ball", "balls"}, Noun{"candle", "candles"},
    Noun{"postcard", "postcards"}, Noun{"mug", "mugs"},   Noun{"scarf", "scarves"},
};
constexpr std::array kShopTest = {Noun{"kite", "kites"}, Noun{"teapot", "teapots"},
                                  Noun{"vase", "vases"}, Noun{"bracelet", "bracelets"}};
constexpr std::array kSchoolTrain = {
    Noun{"pencil", "pencils"},   Noun{"notebook", "notebooks"},
    Noun{"sticker", "stickers"}, Noun{"crayon", "crayons"},
    Noun{"marble", "marbles"},   Noun{"card", "cards"},
    Noun{"chair", "chairs"},     Noun{"poster", "posters"},
    Noun{"ruler", "rulers"},     Noun{"paper plane", "paper planes"},
    Noun{"badge", "badges"},     Noun{"folder", "folders"},
};
constexpr std::array kSchoolTest = {Noun{"eraser", "erasers"}, Noun{"brush", "brushes"},
                                    Noun{"medal", "medals"}, Noun{"globe", "globes"}};
constexpr std::array kFarmTrain = {
    Noun{"egg", "eggs"},         Noun{"pumpkin", "pumpkins"}, Noun{"sheep", "sheep"},
    Noun{"hen", "hens"},         Noun{"carrot", "carrots"},   Noun{"apple tree", "apple trees"},
    Noun{"cow", "cows"},         Noun{"potato", "potatoes"},  Noun{"rose", "roses"},
    Noun{"cabbage", "cabbages"}, Noun{"seed", "seeds"},       Noun{"duck", "ducks"},
};
constexpr std::array kFarmTest = {Noun{"donkey", "donkeys"}, Noun{"melon", "melons"},
                                  Noun{"turnip", "turnips"}, Noun{"tulip", "tulips"}};
constexpr std::array kKitchenTrain = {
    Noun{"cookie", "cookies"}, Noun{"apple", "apples"},     Noun{"muffin", "muffins"},
    Noun{"plate", "plates"},   Noun{"spoon", "spoons"},     Noun{"tomato", "tomatoes"},
    Noun{"lemon", "lemons"},   Noun{"pancake", "pancakes"}, Noun{"bowl", "bowls"},
    Noun{"onion", "onions"},   Noun{"peach", "peaches"},    Noun{"nut", "nuts"},
};
constexpr std::array kKitchenTest = {Noun{"waffle", "waffles"}, Noun{"plum", "plums"},
                                     Noun{"fork", "forks"}, Noun{"cherry", "cherries"}};
constexpr std::array kTravelTrain = {
    Noun{"ticket", "tickets"}, Noun{"photo", "photos"}, Noun{"suitcase", "suitcases"},
    Noun{"coin", "coins"},     Noun{"stamp", "stamps"}, Noun{"stone", "stones"},
    Noun{"bus", "buses"},      Noun{"bike", "bikes"},   Noun{"tent", "tents"},
    Noun{"bottle", "bottles"}, Noun{"bag", "bags"},     Noun{"flag", "flags"},
};
constexpr std::array kTravelTest = {Noun{"backpack", "backpacks"}, Noun{"key ring", "key rings"},
                                    Noun{"compass", "compasses"}, Noun{"towel", "towels"}};
constexpr std::array kHarbour = {
    Noun{"boat", "boats"}, Noun{"shell", "shells"},   Noun{"net", "nets"},
    Noun{"crab", "crabs"}, Noun{"barrel", "barrels"}, Noun{"anchor", "anchors"},
    Noun{"rope", "ropes"}, Noun{"crate", "crates"},
};
constexpr std::array kPlainTrain = {
    Noun{"pen", "pens"},       Noun{"book", "books"},     Noun{"cup", "cups"},
    Noun{"pencil", "pencils"}, Noun{"marble", "marbles"}, Noun{"card", "cards"},
    Noun{"egg", "eggs"},       Noun{"cookie", "cookies"}, Noun{"apple", "apples"},
    Noun{"coin", "coins"},     Noun{"stone", "stones"},   Noun{"stamp", "stamps"},
};
constexpr std::array kPlainTest = {Noun{"kite", "kites"}, Noun{"plum", "plums"},
                                   Noun{"tulip", "tulips"}, Noun{"medal", "medals"}};

constexpr std::array<std::string_view, 132> kTrainWords = {
    "cat",       "dog",       "sun",       "cup",       "hat",        "pig",        "red",
    "bus",       "map",       "tea",       "box",       "ink",        "egg",        "ice",
    "jam",       "key",       "lion",      "bird",      "moon",       "tree",       "book",
    "door",      "fish",      "hand",      "king",      "lake",       "milk",       "nest",
    "park",      "rain",      "ship",      "wind",      "blue",       "corn",       "desk",
    "frog",      "gold",      "road",      "snow",      "star",       "apple",      "bread",
    "chair",     "dance",     "eagle",     "fruit",     "glass",      "horse",      "house",
    "juice",     "knife",     "lemon",     "money",     "night",      "ocean",      "piano",
    "queen",     "river",     "sheep",     "table",     "uncle",      "water",      "zebra",
    "green",     "banana",    "button",    "candle",    "dinner",     "engine",     "flower",
    "garden",    "hammer",    "island",    "jacket",    "kitten",     "ladder",     "market",
    "number",    "orange",    "pencil",    "rabbit",    "school",     "silver",     "tomato",
    "violin",    "winter",    "yellow",    "basket",    "balloon",    "chicken",    "diamond",
    "evening",   "feather",   "giraffe",   "holiday",   "kitchen",    "library",    "morning",
    "penguin",   "picture",   "quarter",   "rainbow",   "station",    "teacher",    "village",
    "weather",   "blanket",   "captain",   "airplane",  "birthday",   "children",   "dinosaur",
    "elephant",  "football",  "hospital",  "keyboard",  "mountain",   "notebook",   "painting",
    "question",  "sandwich",  "treasure",  "umbrella",  "butterfly",  "chocolate",  "crocodile",
    "detective", "furniture", "happiness", "newspaper", "strawberry", "playground",
};
constexpr std::array<std::string_view, 97> kTestWords = {
    "bee",        "owl",        "van",        "fox",        "pot",        "net",       "fork",
    "sand",       "soup",       "harp",       "wolf",       "rope",       "leaf",      "wing",
    "duck",       "salt",       "coal",       "lamp",       "seed",       "drum",      "fence",
    "jelly",      "ivory",      "honey",      "wheel",      "cloud",      "torch",     "wagon",
    "plant",      "clock",      "beach",      "spoon",      "grape",      "olive",     "brush",
    "maple",      "mouse",      "robin",      "shirt",      "tiger",      "lizard",    "jungle",
    "forest",     "carpet",     "saddle",     "helmet",     "insect",     "family",    "donkey",
    "turtle",     "pocket",     "needle",     "camera",     "pepper",     "bridge",    "parrot",
    "guitar",     "monkey",     "bottle",     "mirror",     "octopus",    "sailing",   "trumpet",
    "curtain",    "cabbage",    "history",    "journey",    "volcano",    "dolphin",   "lantern",
    "whistle",    "factory",    "gorilla",    "pyramid",    "bicycle",    "popcorn",   "necklace",
    "computer",   "sunshine",   "calendar",   "envelope",   "medicine",   "daughter",  "bathroom",
    "pharmacy",   "magazine",   "festival",   "adventure",  "carpenter",  "signature", "sculpture",
    "watermelon", "helicopter", "toothpaste", "blackboard", "lighthouse", "toothbrush"};

std::string below_thousand(std::int64_t n) {
  static constexpr std::array<std::string_view, 20> kSmall = {
      "zero",     "one",     "two",     "three",     "four",     "five",    "six",
      "seven",    "eight",   "nine",    "ten",       "eleven",   "twelve",  "thirteen",
      "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
  static constexpr std::array<std::string_view, 10> kTens = {
      "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"};
  std::string text;
  if (n >= 100) {
    text = fmt::format("{} hundred", kSmall[static_cast<std::size_t>(n / 100)]);
    n %= 100;
    if (n == 0) return text;
    text += ' ';
  }
  if (n < 20) return text + std::string(kSmall[static_cast<std::size_t>(n)]);
  text += kTens[static_cast<std::size_t>(n / 10)];
  if (n % 10 != 0) text += fmt::format("-{}", kSmall[static_cast<std::size_t>(n % 10)]);
  return text;
}

}  // namespace

std::string_view to_string(Domain domain) {
  switch (domain) {
    case Domain::kPlain:
      return "plain";
    case Domain::kShop:
      return "shop";
    case Domain::kSchool:
      return "school";
    case Domain::kFarm:
      return "farm";
    case Domain::kKitchen:
      return "kitchen";
    case Domain::kTravel:
      return "travel";
    case Domain::kHarbour:
      return "harbour";
  }
  return "";
}

std::span<const Person> people(Split split) {
  if (split == Split::kTrain) return kTrainPeople;
  return kTestPeople;
}

std::span<const Noun> things(Domain domain, Split split) {
  const bool train = split == Split::kTrain;
  using Nouns = std::span<const Noun>;
  switch (domain) {
    case Domain::kPlain:
      return train ? Nouns(kPlainTrain) : Nouns(kPlainTest);
    case Domain::kShop:
      return train ? Nouns(kShopTrain) : Nouns(kShopTest);
    case Domain::kSchool:
      return train ? Nouns(kSchoolTrain) : Nouns(kSchoolTest);
    case Domain::kFarm:
      return train ? Nouns(kFarmTrain) : Nouns(kFarmTest);
    case Domain::kKitchen:
      return train ? Nouns(kKitchenTrain) : Nouns(kKitchenTest);
    case Domain::kTravel:
      return train ? Nouns(kTravelTrain) : Nouns(kTravelTest);
    case Domain::kHarbour:
      return kHarbour;
  }
  return {};
}

std::span<const std::string_view> letter_words(Split split) {
  if (split == Split::kTrain) return kTrainWords;
  return kTestWords;
}

std::string count_of(std::int64_t n, const Noun& noun) {
  return fmt::format("{} {}", n, n == 1 ? noun.one : noun.many);
}

std::string number_words(std::int64_t n) {
  if (n < 0) return "minus " + number_words(-n);
  SPUTNIK_ASSERT(n < 1'000'000'000);
  std::string text;
  if (n >= 1'000'000) text = below_thousand(n / 1'000'000) + " million";
  if (n / 1000 % 1000 != 0) {
    text += fmt::format("{}{} thousand", text.empty() ? "" : " ", below_thousand(n / 1000 % 1000));
  }
  if (n % 1000 != 0 || text.empty()) {
    text += fmt::format("{}{}", text.empty() ? "" : " ", below_thousand(n % 1000));
  }
  return text;
}

std::string_view ordinal(std::int64_t n) {
  static constexpr std::array<std::string_view, 10> kOrdinals = {
      "first", "second",  "third",  "fourth", "fifth",
      "sixth", "seventh", "eighth", "ninth",  "tenth"};
  SPUTNIK_ASSERT(1 <= n && n <= 10);
  return kOrdinals[static_cast<std::size_t>(n - 1)];
}

std::string join(std::span<const std::string> parts, std::string_view separator) {
  return fmt::format("{}", fmt::join(parts.begin(), parts.end(), separator));
}

std::string join(std::span<const std::int64_t> parts, std::string_view separator) {
  return fmt::format("{}", fmt::join(parts.begin(), parts.end(), separator));
}

std::string join_and(std::span<const std::string> parts) {
  if (parts.empty()) return "";
  if (parts.size() == 1) return parts[0];
  return join(parts.first(parts.size() - 1), ", ") + " and " + parts.back();
}

}  // namespace sputnik::tasks
