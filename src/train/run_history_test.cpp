#include "train/run_history.h"

#include <gtest/gtest.h>

#include <fstream>
#include <numeric>

#include "formats/gguf_testing.h"

namespace sputnik {
namespace {

LogStep step(std::int64_t number, double loss = 1, double seconds = 2) {
  LogStep line;
  line.step = number;
  line.loss = loss;
  line.tokens = 100;
  line.tokens_total = 100.0 * static_cast<double>(number);
  line.seconds = seconds;
  line.learning_rate = 0.5;
  line.energy_j = 10;
  return line;
}

LogStart start(std::int64_t number, bool is_resumed, const char* recipe = "r") {
  LogStart line;
  line.is_resumed = is_resumed;
  line.step = number;
  line.n_steps = 5000;
  line.recipe = recipe;
  return line;
}

double total(const RunHistory& history, double HistoryPoint::*sum) {
  double all = 0;
  for (const HistoryPoint& point : history.points()) all += point.*sum;
  return all;
}

void expect_in_order(const RunHistory& history) {
  std::int64_t last = 0;
  for (const HistoryPoint& point : history.points()) {
    EXPECT_GT(point.first_step, last);
    EXPECT_GE(point.last_step, point.first_step);
    EXPECT_LE(point.loss_min, point.loss() + 1e-9);
    EXPECT_GE(point.loss_max, point.loss() - 1e-9);
    last = point.last_step;
  }
}

TEST(RunHistory, AShortRunHasAPointForEveryStep) {
  RunHistory history;
  EXPECT_EQ(history.state(), RunHistory::State::kEmpty);
  history.add(start(0, false));
  for (int i = 1; i <= 100; ++i) history.add(step(i, i));
  EXPECT_EQ(history.state(), RunHistory::State::kRunning);
  EXPECT_EQ(history.step(), 100);
  EXPECT_EQ(history.n_steps(), 5000);
  ASSERT_EQ(history.points().size(), 100u);
  EXPECT_EQ(history.points()[41].last_step, 42);
  EXPECT_EQ(history.points()[41].loss(), 42);
  EXPECT_DOUBLE_EQ(history.recent_step_s(), 2);
  EXPECT_DOUBLE_EQ(history.recent_tokens_per_s(), 50);
  EXPECT_DOUBLE_EQ(history.usage().energy_j, 1000);
}

TEST(RunHistory, ALongRunKeepsBoundedPointsThatHoldAllSteps) {
  RunHistory history;
  constexpr int kSteps = 100'000;
  for (int i = 1; i <= kSteps; ++i) {
    history.add(step(i, i));
    ASSERT_LE(history.points().size(), RunHistory::kMaxPoints);
  }
  EXPECT_GT(history.points().size(), RunHistory::kMaxPoints / 2 - 1);
  EXPECT_EQ(history.points().front().first_step, 1);
  EXPECT_EQ(history.points().back().last_step, kSteps);
  EXPECT_DOUBLE_EQ(total(history, &HistoryPoint::n), kSteps);
  EXPECT_DOUBLE_EQ(total(history, &HistoryPoint::loss_sum), 0.5 * kSteps * (kSteps + 1.0));
  EXPECT_DOUBLE_EQ(total(history, &HistoryPoint::seconds), 2.0 * kSteps);
  expect_in_order(history);
}

TEST(RunHistory, AfterAResumeTheLaterStepsCountButTheCostStays) {
  RunHistory history;
  history.add(start(0, false));
  for (int i = 1; i <= 50; ++i) history.add(step(i, 1));
  history.add(LogEvaluation{40, {{"addition", 10, 5}}});
  history.add(LogSample{40, "p", "lost"});
  history.add(LogExpertLoads{40, {{0.5f, 0.5f}}});
  history.add(start(30, true));
  EXPECT_EQ(history.step(), 30);
  EXPECT_EQ(history.points().size(), 30u);
  EXPECT_TRUE(history.evaluations().empty());
  EXPECT_TRUE(history.prompts().empty());
  EXPECT_TRUE(history.expert_loads().empty());
  for (int i = 31; i <= 60; ++i) history.add(step(i, 9));
  ASSERT_EQ(history.points().size(), 60u);
  EXPECT_EQ(history.points()[29].loss(), 1);
  EXPECT_EQ(history.points()[30].loss(), 9);
  EXPECT_DOUBLE_EQ(history.usage().steps, 80);
  EXPECT_DOUBLE_EQ(history.usage().energy_j, 800);
  EXPECT_EQ(history.starts().size(), 2u);
}

TEST(RunHistory, AResumeWithinAPointOfManyStepsLosesNoneAndCountsNoneTwice) {
  RunHistory history;
  for (int i = 1; i <= 9000; ++i) history.add(step(i, 3));
  history.add(start(4321, true));
  EXPECT_EQ(history.points().back().last_step, 4321);
  EXPECT_NEAR(total(history, &HistoryPoint::n), 4321, 1e-6);
  for (int i = 4322; i <= 9000; ++i) history.add(step(i, 3));
  EXPECT_NEAR(total(history, &HistoryPoint::n), 9000, 1e-6);
  EXPECT_NEAR(total(history, &HistoryPoint::loss_sum), 27000, 1e-6);
  expect_in_order(history);
}

TEST(RunHistory, AStepThatIsSaidAgainWithoutAResumeReplacesWhatFollowedIt) {
  RunHistory history;
  for (int i = 1; i <= 10; ++i) history.add(step(i, 1));
  history.add(step(5, 7));
  ASSERT_EQ(history.points().size(), 5u);
  EXPECT_EQ(history.points().back().loss(), 7);
  EXPECT_EQ(history.step(), 5);
}

TEST(RunHistory, AStartWithAnotherRecipeIsAnotherRun) {
  RunHistory history;
  history.add(start(0, false, "one"));
  for (int i = 1; i <= 10; ++i) history.add(step(i));
  history.add(start(0, false, "one"));  // killed before its first checkpoint
  EXPECT_DOUBLE_EQ(history.usage().steps, 10);
  EXPECT_TRUE(history.points().empty());
  history.add(start(0, false, "two"));
  EXPECT_DOUBLE_EQ(history.usage().steps, 0);
  EXPECT_EQ(history.starts().size(), 1u);
}

TEST(RunHistory, KnowsHowARunEnded) {
  RunHistory history;
  history.add(LogEnd{LogEnd::Kind::kFailed, 3, "the loss is nan"});
  EXPECT_EQ(history.state(), RunHistory::State::kFailed);
  EXPECT_EQ(history.failure(), "the loss is nan");
  history.add(start(2, true));
  EXPECT_EQ(history.state(), RunHistory::State::kRunning);
  EXPECT_EQ(history.failure(), "");
  history.add(LogEnd{LogEnd::Kind::kStopped, 3, ""});
  EXPECT_EQ(history.state(), RunHistory::State::kStopped);
  history.add(LogEnd{LogEnd::Kind::kFinished, 3, ""});
  EXPECT_EQ(history.state(), RunHistory::State::kFinished);
}

TEST(RunHistory, SamplesOfAPromptGrowTogether) {
  RunHistory history;
  history.add(LogSample{10, "a", "1"});
  history.add(LogSample{10, "b", "2"});
  history.add(LogSample{20, "a", "3"});
  ASSERT_EQ(history.prompts().size(), 2u);
  EXPECT_EQ(history.prompts()[0].texts.size(), 2u);
  EXPECT_EQ(history.newest_prompt()->texts.back().text, "3");
  history.add(LogSample{20, "b", "4"});
  EXPECT_EQ(history.newest_prompt()->prompt, "b");
}

// A log may be of any length and hold anything.
TEST(RunHistory, ItsMemoryIsBounded) {
  RunHistory history;
  std::string long_text(100'000, 'x');
  long_text.replace(RunHistory::kMaxTextBytes - 1, 3, "你");  // is not cut in half
  for (int i = 1; i <= 3000; ++i) {
    history.add(start(i, true));
    history.add(LogEvaluation{i, {{"always", 2, 1}, {fmt::format("f{}{}", i, long_text), 2, 1}}});
    history.add(LogSample{i, fmt::format("{}", i % 40), long_text});
    history.add(LogSample{i, "always", "x"});
    history.add(LogExpertLoads{i, {std::vector<float>(2000, 0.0005f)}});
  }
  EXPECT_LE(history.starts().size(), 200u);
  EXPECT_EQ(history.evaluations().size(), RunHistory::kMaxFamilies);
  EXPECT_EQ(history.prompts().size(), RunHistory::kMaxPrompts);
  for (const auto& prompt : history.prompts()) {
    EXPECT_LE(prompt.texts.size(), RunHistory::kMaxTexts);
    for (const auto& text : prompt.texts) EXPECT_LE(text.text.size(), RunHistory::kMaxTextBytes);
  }
  // What is kept is spread over the whole run: no gap is much larger than another.
  const auto& values = history.evaluations().at("always");
  EXPECT_EQ(values.size(), RunHistory::kMaxEvaluations);
  EXPECT_EQ(values.front().step, 1);
  EXPECT_EQ(values.back().step, 3000);
  for (std::size_t i = 1; i < values.size(); ++i)
    EXPECT_LE(values[i].step - values[i - 1].step, 4 * 3000 / 500);
  EXPECT_LE(history.expert_loads().size(), RunHistory::kMaxExpertLoads);
  std::size_t n_values = 0;
  for (const auto& loads : history.expert_loads()) n_values += loads.layers[0].size();
  EXPECT_LE(n_values, RunHistory::kMaxLoadValues);
}

TEST(RunFollower, ReadsOnlyWhatIsNewAndBeginsAnewWithTheFile) {
  const TestFolder folder;
  const auto path = folder.path() / "log.jsonl";
  RunFollower follower(folder.path());
  EXPECT_TRUE(follower.update().ok());
  EXPECT_EQ(follower.history().state(), RunHistory::State::kEmpty);
  std::ofstream(path, std::ios::app) << "{\"step\":1,\"loss\":2}\n{\"step\":2,\"loss\":2}\n";
  auto news = follower.update();
  ASSERT_TRUE(news.ok());
  EXPECT_EQ(news.value().lines.size(), 2u);
  EXPECT_EQ(follower.history().step(), 2);
  std::filesystem::resize_file(path, 0);
  std::ofstream(path, std::ios::app) << "{\"step\":1,\"loss\":2}\n";
  ASSERT_TRUE(follower.update().ok());
  EXPECT_EQ(follower.history().step(), 1);
  EXPECT_DOUBLE_EQ(follower.history().usage().steps, 1);
}

}  // namespace
}  // namespace sputnik
