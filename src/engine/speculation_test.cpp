#include "engine/speculation.h"

#include <gtest/gtest.h>

#include "engine/fair_share.h"

namespace sputnik {
namespace {

std::vector<std::int32_t> draft(std::vector<std::int32_t> tokens, std::int64_t n) {
  std::vector<std::int32_t> out;
  lookup_draft(tokens, n, out);
  return out;
}

using Tokens = std::vector<std::int32_t>;

TEST(LookupDraft, RepeatsWhatFollowedTheLongestAndThenTheLatestMatch) {
  EXPECT_EQ(draft({1, 2, 3, 4, 1, 2}, 2), (Tokens{3, 4}));
  EXPECT_EQ(draft({1, 2, 3, 4, 1, 2}, 8), (Tokens{3, 4, 1, 2}));
  EXPECT_EQ(draft({1, 2, 8, 1, 2, 9, 1, 2}, 1), (Tokens{9}));        // the latest
  EXPECT_EQ(draft({7, 1, 2, 8, 1, 2, 9, 7, 1, 2}, 1), (Tokens{8}));  // the longest
  EXPECT_EQ(draft({5, 5, 5, 5}, 2), (Tokens{5}));
  EXPECT_EQ(draft({1, 2, 3, 4, 5, 2}, 2), (Tokens{}));  // one token is no match
  EXPECT_EQ(draft({1}, 2), (Tokens{}));
  EXPECT_EQ(draft({}, 2), (Tokens{}));
}

TEST(DraftLength, GuessesMoreWhenGuessesComeTrueAndStopsWhenTheyDoNot) {
  DraftLength good, bad;
  for (int i = 0; i < 100; ++i) {
    good.observe(4, 4);
    bad.observe(4, 0);
  }
  EXPECT_EQ(good.choose(0.05), kMaxDraft);
  EXPECT_GE(good.choose(0.3), 1);
  int n_tries = 0;
  for (int i = 0; i < 640; ++i) n_tries += bad.choose(0.1) > 0 ? 1 : 0;
  EXPECT_EQ(n_tries, 10);          // it tries again, seldom
  EXPECT_EQ(good.choose(1.0), 0);  // a row that costs as much as a pass never pays
}

TEST(StepCost, FitsALineThroughWhatItSaw) {
  StepCost cost;
  EXPECT_EQ(cost.share_of_a_row(1), 0.125);
  for (int i = 0; i < 200; ++i) cost.observe(1 + i % 5, 20 + 2.0 * (1 + i % 5));
  EXPECT_NEAR(cost.ms(1), 22, 0.01);
  EXPECT_NEAR(cost.ms(10), 40, 0.01);
  EXPECT_NEAR(cost.share_of_a_row(1), 2.0 / 22, 1e-3);
}

TEST(PrefillPace, TakesAsManyTokensAsWereMeasuredToFit) {
  PrefillPace pace(60);
  EXPECT_EQ(pace.tokens(512), 16);
  for (int i = 0; i < 50; ++i) pace.observe(4, 0, 40);
  for (int i = 0; i < 50; ++i) pace.observe(4, 30, 40 + 30 * 1.99);
  EXPECT_EQ(pace.tokens(512), 30);
  EXPECT_EQ(pace.tokens(20), 20);
  for (int i = 0; i < 50; ++i) pace.observe(0, 100, 100 * 50.0);
  EXPECT_EQ(pace.tokens(512), 8);  // progress all the same
}

TEST(FairShare, WhoWasServedLeastIsKnownAndPausesSaveUpNothing) {
  FairShare share;
  share.arrive(1);
  share.charge(1, 100);
  share.arrive(2);
  EXPECT_EQ(share.served(2), 100);  // no credit for the time before
  share.charge(2, 10);
  EXPECT_LT(share.served(1), share.served(2));
  share.leave(1);
  share.charge(2, 500);
  share.arrive(1);
  EXPECT_EQ(share.served(1), share.served(2));
  share.leave(1);
  share.leave(2);
  share.arrive(3);
  EXPECT_EQ(share.served(3), 610);
}

}  // namespace
}  // namespace sputnik
