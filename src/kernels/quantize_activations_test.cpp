#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/dispatch.h"
#include "kernels/int8_activations.h"
#include "kernels/kernel_cases_testing.h"

namespace sputnik::kernels {
namespace {

// A row, and typed access to its parts.
struct Row {
  Row(const KernelTable& table, std::int64_t block, const std::vector<float>& x)
      : layout(int8_row_layout(block, static_cast<std::int64_t>(x.size()))), bytes(layout.bytes) {
    table.quantize_activations(block, x.data(), static_cast<std::int64_t>(x.size()), bytes.data());
  }
  float d(std::int64_t b) const { return at<float>(4 * b); }
  float ds(std::int64_t b) const { return at<float>(layout.ds + 4 * b); }
  int sum32(std::int64_t i) const { return at<std::int16_t>(layout.sums32 + 2 * i); }
  int sum16(std::int64_t i) const { return at<std::int16_t>(layout.sums16 + 2 * i); }
  int q(std::int64_t i) const { return at<std::int8_t>(layout.q + i); }

  template <class T>
  T at(std::int64_t offset) const {
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
  }
  Int8RowLayout layout;
  AlignedBytes bytes;
};

TEST(QuantizeActivations, EveryTableWritesTheSameBytes) {
  const float kNan = std::numeric_limits<float>::quiet_NaN();
  const float kInfinity = std::numeric_limits<float>::infinity();
  std::vector<std::vector<float>> inputs;
  for (const std::int64_t n : {0, 256, 512, 1536, 7168}) inputs.push_back(random_floats(n, 3));
  std::vector<float> special = random_floats(256 * 8, 4);
  special[3] = kNan;
  special[256] = -kInfinity;
  special[512 + 255] = 3e38f;
  std::fill_n(special.begin() + 768, 256, 0.0f);
  std::fill_n(special.begin() + 1024, 256, -0.0f);
  std::fill_n(special.begin() + 1280, 256, 9e-31f);
  special[1536] = 1e-30f;
  for (std::size_t i = 1792; i < 2048; ++i) special[i] = static_cast<float>(i % 255) - 127;
  for (std::size_t i = 1792; i < 2048; i += 2) special[i] /= 2;  // halves: ties
  inputs.push_back(special);
  for (const KernelTable* table : supported_tables()) {
    for (const std::int64_t block : {32, 256}) {
      for (const std::vector<float>& x : inputs) {
        SCOPED_TRACE(testing::Message() << table->name << " block " << block << " n " << x.size());
        const Row expected(reference_table(), block, x), actual(*table, block, x);
        ASSERT_EQ(std::memcmp(actual.bytes.data(), expected.bytes.data(),
                              static_cast<std::size_t>(expected.layout.bytes)),
                  0);
      }
    }
  }
}

TEST(QuantizeActivations, AValueIsOffByAtMostHalfAStep) {
  const std::vector<float> x = random_floats(1024, 1);
  for (const std::int64_t block : {32, 256}) {
    const Row row(reference_table(), block, x);
    for (std::int64_t i = 0; i < 1024; ++i) {
      const double d = row.d(i / block);
      EXPECT_NEAR(d * row.q(i), x[static_cast<std::size_t>(i)], d * 0.500001);
    }
  }
}

TEST(QuantizeActivations, TheLargestValueBecomes127) {
  std::vector<float> x(256, 0.25f);
  x[100] = -4;
  const Row row(reference_table(), 256, x);
  EXPECT_EQ(row.q(100), -127);
  EXPECT_EQ(row.q(0), 8);  // 7.9375
  EXPECT_FLOAT_EQ(row.d(0), 4.0f / 127);
}

TEST(QuantizeActivations, RowsHoldTheSumsOfTheirValues) {
  const std::vector<float> x = random_floats(512, 9);
  const Row wide(reference_table(), 256, x), narrow(reference_table(), 32, x);
  for (std::int64_t i = 0; i < 512; i += 16) {
    int sum16 = 0, sum32 = 0, sum_narrow = 0;
    for (std::int64_t k = 0; k < 16; ++k) sum16 += wide.q(i + k);
    EXPECT_EQ(wide.sum16(i / 16), sum16);
    int sum16_narrow = 0;
    for (std::int64_t k = 0; k < 16; ++k) sum16_narrow += narrow.q(i + k);
    EXPECT_EQ(narrow.sum16(i / 16), sum16_narrow);
    if (i % 32 != 0) continue;
    for (std::int64_t k = 0; k < 32; ++k) sum32 += wide.q(i + k), sum_narrow += narrow.q(i + k);
    EXPECT_EQ(wide.sum32(i / 32), sum32);
    EXPECT_EQ(narrow.ds(i / 32), narrow.d(i / 32) * static_cast<float>(sum_narrow));
  }
}

TEST(QuantizeActivations, ABlockWithoutFiniteValuesShowsInItsScale) {
  std::vector<float> x(512, 1.0f);
  x[5] = std::numeric_limits<float>::infinity();
  const Row row(reference_table(), 256, x);
  EXPECT_TRUE(std::isnan(row.d(0)));
  EXPECT_EQ(row.q(5), 0);
  EXPECT_EQ(row.d(1), 1.0f / 127);
}

}  // namespace
}  // namespace sputnik::kernels
