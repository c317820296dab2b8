// Knights tell the truth, knaves lie: who is what? Two people, later three and four; exactly one
// world fits what they say.
#include "tasks/families/columns.h"
#include "tasks/families/families.h"
#include "tasks/final_answer.h"

namespace sputnik::tasks {
namespace {

// {good}, {bad}: "knight", "knave" or another pair of words. {say}: who says what. {format}: how to
// answer.
constexpr Template kTemplates[] = {
    {kPlain, "A {good} always tells the truth, a {bad} always lies. {say} Who is what? {format}"},
    {kPlain,
     "{good:C}s tell the truth and {bad}s lie. {say} Find out who is a {good} and who is a "
     "{bad}. {format}"},
    {kPlain,
     "On an island live {good}s, who never lie, and {bad}s, who always lie. {say} {format}"},
    {kPlain,
     "Everybody here is a {good} (always truthful) or a {bad} (always lying). {say} What is "
     "each of them? {format}"},
    {kPlain, "{say} A {good} says only true things, a {bad} only false ones. Who is who? {format}"},
    {kPlain, "A puzzle: {good}s never lie, {bad}s never tell the truth. {say} {format}"},
    {kPlain,
     "You meet {people}. Each is a {good}, who tells the truth, or a {bad}, who lies. {say} "
     "{format}"},
    {kPlain, "{good:C}s are honest, {bad}s are liars. {say} Solve it. {format}"},
    {kPlain,
     "Decide who is a {good} and who is a {bad}: {say} {good:C}s tell the truth, {bad}s lie. "
     "{format}"},
    {kPlain, "{people:C} are each a {good} (truth) or a {bad} (lie). {say} {format}"},
    {kSchool,
     "At school {people} play a game. A {good} must tell the truth, a {bad} must lie. {say} "
     "{format}"},
    {kSchool,
     "In the school play every {good} tells the truth and every {bad} lies. {say} Who plays "
     "what? {format}"},
    {kSchool, "The teacher says: {good}s tell the truth, {bad}s lie. {say} {format}"},
    {kSchool,
     "In class, {people} drew cards: {good} means telling the truth, {bad} means lying. {say} "
     "{format}"},
    {kSchool, "{say} In this game a {good} never lies and a {bad} always does. {format}"},
    {kShop,
     "In a shop work {good}s, who are always honest, and {bad}s, who always lie. {say} {format}"},
    {kShop,
     "You ask {people} about a {thing}. A {good} tells the truth, a {bad} lies. {say} {format}"},
    {kShop, "The sellers are {good}s (truthful) or {bad}s (lying). {say} Who is what? {format}"},
    {kShop, "{people:C} stand in the shop. {good:C}s tell the truth, {bad}s lie. {say} {format}"},
    {kShop, "At the market every {good} tells the truth and every {bad} lies. {say} {format}"},
    {kFarm,
     "On a farm live {people}. A {good} always tells the truth and a {bad} always lies. {say} "
     "{format}"},
    {kFarm, "The farmers are {good}s, who speak the truth, or {bad}s, who lie. {say} {format}"},
    {kFarm, "In the village {good}s are truthful and {bad}s lie. {say} What are they? {format}"},
    {kFarm, "{say} All live on a farm where {good}s tell the truth and {bad}s lie. {format}"},
    {kKitchen,
     "Somebody ate the {things}. {good:C}s tell the truth, {bad}s lie. {say} Who is a {good} "
     "and who is a {bad}? {format}"},
    {kKitchen, "In the kitchen {people} talk. A {good} is honest, a {bad} lies. {say} {format}"},
    {kKitchen, "The cooks are {good}s (they tell the truth) or {bad}s (they lie). {say} {format}"},
    {kKitchen,
     "At dinner each guest is a {good}, who is truthful, or a {bad}, who lies. {say} "
     "{format}"},
    {kTravel, "On the train sit {people}. A {good} tells the truth, a {bad} lies. {say} {format}"},
    {kTravel,
     "You travel to a land of {good}s, who tell the truth, and {bad}s, who lie. {say} "
     "{format}"},
    {kTravel,
     "At the crossing you meet {people}. {good:C}s are truthful, {bad}s are not. {say} "
     "{format}"},
    {kTravel,
     "The guides are {good}s or {bad}s; only {bad}s lie, and they always do. {say} {format}"},
    {kTravel, "In the hotel, {good}s always tell the truth and {bad}s always lie. {say} {format}"},
    {kHarbour, "In the harbour, {good}s tell the truth and {bad}s lie. {say} {format}"},
    {kHarbour,
     "On a ship sail {people}. Each is a {good} (truthful) or a {bad} (liar). {say} "
     "{format}"},
    {kHarbour, "The pirates are {good}s, who never lie, or {bad}s, who always lie. {say} {format}"},
    {kHarbour, "The crew: {say} A {good} tells the truth, a {bad} lies. {format}"},
};

struct Pair {
  std::string_view good, bad;
};
constexpr Pair kPairsTrain[] = {
    {"knight", "knave"}, {"saint", "liar"}, {"prophet", "trickster"}, {"hero", "villain"}};
constexpr Pair kPairsTest[] = {{"ranger", "bandit"}, {"sage", "fool"}};

// What speaker says. One about b: "b is a knight/knave". Otherwise about all or two.
enum Claim : std::int64_t { kIsGood, kIsBad, kSame, kDifferent, kBothBad, kOneBad };
constexpr std::int64_t kClaims = 6;

struct Statement {
  std::size_t speaker, about;
  std::int64_t claim;
};

bool holds(const Statement& s, std::uint32_t world) {
  const bool speaker = (world >> s.speaker & 1) != 0, about = (world >> s.about & 1) != 0;
  switch (s.claim) {
    case kIsGood:
      return about;
    case kIsBad:
      return !about;
    case kSame:
      return speaker == about;
    case kDifferent:
      return speaker != about;
    case kBothBad:
      return !speaker && !about;
    default:
      return !speaker || !about;  // kOneBad: at least one
  }
}

// A knight's statement holds, a knave's does not.
bool fits(const std::vector<Statement>& statements, std::uint32_t world) {
  return std::all_of(statements.begin(), statements.end(), [&](const Statement& s) {
    return holds(s, world) == ((world >> s.speaker & 1) != 0);
  });
}

std::vector<std::uint32_t> worlds_of(const std::vector<Statement>& statements, std::size_t n) {
  std::vector<std::uint32_t> worlds;
  for (std::uint32_t world = 0; world < 1u << n; ++world) {
    if (fits(statements, world)) worlds.push_back(world);
  }
  return worlds;
}

std::string words_of(const Statement& s, const std::vector<std::string>& who, const Pair& pair) {
  const std::string& about = who[s.about];
  switch (s.claim) {
    case kIsGood:
      return fmt::format("{} is a {}", about, pair.good);
    case kIsBad:
      return fmt::format("{} is a {}", about, pair.bad);
    case kSame:
      return fmt::format("{} and I are the same", about);
    case kDifferent:
      return fmt::format("{} and I are different", about);
    case kBothBad:
      return fmt::format("{} and I are both {}s", about, pair.bad);
    default:
      return fmt::format("at least one of {} and me is a {}", about, pair.bad);
  }
}

std::string describe(std::uint32_t world, const std::vector<std::string>& who, const Pair& pair) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < who.size(); ++i) {
    parts.push_back(
        fmt::format("{} is a {}", who[i], (world >> i & 1) != 0 ? pair.good : pair.bad));
  }
  return join(parts, ", ");
}

