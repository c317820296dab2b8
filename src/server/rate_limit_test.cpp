#include "server/rate_limit.h"

#include <gtest/gtest.h>

namespace sputnik::server {
namespace {

using std::chrono::seconds;

const RateLimiter::Clock::time_point kStart{};

TEST(RateLimit, RequestsOfAMinuteMayComeAtOnceAndThenEvenly) {
  RateLimiter limiter;
  for (int i = 0; i < 6; ++i) EXPECT_EQ(limiter.admit("a", 6, 0, kStart), 0) << i;
  EXPECT_EQ(limiter.admit("a", 6, 0, kStart), 10);
  EXPECT_EQ(limiter.admit("a", 6, 0, kStart + seconds(4)), 6);
  EXPECT_EQ(limiter.admit("b", 6, 0, kStart), 0) << "each key has its own";
  EXPECT_EQ(limiter.admit("a", 6, 0, kStart + seconds(10)), 0);
  EXPECT_EQ(limiter.admit("a", 6, 0, kStart + seconds(10)), 10);
}

TEST(RateLimit, ALongPauseSavesNoMoreThanAMinute) {
  RateLimiter limiter;
  for (int i = 0; i < 2; ++i) EXPECT_EQ(limiter.admit("a", 2, 0, kStart), 0);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(limiter.admit("a", 2, 0, kStart + seconds(3600)), 0);
  EXPECT_GT(limiter.admit("a", 2, 0, kStart + seconds(3600)), 0);
}

TEST(RateLimit, TokensAreSpentAfterwardsAndDebtsArePaidOff) {
  RateLimiter limiter;
  EXPECT_EQ(limiter.admit("a", 0, 600, kStart), 0);
  limiter.spend_tokens("a", 1200, kStart);
  EXPECT_EQ(limiter.admit("a", 0, 600, kStart), 61) << "600 owed and one to begin, 10 per second";
  EXPECT_EQ(limiter.admit("a", 0, 600, kStart + seconds(61)), 0);
}

TEST(RateLimit, NoLimitIsNone) {
  RateLimiter limiter;
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(limiter.admit("a", 0, 0, kStart), 0);
  limiter.spend_tokens("a", 1'000'000'000, kStart);
  EXPECT_EQ(limiter.admit("a", 0, 0, kStart), 0);
}

TEST(RateLimit, ARefusedRequestTakesNothing) {
  RateLimiter limiter;
  EXPECT_EQ(limiter.admit("a", 1, 0, kStart), 0);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(limiter.admit("a", 1, 0, kStart), 60);
  EXPECT_EQ(limiter.admit("a", 1, 0, kStart + seconds(60)), 0);
}

}  // namespace
}  // namespace sputnik::server
