#include "evaluation/statistics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace sputnik::evaluation {
namespace {

void expect_interval(const Share& share, double value, double low, double high, double tolerance) {
  EXPECT_NEAR(share.value, value, tolerance);
  EXPECT_NEAR(share.low, low, tolerance);
  EXPECT_NEAR(share.high, high, tolerance);
}

// Newcombe 1998 (Statistics in Medicine 17, 857-872), table I, method 3: Wilson without continuity
// correction.
TEST(Wilson, AgreesWithNewcombesTable) {
  expect_interval(wilson(81, 263), 0.3080, 0.2553, 0.3662, 5e-5);
  expect_interval(wilson(15, 148), 0.1014, 0.0624, 0.1605, 5e-5);
  expect_interval(wilson(0, 20), 0, 0, 0.1611, 5e-5);
  expect_interval(wilson(1, 29), 0.0345, 0.0061, 0.1718, 5e-5);
}

TEST(Wilson, IsWiderForFewerItemsAndHoldsTheValue) {
  for (const double n : {1.0, 7.0, 250.0, 1e6}) {
    for (const double p : {0.0, 0.03, 0.5, 0.99, 1.0}) {
      const Share share = wilson(p * n, n), half = wilson(p * n / 2, n / 2);
      EXPECT_LE(0, share.low);
      EXPECT_LE(share.low, share.value);
      EXPECT_LE(share.value, share.high);
      EXPECT_LE(share.high, 1);
      EXPECT_LT(share.high - share.low, half.high - half.low);
    }
  }
  expect_interval(wilson(0, 0), 0, 0, 1, 0);
}

// By its meaning: draw k of n samples in all ways.
double pass_by_enumeration(int n, int n_right, int k) {
  int n_draws = 0, n_passed = 0;
  for (int set = 0; set < 1 << n; ++set) {
    if (__builtin_popcount(static_cast<unsigned>(set)) != k) continue;
    ++n_draws;
    n_passed += (set & ((1 << n_right) - 1)) != 0 ? 1 : 0;
  }
  return static_cast<double>(n_passed) / n_draws;
}

TEST(PassAtK, IsTheShareOfDrawsThatHoldARightSample) {
  for (int n = 1; n <= 8; ++n) {
    for (int n_right = 0; n_right <= n; ++n_right) {
      for (int k = 1; k <= n; ++k)
        EXPECT_NEAR(pass_at_k(n, n_right, k), pass_by_enumeration(n, n_right, k), 1e-12);
    }
  }
  // 1 - C(195, 10) / C(200, 10), in whole numbers: Codex's setting of 200 samples.
  EXPECT_NEAR(pass_at_k(200, 5, 10), 0.22828446, 1e-8);
  EXPECT_NEAR(pass_at_k(200, 5, 1), 0.025, 1e-12);
}

TEST(McNemar, AgreesWithPublishedValues) {
  // Agresti, Categorical Data Analysis, section 10.1: approval of a prime minister, 86 against 150:
  // z^2 = 17.36; the exact test is of the same size, p = 3.7e-5 (two-sided).
  EXPECT_NEAR(mcnemar_exact(150, 86), 3.72e-5, 2e-6);
  // Sign tests by hand: 2 (C(10,0) + C(10,1)) / 2^10, and 2 (1 + 5) / 2^5.
  EXPECT_NEAR(mcnemar_exact(1, 9), 22.0 / 1024, 1e-12);
  EXPECT_NEAR(mcnemar_exact(4, 1), 12.0 / 32, 1e-12);
  EXPECT_NEAR(mcnemar_exact(0, 6), 2.0 / 64, 1e-12);
}

TEST(McNemar, IsSymmetricAndOneWhenNothingDiffers) {
  EXPECT_EQ(mcnemar_exact(0, 0), 1);
  EXPECT_EQ(mcnemar_exact(7, 7), 1);
  EXPECT_EQ(mcnemar_exact(3, 11), mcnemar_exact(11, 3));
  EXPECT_LT(mcnemar_exact(0, 5000), 1e-300);  // and no overflow on the way
}

}  // namespace
}  // namespace sputnik::evaluation
