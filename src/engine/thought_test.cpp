#include "engine/thought.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "engine/loop_detector.h"

namespace sputnik {
namespace {

constexpr std::int32_t kBegin = 100, kEnd = 101;

ThoughtOptions options(std::int64_t budget = -1) {
  ThoughtOptions o;
  o.begin_id = kBegin;
  o.end_id = kEnd;
  o.starts_in_thought = true;
  o.budget = budget;
  o.closing = {1, 2, kEnd, 3};
  return o;
}

TEST(ThoughtTracker, AThoughtIsAtTheBeginningOrNowhere) {
  ThoughtTracker opened(options());
  EXPECT_TRUE(opened.in_thought());
  opened.feed(5);
  opened.feed(kEnd);
  EXPECT_FALSE(opened.in_thought());
  EXPECT_EQ(opened.n_thought_tokens(), 2);
  opened.feed(kBegin);
  EXPECT_FALSE(opened.in_thought());

  ThoughtOptions by_model = options();
  by_model.starts_in_thought = false;
  ThoughtTracker thinks(by_model), answers(by_model);
  EXPECT_TRUE(thinks.undecided());
  thinks.feed(kBegin);
  EXPECT_TRUE(thinks.in_thought());
  EXPECT_EQ(thinks.n_thought_tokens(), 0);
  answers.feed(5);
  answers.feed(kBegin);
  EXPECT_FALSE(answers.in_thought());

  ThoughtTracker without(ThoughtOptions{});
  without.feed(kBegin);
  EXPECT_FALSE(without.in_thought());
}

// Whatever the budget, the thought has exactly as many tokens, if there is room for one at all.
TEST(ThoughtTracker, ABudgetIsMetExactly) {
  for (std::int64_t budget = 0; budget <= 20; ++budget) {
    ThoughtTracker thought(options(budget));
    int n_fed = 0;
    while (thought.must_close(false) == ThoughtClosed::kNot) {
      thought.feed(5);
      ++n_fed;
      ASSERT_LT(n_fed, 30);
    }
    EXPECT_EQ(thought.must_close(false), ThoughtClosed::kBudget);
    for (const std::int32_t token : thought.closing(ThoughtClosed::kBudget)) thought.feed(token);
    EXPECT_FALSE(thought.in_thought());
    EXPECT_EQ(thought.n_thought_tokens(), std::max<std::int64_t>(budget, 1)) << budget;
    EXPECT_EQ(thought.must_close(true), ThoughtClosed::kNot);
  }
}

TEST(ThoughtTracker, CanBeClosedAndItsBudgetChangedWhileItGoesOn) {
  ThoughtTracker thought(options());
  for (int i = 0; i < 10; ++i) thought.feed(5);
  EXPECT_EQ(thought.must_close(false), ThoughtClosed::kNot);
  EXPECT_EQ(thought.must_close(true), ThoughtClosed::kRepetition);
  thought.set_budget(5);
  EXPECT_EQ(thought.must_close(false), ThoughtClosed::kBudget);
  EXPECT_EQ(thought.closing(ThoughtClosed::kBudget).front(), kEnd);  // too late for more words
  thought.set_budget(50);
  EXPECT_EQ(thought.must_close(false), ThoughtClosed::kNot);
  thought.ask_to_close();
  EXPECT_EQ(thought.must_close(false), ThoughtClosed::kAskedFor);
  EXPECT_EQ(thought.closing(ThoughtClosed::kAskedFor).size(), 4u);
}

bool loops(const std::vector<std::int32_t>& tokens) {
  LoopDetector detector;
  bool looping = false;
  for (std::size_t n = 1; n <= tokens.size(); ++n) {
    detector.feed(std::span(tokens).first(n));
    looping = detector.looping();
  }
  return looping;
}

std::vector<std::int32_t> periodic(std::int64_t period, std::int64_t n) {
  std::vector<std::int32_t> tokens;
  for (std::int64_t i = 0; i < n; ++i)
    tokens.push_back(static_cast<std::int32_t>(i % period * 7 % period));
  return tokens;
}

TEST(LoopDetector, NoticesPeriodsThatRepeatLongEnoughAndNoOthers) {
  for (const std::int64_t period : {1, 2, 10, 41, 100, 512}) {
    const std::int64_t enough =
        std::max(LoopDetector::kMinTokens, LoopDetector::kMinRepeats * period);
    EXPECT_FALSE(loops(periodic(period, enough - 1))) << period;
    EXPECT_TRUE(loops(periodic(period, enough))) << period;
    auto broken = periodic(period, enough);
    broken[broken.size() / 2] = -1;
    EXPECT_FALSE(loops(broken)) << period;
  }
  EXPECT_FALSE(loops(periodic(513, 6 * 513)));
}

TEST(LoopDetector, DoesNotNoticeACountThatGoesOn) {
  std::vector<std::int32_t> lines;
  for (std::int32_t i = 0; i < 400; ++i) lines.insert(lines.end(), {9, 9, 1000 + i, 9, 7});
  EXPECT_FALSE(loops(lines));
}

}  // namespace
}  // namespace sputnik