// "Anna says something true, as a knave cannot."
std::string contradiction(const Statement& s, std::uint32_t world,
                          const std::vector<std::string>& who, const Pair& pair) {
  const bool good = (world >> s.speaker & 1) != 0;
  return good ? fmt::format("{} would say something false, but is a {}.", who[s.speaker], pair.good)
              : fmt::format("{} would say something true, but is a {}.", who[s.speaker], pair.bad);
}

void solve(Item& item, const std::vector<Statement>& statements, std::uint32_t solution,
           const std::vector<std::string>& who, const Pair& pair) {
  item.say(item.draw.one_of({"I try the cases.", "Let me go through the possible cases.",
                             "I check one case after the other."}));
  std::vector<std::uint32_t> order;
  for (std::uint32_t world = 0; world < 1u << who.size(); ++world) order.push_back(world);
  item.draw.shuffle(order);
  std::int64_t shown = 0;
  for (const std::uint32_t world : order) {
    const std::string lead = fmt::format("If {}: ", describe(world, who, pair));
    if (world == solution) {
      const Statement& wrong = item.draw.pick(statements);
      const std::string because = contradiction(wrong, world, who, pair);
      item.step(lead + "all fits.", lead + because,
                fmt::format("let me read again what {} says.", who[wrong.speaker]));
      return;
    }
    // With many cases a few failures show the way; more would only be long.
    if (who.size() > 2 && ++shown > 3) continue;
    for (const Statement& s : statements) {
      if (holds(s, world) == ((world >> s.speaker & 1) != 0)) continue;
      item.step(lead + contradiction(s, world, who, pair), lead + "all fits.",
                fmt::format("{} says: \"{}.\" That does not fit.", who[s.speaker],
                            words_of(s, who, pair)));
      break;
    }
  }
}

