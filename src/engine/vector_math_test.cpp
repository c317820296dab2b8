#include "engine/vector_math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace sputnik {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(SoftmaxWeights, AgreeWithTheMathLibrary) {
  std::vector<float> x;
  for (float v = 0; v > -100; v -= 0.00137f) x.push_back(v);
  x.push_back(-kInfinity);
  x.push_back(-3e38f);
  for (const std::size_t n :
       {std::size_t{1}, std::size_t{15}, std::size_t{16}, std::size_t{33}, x.size()}) {
    std::vector<float> y(n), exponents(n);
    const std::span<const float> in(x.data(), n);
    double expected_sum = 0;
    const double sum = softmax_weights(in, 0.0f, 1.0f, y.data(), exponents.data());
    EXPECT_EQ(softmax_weights(in, 0.0f, 1.0f, y.data(), nullptr), sum);
    for (std::size_t i = 0; i < n; ++i) {
      const double expected = x[i] >= -87 ? std::exp(static_cast<double>(x[i])) : 0;
      ASSERT_NEAR(y[i], expected, 3e-7 * expected) << x[i];
      ASSERT_EQ(exponents[i], x[i]);
      expected_sum += expected;
    }
    EXPECT_NEAR(sum, expected_sum, 1e-6 * expected_sum);
  }
}

TEST(SoftmaxWeights, OfTheLargestIsOne) {
  const std::vector<float> x{3.25f, 1, 3.25f, -kInfinity};
  std::vector<float> y(4);
  softmax_weights(x, 3.25f, 0.7f, y.data(), nullptr);
  EXPECT_EQ(y[0], 1.0f);
  EXPECT_EQ(y[2], 1.0f);
  EXPECT_EQ(y[3], 0.0f);
  EXPECT_NEAR(y[1], std::exp(-2.25 / 0.7), 1e-6);
}

TEST(Argmax, IsTheFirstOfTheLargest) {
  for (const std::size_t n : {1, 3, 15, 16, 17, 32, 50}) {
    for (std::size_t at = 0; at < n; ++at) {
      std::vector<float> x(n, -2.0f);
      x[at] = 5;
      x[n - 1] = std::max(x[n - 1], 5.0f);
      EXPECT_EQ(argmax(x), static_cast<std::int32_t>(at)) << n;
      x[at] = std::numeric_limits<float>::quiet_NaN();
      EXPECT_EQ(argmax(x), -1) << n;
      x[at] = kInfinity;
      EXPECT_EQ(argmax(x), -1) << n;
    }
    EXPECT_EQ(argmax(std::vector<float>(n, -kInfinity)), -1);
  }
}

}  // namespace
}  // namespace sputnik
