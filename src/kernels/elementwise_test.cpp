#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>

#include "kernels/dispatch.h"
#include "kernels/kernel_cases_testing.h"

namespace sputnik::kernels {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> scaled(std::vector<float> x, float factor) {
  for (float& v : x) v *= factor;
  return x;
}

double relative_error(float actual, double expected) {
  return expected == actual ? 0 : std::abs(actual - expected) / std::abs(expected);
}

TEST(RmsNorm, EveryTableMatchesTheReference) {
  for (const KernelTable* table : supported_tables()) {
    for (const std::int64_t n : edge_lengths()) {
      SCOPED_TRACE(testing::Message() << table->name << " n=" << n);
      const auto x = random_floats(n, 1), w = random_floats(n, 2);
      std::vector<float> expected(n), actual(n + 1, 42);
      reference_table().rms_norm(x.data(), w.data(), expected.data(), n, 1e-6f);
      table->rms_norm(x.data(), w.data(), actual.data(), n, 1e-6f);
      for (std::int64_t i = 0; i < n; ++i)
        ASSERT_LE(relative_error(actual[i], expected[i]), 2e-6) << i;
      EXPECT_EQ(actual[n], 42) << "wrote past the end";
    }
  }
}

TEST(Scale, EveryTableMatchesTheReferenceToTheBit) {
  for (const KernelTable* table : supported_tables()) {
    for (const std::int64_t n : edge_lengths()) {
      const auto x = random_floats(n, 1);
      std::vector<float> expected(n), actual(n + 1, 42);
      reference_table().scale(0.3f, x.data(), expected.data(), n);
      table->scale(0.3f, x.data(), actual.data(), n);
      EXPECT_EQ(actual.back(), 42) << "wrote past the end";
      actual.pop_back();
      EXPECT_EQ(actual, expected) << table->name << " n=" << n;
    }
  }
}

TEST(Dot, EveryTableMatchesTheReference) {
  for (const KernelTable* table : supported_tables()) {
    for (const std::int64_t n : edge_lengths()) {
      const auto a = random_floats(n, 1), b = random_floats(n, 2);
      double magnitude = 0;
      for (std::int64_t i = 0; i < n; ++i) magnitude += std::abs(double{a[i]} * b[i]);
      EXPECT_NEAR(table->dot(a.data(), b.data(), n), reference_table().dot(a.data(), b.data(), n),
                  1e-6 * magnitude)
          << table->name << " n=" << n;
    }
  }
}

TEST(RmsNorm, MayOverwriteItsInput) {
  for (const KernelTable* table : supported_tables()) {
    const auto x = random_floats(100, 1), w = random_floats(100, 2);
    std::vector<float> apart(100), in_place = x;
    table->rms_norm(x.data(), w.data(), apart.data(), 100, 1e-6f);
    table->rms_norm(in_place.data(), w.data(), in_place.data(), 100, 1e-6f);
    EXPECT_EQ(in_place, apart) << table->name;
  }
}

TEST(RmsNorm, IgnoresTheScaleOfItsInput) {
  for (const KernelTable* table : supported_tables()) {
    const auto x = random_floats(576, 3), ones = std::vector<float>(576, 1.0f);
    std::vector<float> a(576), b(576);
    table->rms_norm(x.data(), ones.data(), a.data(), 576, 0.0f);
    table->rms_norm(scaled(x, 1024).data(), ones.data(), b.data(), 576,
                    0.0f);  // a power of two: exact
    EXPECT_EQ(a, b) << table->name;
  }
}

TEST(RmsNorm, GivesRowsOfMeanSquareOne) {
  for (const KernelTable* table : supported_tables()) {
    const auto x = random_floats(7168, 4), ones = std::vector<float>(7168, 1.0f);
    std::vector<float> y(7168);
    table->rms_norm(x.data(), ones.data(), y.data(), 7168, 0.0f);
    double sum_sq = 0;
    for (const float v : y) sum_sq += double{v} * v;
    EXPECT_NEAR(sum_sq / 7168, 1, 1e-6) << table->name;
  }
}

TEST(Add, IsExactInEveryTable) {
  for (const KernelTable* table : supported_tables()) {
    for (const std::int64_t n : edge_lengths()) {
      const auto a = random_floats(n, 1), b = random_floats(n, 2);
      std::vector<float> expected(n), actual(n), in_place = b;
      for (std::int64_t i = 0; i < n; ++i) expected[i] = a[i] + b[i];
      table->add(a.data(), b.data(), actual.data(), n);
      table->add(a.data(), in_place.data(), in_place.data(), n);
      ASSERT_EQ(actual, expected) << table->name << " n=" << n;
      ASSERT_EQ(in_place, expected) << table->name << " n=" << n;
    }
  }
}

TEST(AddScaled, RoundsOncePerElement) {
  for (const KernelTable* table : supported_tables()) {
    for (const std::int64_t n : edge_lengths()) {
      const auto x = random_floats(n, 1);
      std::vector<float> y = random_floats(n + 1, 2), expected = y;
      for (std::int64_t i = 0; i < n; ++i) expected[i] = std::fma(0.3f, x[i], expected[i]);
      table->add_scaled(0.3f, x.data(), y.data(), n);
      ASSERT_EQ(y, expected) << table->name << " n=" << n;
    }
  }
}

void expect_silu_mul(const KernelTable& table, const std::vector<float>& gate,
                     const std::vector<float>& up) {
  const auto n = static_cast<std::int64_t>(gate.size());
  std::vector<float> actual(n + 1, 42);
  table.silu_mul(gate.data(), up.data(), actual.data(), n);
  for (std::int64_t i = 0; i < n; ++i) {
    const double y = gate[i] / (1 + std::exp(-double{gate[i]})) * up[i];
    ASSERT_NEAR(actual[i], y, 4e-6 * (std::abs(y) + 1e-6))
        << table.name << " gate=" << gate[i] << " up=" << up[i] << " n=" << n;
  }
  EXPECT_EQ(actual[n], 42) << "wrote past the end";
}

TEST(SiluMul, IsWithinToleranceInEveryTable) {
  for (const KernelTable* table : supported_tables()) {
    for (const std::int64_t n : edge_lengths())
      expect_silu_mul(*table, random_floats(n, 1), random_floats(n, 2));
  }
}

TEST(SiluMul, TakesAnyFiniteGate) {
  const std::vector<float> gate = {0.0f, -0.0f, 1e-30f,  -1e-30f, 10,    -10,    30,     -30,
                                   80,   -80,   87.5f,   -87.5f,  88.7f, 89,     -88.7f, -89,
                                   95,   -95,   -103.9f, -110,    1e10f, -1e10f, 3e38f,  -3e38f};
  const std::vector<float> ones(gate.size(), 1.0f);
  for (const KernelTable* table : supported_tables()) expect_silu_mul(*table, gate, ones);
}

// A dense scan: the error of the exponential shows between the points where its polynomial is
// exact.
TEST(SiluMul, IsAccurateEverywhereBetweenMinus20And20) {
  std::vector<float> gate;
  for (int i = -200000; i <= 200000; ++i) gate.push_back(static_cast<float>(i) * 1e-4f);
  const std::vector<float> ones(gate.size(), 1.0f);
  for (const KernelTable* table : supported_tables()) {
    std::vector<float> y(gate.size());
    table->silu_mul(gate.data(), ones.data(), y.data(), static_cast<std::int64_t>(gate.size()));
    double worst = 0;
    for (std::size_t i = 0; i < gate.size(); ++i) {
      worst = std::max(worst, relative_error(y[i], gate[i] / (1 + std::exp(-double{gate[i]}))));
    }
    EXPECT_LE(worst, 4e-7) << table->name;
  }
}

TEST(SiluMul, MayOverwriteEitherInput) {
  for (const KernelTable* table : supported_tables()) {
    const auto gate = random_floats(100, 1), up = random_floats(100, 2);
    std::vector<float> apart(100), over_gate = gate, over_up = up;
    table->silu_mul(gate.data(), up.data(), apart.data(), 100);
    table->silu_mul(over_gate.data(), up.data(), over_gate.data(), 100);
    table->silu_mul(gate.data(), over_up.data(), over_up.data(), 100);
    EXPECT_EQ(over_gate, apart) << table->name;
    EXPECT_EQ(over_up, apart) << table->name;
  }
}

struct Angles {
  std::vector<float> cos, sin;
};
Angles angles_at(std::int64_t n_pairs, double position) {
  Angles angles;
  for (std::int64_t i = 0; i < n_pairs; ++i) {
    const double angle =
        position * std::pow(10000.0, -static_cast<double>(i) / static_cast<double>(n_pairs));
    angles.cos.push_back(static_cast<float>(std::cos(angle)));
    angles.sin.push_back(static_cast<float>(std::sin(angle)));
  }
  return angles;
}

// 32: DeepSeek's qk_rope_head_dim / 2. 64: Qwen2 and Llama.
constexpr std::int64_t kPairs[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 64};

TEST(Rope, EveryTableMatchesTheReference) {
  for (const KernelTable* table : supported_tables()) {
    for (const std::int64_t n : kPairs) {
      SCOPED_TRACE(testing::Message() << table->name << " n_pairs=" << n);
      const auto x = random_floats(2 * n + 1, 1);
      const Angles a = angles_at(n, 12345);
      for (const auto rope : {&KernelTable::rope_interleaved, &KernelTable::rope_half}) {
        std::vector<float> expected = x, actual = x;
        (reference_table().*rope)(expected.data(), a.cos.data(), a.sin.data(), n);
        (table->*rope)(actual.data(), a.cos.data(), a.sin.data(), n);
        for (std::int64_t i = 0; i < 2 * n; ++i)
          ASSERT_NEAR(actual[i], expected[i], 1e-6 * (std::abs(x[i]) + 0.1));
        EXPECT_EQ(actual.back(), x.back()) << "wrote past the end";
      }
    }
  }
}

TEST(Rope, TurnsPairsByTheirAngle) {
  for (const KernelTable* table : supported_tables()) {
    const auto quarter = static_cast<float>(std::numbers::pi / 2);
    const std::vector<float> cos = {1.0f, std::cos(quarter)}, sin = {0.0f, std::sin(quarter)};
    std::vector<float> interleaved = {1, 2, 3, 4}, half = {1, 3, 2, 4};
    table->rope_interleaved(interleaved.data(), cos.data(), sin.data(), 2);
    table->rope_half(half.data(), cos.data(), sin.data(), 2);
    const std::vector<float> turned = {1, 2, -4, 3};
    for (int i = 0; i < 4; ++i) EXPECT_NEAR(interleaved[i], turned[i], 1e-6) << table->name;
    for (int i = 0; i < 4; ++i)
      EXPECT_NEAR(half[i], turned[i / 2 + i % 2 * 2], 1e-6) << table->name;
  }
}

TEST(Rope, PreservesNorms) {
  for (const KernelTable* table : supported_tables()) {
    const auto x = random_floats(128, 1);
    const Angles a = angles_at(64, 4096);
    for (const auto rope : {&KernelTable::rope_interleaved, &KernelTable::rope_half}) {
      std::vector<float> y = x;
      (table->*rope)(y.data(), a.cos.data(), a.sin.data(), 64);
      double before = 0, after = 0;
      for (int i = 0; i < 128; ++i) before += double{x[i]} * x[i], after += double{y[i]} * y[i];
      EXPECT_NEAR(after, before, 1e-5) << table->name;
    }
  }
}

TEST(Rope, MakesScoresDependOnTheDistanceOnly) {
  const auto q = random_floats(128, 1), k = random_floats(128, 2);
  for (const KernelTable* table : supported_tables()) {
    for (const auto rope : {&KernelTable::rope_interleaved, &KernelTable::rope_half}) {
      const auto score = [&](double q_position, double k_position) {
        std::vector<float> a = q, b = k;
        const Angles of_q = angles_at(64, q_position), of_k = angles_at(64, k_position);
        (table->*rope)(a.data(), of_q.cos.data(), of_q.sin.data(), 64);
        (table->*rope)(b.data(), of_k.cos.data(), of_k.sin.data(), 64);
        double sum = 0;
        for (int i = 0; i < 128; ++i) sum += double{a[i]} * b[i];
        return sum;
      };
      EXPECT_NEAR(score(17, 5), score(1017, 1005), 1e-5) << table->name;
      EXPECT_GT(std::abs(score(17, 5) - score(17, 6)), 1e-3) << table->name;
    }
  }
}

// The sixteen bits between neighbouring halves decide how a float is rounded; all halves, and what
// lies between them.
TEST(FloatToHalf, IsExactInEveryTable) {
  std::vector<float> x = {0.0f,
                          -0.0f,
                          65504,
                          65519.996f,
                          65520,
                          1e6f,
                          -1e6f,
                          kInfinity,
                          -kInfinity,
                          0x1p-24f,
                          0x1p-25f,
                          0x1.000002p-25f,
                          0x1.8p-24f,
                          0x1.ff8p-15f,
                          0x1.ffcp-15f,
                          1e-40f,
                          std::bit_cast<float>(0x7FC12345u),
                          std::bit_cast<float>(0xFF800001u)};
  for (std::uint32_t high = 0; high < 0x10000; ++high) {
    for (const std::uint32_t low : {0x0000u, 0x0FFFu, 0x1000u, 0x1001u, 0x3000u, 0xFFFFu}) {
      x.push_back(std::bit_cast<float>(high << 16 | low));
    }
  }
  const auto n = static_cast<std::int64_t>(x.size());
  std::vector<std::uint16_t> expected(n), actual(n);
  reference_table().float_to_half(x.data(), expected.data(), n);
  EXPECT_EQ(expected[2], 0x7BFF);
  EXPECT_EQ(expected[3], 0x7BFF);
  EXPECT_EQ(expected[4], 0x7C00);
  EXPECT_EQ(expected[9], 0x0001);
  EXPECT_EQ(expected[10], 0x0000);  // half way between 0 and the smallest half: to even
  EXPECT_EQ(expected[11], 0x0001);
  for (const KernelTable* table : supported_tables()) {
    table->float_to_half(x.data(), actual.data(), n);
    for (std::int64_t i = 0; i < n; ++i) {
      ASSERT_EQ(actual[i], expected[i]) << table->name << " " << std::hexfloat << x[i];
    }
  }
}

TEST(FloatToHalf, StopsAtTheEnd) {
  for (const KernelTable* table : supported_tables()) {
    for (const std::int64_t n : edge_lengths()) {
      const auto x = random_floats(n, 1);
      std::vector<std::uint16_t> expected(n), actual(n + 1, 0x1234);
      reference_table().float_to_half(x.data(), expected.data(), n);
      table->float_to_half(x.data(), actual.data(), n);
      EXPECT_EQ(actual.back(), 0x1234);
      actual.pop_back();
      ASSERT_EQ(actual, expected) << table->name << " n=" << n;
    }
  }
}

}  // namespace
}  // namespace sputnik::kernels