void make(Item& item) {
  constexpr struct {
    std::size_t people, claims;
  } kLevels[] = {{2, 2}, {2, kClaims}, {3, 4}, {3, kClaims}, {4, kClaims}};
  const auto [n, claims] = at_level(kLevels, item.level);
  Draw& draw = item.draw;
  const Pair pair = draw.split() == Split::kTrain ? draw.pick(std::span<const Pair>(kPairsTrain))
                                                  : draw.pick(std::span<const Pair>(kPairsTest));
  std::vector<std::string> who;
  for (const Person& person : draw.sample(people(draw.split()), n)) who.emplace_back(person.name);
  std::vector<Statement> statements;
  std::vector<std::uint32_t> worlds;
  while (worlds.size() != 1) {
    statements.clear();
    for (std::size_t speaker = 0; speaker < n; ++speaker) {
      std::size_t about = draw.index(n - 1);
      if (about >= speaker) ++about;
      // Two simple claims alone ("he is a knight") can never settle two people, so the first
      // speaker says something about both.
      const auto claim = item.level == 1 && speaker == 0
                             ? draw.between(kSame, kOneBad)
                             : draw.between(0, static_cast<std::int64_t>(claims) - 1);
      statements.push_back({speaker, about, claim});
    }
    worlds = worlds_of(statements, n);
  }
  std::string say;
  for (const Statement& s : statements) {
    say += fmt::format("{}{} says: \"{}.\"", say.empty() ? "" : " ", who[s.speaker],
                       words_of(s, who, pair));
    for (const auto number :
         {static_cast<std::int64_t>(s.speaker), static_cast<std::int64_t>(s.about), s.claim}) {
      item.facts.numbers.push_back(number);
    }
  }
  item.slots.set("good", pair.good);
  item.slots.set("bad", pair.bad);
  item.slots.set("say", say);
  item.slots.set("people", join_and(who));
  item.slots.set("format",
                 draw.one_of({fmt::format("Write {} or {} for {}, in this order.", pair.good,
                                          pair.bad, join_and(who)),
                              fmt::format("Answer with {} or {} for each, in the order {}.",
                                          pair.good, pair.bad, join(who, ", "))}));
  item.facts.words = who;
  item.facts.words.emplace_back(pair.good);
  item.facts.words.emplace_back(pair.bad);
  std::vector<std::string> kinds;
  for (std::size_t i = 0; i < n; ++i) {
    kinds.emplace_back((worlds[0] >> i & 1) != 0 ? pair.good : pair.bad);
  }
  item.answer = join(kinds, ", ");
  solve(item, statements, worlds[0], who, pair);
}

// facts.words: the people, then the word for a knight and the word for a knave.
bool verify(const Facts& facts, std::string_view answer) {
  const std::size_t n = facts.words.size() - 2;
  const auto kinds = parse_list(answer, n);
  if (!kinds || kinds->size() != n) return false;
  std::uint32_t world = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if ((*kinds)[i] == facts.words[n]) {
      world |= 1u << i;
    } else if ((*kinds)[i] != facts.words[n + 1]) {
      return false;
    }
  }
  std::vector<Statement> statements;
  for (std::size_t i = 0; i + 2 < facts.numbers.size(); i += 3) {
    statements.push_back({static_cast<std::size_t>(facts.numbers[i]),
                          static_cast<std::size_t>(facts.numbers[i + 1]), facts.numbers[i + 2]});
  }
  return fits(statements, world);
}

}  // namespace

constinit const Family kKnights = {"knights", "logic",       "who tells the truth and who lies",
                                   5,         Use::kShipped, kTemplates,
                                   make,      verify};

}  // namespace sputnik::tasks
