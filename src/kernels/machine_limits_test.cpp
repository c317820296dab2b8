#include "kernels/machine_limits.h"

#include <gtest/gtest.h>

#include "kernels/kernel_cases_testing.h"

namespace sputnik::kernels {
namespace {

// Wide bounds: they only catch a loop that was optimised away, or that counts wrong by orders of
// magnitude.
TEST(MachineLimits, AreThoseOfAComputer) {
  const MachineLimits limits = measure_machine_limits(1);
  EXPECT_GT(limits.read_bytes_per_s, 1e8);
  EXPECT_LT(limits.read_bytes_per_s, 1e12);
  if (supported_tables().size() == 1) {
    EXPECT_EQ(limits.int8_ops_per_s, 0);
    return;
  }
  EXPECT_GT(limits.f32_flops_per_s, 1e9);
  EXPECT_LT(limits.f32_flops_per_s, 1e12);
  EXPECT_GE(limits.bf16_flops_per_s, 0.9 * limits.f32_flops_per_s);
  EXPECT_LT(limits.bf16_flops_per_s, 1e13);
  EXPECT_GT(limits.int8_ops_per_s, limits.f32_flops_per_s);
  EXPECT_LT(limits.int8_ops_per_s, 1e13);
}

}  // namespace
}  // namespace sputnik::kernels
