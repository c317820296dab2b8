#include <gtest/gtest.h>

#include <cmath>

#include "kernels/dispatch.h"
#include "kernels/kernel_cases_testing.h"

namespace sputnik::kernels {
namespace {

constexpr std::int64_t kLengths[] = {1, 7, 8, 15, 16, 17, 33, 64, 80, 256, 1537};

void expect_near(const std::vector<float>& actual, const std::vector<float>& expected,
                 double tolerance) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i)
    ASSERT_NEAR(actual[i], expected[i], tolerance * (1 + std::abs(expected[i]))) << i;
}

TEST(RmsNormBackward, EveryTableMatchesTheReference) {
  for (const KernelTable* table : supported_tables()) {
    for (const std::int64_t n : kLengths) {
      for (const bool accumulate : {false, true}) {
        SCOPED_TRACE(testing::Message() << table->name << " n=" << n);
        const auto x = random_floats(n, 1), w = random_floats(n, 2), dy = random_floats(n, 3);
        std::vector<float> dx = random_floats(n, 4), dw = random_floats(n, 5);
        std::vector<float> expected_dx = dx, expected_dw = dw;
        reference_table().rms_norm_backward(x.data(), w.data(), dy.data(), expected_dx.data(),
                                            expected_dw.data(), n, 1e-6f, accumulate);
        table->rms_norm_backward(x.data(), w.data(), dy.data(), dx.data(), dw.data(), n, 1e-6f,
                                 accumulate);
        expect_near(dx, expected_dx, 2e-5);
        expect_near(dw, expected_dw, 4e-6);
      }
    }
  }
}

TEST(SiluMulBackward, EveryTableMatchesTheReference) {
  for (const KernelTable* table : supported_tables()) {
    for (const std::int64_t n : kLengths) {
      for (const bool accumulate : {false, true}) {
        SCOPED_TRACE(testing::Message() << table->name << " n=" << n);
        auto gate = random_floats(n, 1);
        const auto up = random_floats(n, 2), dy = random_floats(n, 3);
        for (float& v : gate) v *= 20;
        std::vector<float> dgate = random_floats(n, 4), dup = random_floats(n, 5);
        std::vector<float> expected_dgate = dgate, expected_dup = dup;
        reference_table().silu_mul_backward(gate.data(), up.data(), dy.data(),
                                            expected_dgate.data(), expected_dup.data(), n,
                                            accumulate);
        table->silu_mul_backward(gate.data(), up.data(), dy.data(), dgate.data(), dup.data(), n,
                                 accumulate);
        expect_near(dgate, expected_dgate, 2e-5);
        expect_near(dup, expected_dup, 2e-5);
      }
    }
  }
}

TEST(CrossEntropyRow, EveryTableMatchesTheReference) {
  for (const KernelTable* table : supported_tables()) {
    for (const std::int64_t n : kLengths) {
      SCOPED_TRACE(testing::Message() << table->name << " n=" << n);
      std::vector<float> logits = random_floats(n, 1);
      for (float& v : logits) v *= 10;
      std::vector<float> expected = logits;
      const std::int64_t target = n / 2;
      const float loss = table->cross_entropy_row(logits.data(), n, target, 0.5f);
      EXPECT_NEAR(loss, reference_table().cross_entropy_row(expected.data(), n, target, 0.5f),
                  4e-5);
      for (std::int64_t i = 0; i < n; ++i) ASSERT_NEAR(logits[i], expected[i], 2e-6) << i;
    }
  }
}

TEST(CrossEntropyRow, StandsLargeLogits) {
  for (const KernelTable* table : supported_tables()) {
    std::vector<float> logits = {1e4f, -1e4f, 0.0f};
    EXPECT_NEAR(table->cross_entropy_row(logits.data(), 3, 1, 1.0f), 2e4f, 1) << table->name;
    EXPECT_EQ(logits, (std::vector<float>{1, -1, 0})) << table->name;
  }
}

// A tile whose first rows see nothing, whose middle rows see a part, and whose last rows see all.
TEST(SoftmaxTile, EveryTableMatchesTheReference) {
  for (const KernelTable* table : supported_tables()) {
    for (const std::int64_t width : {1, 5, 16, 31, 64}) {
      for (const std::int64_t n_visible : {-3, 1, 100}) {
        SCOPED_TRACE(testing::Message() << table->name << " width=" << width << " " << n_visible);
        const std::int64_t n_rows = 70, value_dim = 20, stride = 64;
        const AttentionTile tile{n_rows, width, stride, n_visible, 0.7f};
        std::vector<float> out = random_floats(n_rows * value_dim, 1), expected_out = out;
        std::vector<float> most(n_rows, -INFINITY), sums(n_rows, 0), expected_most = most,
                                                                     expected_sums = sums;
        for (const std::uint64_t seed : {2, 3}) {  // the second tile rescales what the first left
          std::vector<float> scores = random_floats(n_rows * stride, seed);
          for (float& v : scores) v *= static_cast<float>(seed * seed);
          std::vector<float> expected = scores;
          reference_table().softmax_tile(tile, expected.data(), expected_most.data(),
                                         expected_sums.data(), expected_out.data(), value_dim,
                                         value_dim);
          table->softmax_tile(tile, scores.data(), most.data(), sums.data(), out.data(), value_dim,
                              value_dim);
          for (std::int64_t r = 0; r < n_rows; ++r) {
            for (std::int64_t j = 0; j < width; ++j)
              ASSERT_NEAR(scores[r * stride + j], expected[r * stride + j], 2e-6) << r << " " << j;
          }
          EXPECT_EQ(most, expected_most);
          expect_near(sums, expected_sums, 4e-6);
          expect_near(out, expected_out, 4e-6);
        }
      }
    }
  }
}

TEST(SoftmaxTileBackward, EveryTableMatchesTheReference) {
  for (const KernelTable* table : supported_tables()) {
    for (const std::int64_t width : {1, 5, 16, 31, 64}) {
      for (const std::int64_t n_visible : {-3, 1, 100}) {
        SCOPED_TRACE(testing::Message() << table->name << " width=" << width << " " << n_visible);
        const std::int64_t n_rows = 70, stride = 64;
        const AttentionTile tile{n_rows, width, stride, n_visible, 0.7f};
        std::vector<float> scores = random_floats(n_rows * stride, 1), expected_scores = scores;
        std::vector<float> dp = random_floats(n_rows * stride, 2), expected_dp = dp;
        const auto log_sum = random_floats(n_rows, 3), mean_dp = random_floats(n_rows, 4);
        reference_table().softmax_tile_backward(tile, expected_scores.data(), expected_dp.data(),
                                                log_sum.data(), mean_dp.data());
        table->softmax_tile_backward(tile, scores.data(), dp.data(), log_sum.data(),
                                     mean_dp.data());
        for (std::int64_t r = 0; r < n_rows; ++r) {
          for (std::int64_t j = 0; j < width; ++j) {
            const std::int64_t i = r * stride + j;
            ASSERT_NEAR(scores[i], expected_scores[i], 1e-5) << r << " " << j;
            ASSERT_NEAR(dp[i], expected_dp[i], 2e-5) << r << " " << j;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace sputnik::kernels
