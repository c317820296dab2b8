#include "train/schedule.h"

#include <gtest/gtest.h>

namespace sputnik {
namespace {

TEST(LearningRateSchedule, RisesStaysFallsAndEndsLow) {
  LearningRateSchedule schedule;
  schedule.peak = 2;
  schedule.warmup_steps = 10;
  EXPECT_DOUBLE_EQ(schedule.at(0, 1000), 0.2);
  EXPECT_DOUBLE_EQ(schedule.at(9, 1000), 2);
  EXPECT_DOUBLE_EQ(schedule.at(669, 1000), 2);
  EXPECT_NEAR(schedule.at(815, 1000), 2 * (0.1 + 0.9 / 2), 1e-12);  // half way down
  EXPECT_DOUBLE_EQ(schedule.at(960, 1000), 0.2);
  EXPECT_DOUBLE_EQ(schedule.at(970, 1000), 0.066);
  for (std::int64_t step = 10; step < 1000; ++step)
    EXPECT_LE(schedule.at(step, 1000), schedule.at(step - 1, 1000));
}

TEST(BatchSchedule, GrowsInALine) {
  const BatchSchedule schedule{8000, 32000, 0.1};
  EXPECT_EQ(schedule.at(0, 1000), 8000);
  EXPECT_EQ(schedule.at(50, 1000), 20000);
  EXPECT_EQ(schedule.at(100, 1000), 32000);
  EXPECT_EQ((BatchSchedule{8000, 32000, 0}.at(0, 1000)), 32000);
}

TEST(RouterBiasSchedule, EndsAtZero) {
  const RouterBiasSchedule schedule;
  EXPECT_DOUBLE_EQ(schedule.at(0, 100), 0.003);
  EXPECT_DOUBLE_EQ(schedule.at(20, 100), 0.001);
  EXPECT_DOUBLE_EQ(schedule.at(95, 100), 0.001);
  EXPECT_DOUBLE_EQ(schedule.at(97, 100), 0);
}

TEST(RouterBalance, MovesBiasesTowardsTheMeanLoadOfAllMicroBatches) {
  ParameterStore parameters;
  Parameter& bias = parameters.add("model.layers.1.mlp.gate.e_score_correction_bias", 1, 4);
  RouterBalance balance(2);
  // 5, 3, 4, 0 in all: the mean is 3.
  balance.add(std::vector<ExpertLoad>{{&bias, {4, 1, 1, 0}}});
  balance.add(std::vector<ExpertLoad>{{&bias, {1, 2, 3, 0}}});
  auto statistics = balance.update(0.25);
  EXPECT_EQ(std::vector<float>(bias.value.begin(), bias.value.end()),
            (std::vector<float>{-0.25f, 0, -0.25f, 0.25f}));
  EXPECT_NEAR(statistics.max_over_mean, 5.0 / 3, 1e-12);
  EXPECT_TRUE(statistics.dead_experts.empty());
  ASSERT_EQ(statistics.shares.size(), 1u);
  EXPECT_EQ(statistics.shares[0], (std::vector<float>{5.0f / 12, 3.0f / 12, 4.0f / 12, 0}));
  balance.add(std::vector<ExpertLoad>{{&bias, {1, 1, 1, 0}}});
  statistics = balance.update(0);
  ASSERT_EQ(statistics.dead_experts.size(), 1u);  // idle for two steps
  EXPECT_EQ(statistics.dead_experts[0],
            "expert 3 of model.layers.1.mlp.gate.e_score_correction_bias");
  EXPECT_EQ(bias.value[3], 0.25f);
  balance.add(std::vector<ExpertLoad>{{&bias, {1, 1, 1, 1}}});
  EXPECT_TRUE(balance.update(0.25).dead_experts.empty());
  EXPECT_EQ(bias.value[3], 0.25f);
}

}  // namespace
}  // namespace sputnik
