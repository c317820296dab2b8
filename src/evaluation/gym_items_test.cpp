#include "evaluation/gym_items.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "evaluation/scripted_model_testing.h"

namespace sputnik::evaluation {
namespace {

GymOptions small() {
  GymOptions options;
  options.families = {"addition", "knights"};
  options.n_items = 12;
  return options;
}

TEST(GymItems, FillEveryCellWithTheSameTasksEveryTime) {
  const auto items = make_gym_items(small()).value();
  EXPECT_EQ(fingerprint(items), fingerprint(make_gym_items(small()).value()));
  std::map<std::pair<std::string, std::string>, int> cells;
  std::set<std::string> ids;
  for (const Item& item : items) {
    ++cells[{item.row, item.column}];
    EXPECT_TRUE(ids.insert(item.id).second) << item.id;
    Response response;
    response.answer = item.answer;
    EXPECT_TRUE(grade(item, response, nullptr).value().right);
  }
  EXPECT_EQ(cells.size(), 8u);
  for (const auto& [cell, n] : cells) EXPECT_EQ(n, 12) << cell.first << " " << cell.second;
  EXPECT_TRUE(cells.contains({"addition", "in range"}));
  EXPECT_TRUE(cells.contains({"addition", "in range, new wording"}));
  EXPECT_TRUE(cells.contains({"knights", "level + 1"}));
  EXPECT_TRUE(cells.contains({"knights", "level + 1, new wording"}));
}

// The level is part of the id: family/level/split/seed.
std::set<std::string> levels_of(const GymOptions& options, const std::string& family) {
  std::set<std::string> levels;
  for (const Item& item : make_gym_items(options).value()) {
    if (item.row == family)
      levels.insert(item.id.substr(family.size() + 1,
                                   item.id.find('/', family.size() + 1) - family.size() - 1));
  }
  return levels;
}

TEST(GymItems, LevelsAreSeenFromTheTrainedOne) {
  GymOptions options = small();  // addition has 7 levels, knights 5
  options.levels = {"in-range"};
  EXPECT_EQ(levels_of(options, "addition"), (std::set<std::string>{"1", "2", "3", "4", "5"}));
  EXPECT_EQ(levels_of(options, "knights"), (std::set<std::string>{"1", "2", "3"}));
  options.trained_level = 2;
  EXPECT_EQ(levels_of(options, "addition"), (std::set<std::string>{"1", "2"}));
  options.levels = {"+1"};
  EXPECT_EQ(levels_of(options, "addition"), (std::set<std::string>{"3"}));
  options.levels = {"+2", "6-9"};
  EXPECT_EQ(levels_of(options, "addition"), (std::set<std::string>{"4", "6", "7"}));
  EXPECT_EQ(levels_of(options, "knights"), (std::set<std::string>{"4"}));
}

TEST(GymItems, ChooseFamiliesByNameOrUse) {
  const auto rows = [](std::vector<std::string> families) {
    GymOptions options;
    options.families = std::move(families);
    options.n_items = 1;
    std::set<std::string> found;
    for (const Item& item : make_gym_items(options).value()) found.insert(item.row);
    return found;
  };
  EXPECT_EQ(rows({"all"}).size(), tasks::families().size());
  EXPECT_EQ(rows({"probe", "addition", "probe"}).size(), rows({"probe"}).size() + 1);
  EXPECT_LT(rows({"shipped"}).size(), rows({"shipped", "extra"}).size());
}

TEST(GymItems, RefuseWhatIsNoFamilyOrLevel) {
  const auto message = [](const GymOptions& options) {
    const auto items = make_gym_items(options);
    EXPECT_FALSE(items.ok());
    return items.ok() ? "" : items.error().message;
  };
  GymOptions options = small();
  options.families = {"additions"};
  EXPECT_EQ(message(options), "there is no family of tasks named 'additions'");
  for (const char* word : {"", "0", "x", "3-2", "-1", "+3", "1-", "99999999999"}) {
    options = small();
    options.levels = {word};
    EXPECT_NE(message(options).find("levels are in-range"), std::string::npos) << word;
  }
  options.levels = {"50"};
  EXPECT_EQ(message(options), "no family of the gym has such levels");
}

TEST(TraceLengths, AFamilyWhoseTeacherNeedsMoreIsRefused) {
  const Tokenizer tokenizer = make_chat_tokenizer();
  const auto items = make_gym_items(small()).value();
  const auto lengths = trace_lengths(items, tokenizer);
  ASSERT_EQ(lengths.size(), 2u);
  for (const TraceLength& length : lengths) {
    std::vector<std::size_t> all;
    for (const Item& item : items) {
      if (item.family != length.family) continue;
      all.push_back(tokenizer.encode("\n" + item.thought + "\n").size() +
                    tokenizer.encode("\n\n" + item.answer).size() + 3);
    }
    std::sort(all.begin(), all.end());
    EXPECT_EQ(length.longest, static_cast<std::int64_t>(all.back()));
    // 48 tasks: 45.6, so the 46th.
    EXPECT_EQ(length.p95, static_cast<std::int64_t>(all[45]));
  }
  const std::int64_t p95 = std::max(lengths[0].p95, lengths[1].p95);
  EXPECT_TRUE(check_trace_lengths(lengths, p95).ok());
  const auto refused = check_trace_lengths(lengths, p95 - 1);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find(std::to_string(p95)), std::string::npos);
}

}  // namespace
}  // namespace sputnik::evaluation
