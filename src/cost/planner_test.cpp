#include "cost/planner.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/mapped_file.h"
#include "cost/presets.h"
#include "cost/published.h"

namespace sputnik {
namespace {

TrainingJob v3_job() {
  TrainingJob job;
  job.name = "deepseek-v3";
  job.config = preset_config("deepseek-v3").value();
  job.n_tokens = published::kV3PretrainingTokens;
  job.n_steps = 2e5;
  job.trainer.micro_batch_tokens = 4096;
  return job;
}

TrainingPlace on(std::string_view name, double n_devices, double mfu) {
  TrainingPlace place;
  place.hardware = find_hardware(name).value();
  place.n_devices = n_devices;
  place.mfu = mfu > 0 ? mfu : place.hardware.mfu;
  return place;
}

// What goes in: the configuration, the number of tokens, the peak of an H800, and the share of it
// that DeepSeek measured. What comes out: the hours that DeepSeek paid for.
TEST(Planner, GivesTheHoursOfDeepseekV3FromItsConfigurationAndItsShareOfThePeak) {
  const TrainingPlan plan = plan_training(v3_job(), on("h800", 2048, 0)).value();
  EXPECT_NEAR(plan.device_hours / published::kV3Pretraining.gpu_hours, 1, 0.01);
  EXPECT_NEAR(plan.money / published::kV3Pretraining.dollars, 1, 0.01);
  // "Less than two months": report, section 1. 180 thousand hours for a trillion tokens.
  EXPECT_NEAR(plan.seconds / 86400, 54.2, 1);
  // With the share as it was published, of FLOPs without the prediction module.
  const TrainingPlan published =
      plan_training(v3_job(), on("h800", 2048, published::kV3CausalMfu)).value();
  EXPECT_NEAR(published.device_hours / published::kV3Pretraining.gpu_hours, 1, 0.05);
  // And the usual estimate.
  EXPECT_NEAR(plan.plain_flops, 6 * 37.5e9 * 14.8e12, 0.03e24);
}

TEST(Planner, TheH800sShareIsThePublishedOneWithThePredictionModule) {
  TrainingJob without = v3_job();
  without.mtp_share = 0;
  const double with_flops = plan_training(v3_job(), on("h800", 1, 0)).value().flops.model();
  const TrainingPlan plan = plan_training(without, on("h800", 1, 0)).value();
  EXPECT_NEAR(find_hardware("h800").value().mfu,
              published::kV3CausalMfu * with_flops / plan.flops.model(), 0.002);
  EXPECT_EQ(plan.mtp_flops, 0);
}

TEST(Planner, TimeEnergyAndMoneyFollowFromTheSpeed) {
  const TrainingPlan one = plan_training(v3_job(), on("a100", 1, 0.5)).value();
  const TrainingPlan eight = plan_training(v3_job(), on("A100", 8, 0.25)).value();
  EXPECT_DOUBLE_EQ(one.flops_per_s, 0.5 * 312e12);
  EXPECT_DOUBLE_EQ(one.seconds, one.flops.model() / one.flops_per_s);
  EXPECT_DOUBLE_EQ(eight.seconds, one.seconds * 2 / 8);
  EXPECT_DOUBLE_EQ(eight.device_hours, one.device_hours * 2);
  EXPECT_DOUBLE_EQ(one.energy_j, one.seconds * 812);
  EXPECT_DOUBLE_EQ(one.money, one.seconds / 3600 * 1.5);
}

TEST(Planner, WhatThisMachineWasMeasuredAtIsUsed) {
  TrainingJob job = v3_job();
  job.n_tokens = 1e6;
  job.n_steps = 100;
  job.n_checkpoints = 0;
  TrainingPlace place = on("m3max", 1, 0);
  place.measured = Calibration{};
  place.measured->seconds_per_token = 0.01;
  place.measured->extra_tokens_per_step = 50;
  place.measured->work_per_token = {{1, 100}, {0, 0}};
  place.measured->beginning_s = 7;
  const TrainingPlan plan = plan_training(job, place).value();
  EXPECT_DOUBLE_EQ(plan.n_tokens, 1e6 + 100 * 50);
  EXPECT_DOUBLE_EQ(plan.seconds, plan.n_tokens * 0.01 + 7);
  EXPECT_DOUBLE_EQ(plan.flops_per_s, plan.flops.model() / (plan.n_tokens * 0.01));
  EXPECT_EQ(plan.mtp_flops, 0);
}

Recipe smoke_recipe() {
  const std::filesystem::path folder = std::filesystem::path(SPUTNIK_SOURCE_DIR) / "recipes";
  return Recipe::load(folder / "tiny-smoke.toml").value();
}

TEST(Planner, ARecipesTokensAreThoseOfItsSchedule) {
  const Recipe recipe = smoke_recipe();  // 512 to 1024 tokens in the first 6 of 30 steps
  const TrainingJob job = job_of(recipe, "smoke", {}).value();
  EXPECT_EQ(job.n_steps, 30);
  EXPECT_EQ(job.n_tokens, 512 + 597 + 683 + 768 + 853 + 939 + 24 * 1024);
  EXPECT_EQ(job.n_checkpoints, 3);
  EXPECT_EQ(job.config["vocab_size"], 512);
  const TrainingJob part = job_of(recipe, "smoke", 2000).value();
  EXPECT_EQ(part.n_steps, 4);
  EXPECT_EQ(part.n_tokens, 512 + 597 + 683 + 768);
  const TrainingJob longer = job_of(recipe, "smoke", 1e6).value();
  EXPECT_EQ(longer.n_tokens, 1e6);
  EXPECT_EQ(longer.n_steps, 30 + std::ceil((1e6 - job.n_tokens) / 1024));
}

TEST(Planner, ARunOfTheRecipeReadsAndHoldsWhatWasPlanned) {
  const Recipe recipe = smoke_recipe();
  const TrainingJob job = job_of(recipe, "smoke", {}).value();
  const Calibration found = calibrate(calibration_of(recipe, job.config, 1)).value();
  EXPECT_GT(found.seconds_per_token, 0);
  EXPECT_GE(found.extra_tokens_per_step, 0);
  EXPECT_LT(found.extra_tokens_per_step, 128);
  EXPECT_EQ(found.work_per_token.main.n_tokens, 1);
  EXPECT_GT(found.work_per_token.main.n_pairs, 1);
  EXPECT_LT(found.work_per_token.main.n_pairs, 64.5);
  const ShapeModel shape = ShapeModel::create(job.config).value();
  const TrainingMemory memory = training_memory(shape, job.trainer, job.context_length, 1, 1);
  // A micro-batch of 512 tokens ends behind a whole document, of at most 128.
  const double ratio = memory.of_ops() / static_cast<double>(found.ops_memory_bytes);
  EXPECT_GT(ratio, 512.0 / (512 + 128) - 0.02);
  EXPECT_LT(ratio, 1.15);
}

TEST(Planner, AModelAloneIsTriedOnSequencesOfTheContext) {
  nlohmann::json config = job_of(smoke_recipe(), "smoke", {}).value().config;
  config["num_nextn_predict_layers"] = 1;
  TrainerOptions options;
  options.micro_batch_tokens = 512;
  options.batch.last_tokens = 1024;
  const Calibration found = calibrate(calibration_of(config, options, 64, 1)).value();
  EXPECT_EQ(found.work_per_token.main.n_pairs, 32.5);
  EXPECT_EQ(found.work_per_token.mtp.n_tokens, 1);
  config["vocab_size"] = 100;
  EXPECT_FALSE(calibrate(calibration_of(config, options, 64, 1)).ok());
}

TEST(Planner, AmountsAreReadAsPeopleWriteThem) {
  EXPECT_EQ(parse_amount("14.8T").value(), 14.8e12);
  EXPECT_EQ(parse_amount("60M").value(), 60e6);
  EXPECT_EQ(parse_amount("1.5e9").value(), 1.5e9);
  EXPECT_EQ(parse_amount("500k").value(), 500e3);
  EXPECT_EQ(parse_amount("20B").value(), 20e9);
  for (const char* wrong : {"", "M", "0", "-5", "12X", "12MM", "nan", "inf", "1e30", "0.5"})
    EXPECT_FALSE(parse_amount(wrong).ok()) << wrong;
}

TEST(Hardware, IsFoundHoweverItIsWritten) {
  EXPECT_EQ(find_hardware("RTX 4090").value().name, "rtx4090");
  EXPECT_EQ(find_hardware("Apple-M3 Max").ok(), false);
  EXPECT_EQ(find_hardware("m3 max").value().name, "m3max");
  const auto none = find_hardware("abacus");
  EXPECT_NE(none.error().message.find("h800, h100"), std::string::npos) << none.error().message;
  for (const Hardware& hardware : known_hardware()) {
    EXPECT_GT(hardware.bf16_flops_per_s, 0) << hardware.name;
    EXPECT_GT(hardware.mfu, 0) << hardware.name;
    EXPECT_LT(hardware.mfu, 0.7) << hardware.name;
    EXPECT_GT(hardware.watts, 0) << hardware.name;
    EXPECT_FALSE(hardware.mfu_source.empty()) << hardware.name;
  }
}

}  // namespace
}  // namespace sputnik
