#include <nlohmann/json.hpp>

#include "cli/program_testing.h"
#include "formats/gguf_testing.h"

namespace sputnik::cli {
namespace {

using nlohmann::json;

TEST(Plan, DeepseekV3TakesWhatDeepseekSaysThatItTook) {
  const json plan = run_for_json({"plan", "train", "deepseek-v3", "--json"});
  EXPECT_EQ(plan["hardware"]["name"], "h800");
  EXPECT_EQ(plan["hardware"]["devices"], 2048);
  EXPECT_EQ(plan["tokens"], 14.8e12);
  EXPECT_NEAR(plan["device_hours"].get<double>(), 2.664e6, 0.05 * 2.664e6);
  EXPECT_NEAR(plan["money"].get<double>(), 5.328e6, 0.05 * 5.328e6);
  EXPECT_NEAR(plan["flops"]["six_active_parameters_tokens"].get<double>(), 3.3e24, 0.1e24);
  EXPECT_GT(plan["flops"]["prediction_module"], 0);
  const ProgramResult people = run_program({"plan", "train", "deepseek-v3"});
  EXPECT_EQ(people.status, 0);
  for (const char* part : {"2,048 x NVIDIA H800", "14.8 trillion tokens", "2,664,000",
                           "arXiv:2505.09343", "54.", "3.86e24 FLOP"})
    EXPECT_NE(people.out.find(part), std::string::npos) << part << "\n" << people.out;
}

TEST(Plan, ThisMachineIsTriedForSomeSeconds) {
  const json plan =
      run_for_json({"plan", "train", source("recipes/tiny-smoke.toml").string(), "--json"});
  EXPECT_EQ(plan["hardware"]["name"], "this");
  EXPECT_EQ(plan["steps"], 30);
  EXPECT_GT(plan["calibration"]["seconds_per_token"], 0);
  EXPECT_GT(plan["seconds"], plan["seconds_beside_steps"]);
  EXPECT_GT(plan["memory_bytes"]["total"], plan["calibration"]["ops_memory_bytes"]);
  EXPECT_NEAR(plan["money"].get<double>(), plan["seconds"].get<double>() / 3600 * 0.08, 1e-9);
}

TEST(Plan, AShareOrASpeedOrAPriceIsTakenAsSaid) {
  const std::string recipe = source("recipes/tiny-smoke.toml").string();
  const json half = run_for_json(
      {"plan", "train", recipe, "--hardware", "H100", "--mfu", "0.5", "--price", "3", "--json"});
  const json speed = run_for_json({"plan", "train", recipe, "--hardware", "h100", "--tflops",
                                   "98.94", "--devices", "2", "--json"});
  EXPECT_DOUBLE_EQ(half["flops_per_s"].get<double>(), 0.5 * 989.4e12);
  EXPECT_DOUBLE_EQ(half["money"].get<double>(), half["device_hours"].get<double>() * 3);
  EXPECT_NEAR(speed["mfu"].get<double>(), 0.1, 1e-9);
  EXPECT_NEAR(speed["seconds"].get<double>(), half["seconds"].get<double>() * 5 / 2,
              1e-9 * speed["seconds"].get<double>());
  const ProgramResult narrow = run_program({"plan", "train", recipe, "--hardware", "h100"});
  EXPECT_NE(narrow.out.find("hidden_size 64"), std::string::npos) << narrow.out;
}

TEST(Plan, AConfigurationNeedsTokens) {
  const std::string config = golden("deepseek-v3-tiny/config.json").string();
  EXPECT_TRUE(
      fails_with(run_program({"plan", "train", config, "--hardware", "a100"}), {"give --tokens"}));
  const json plan =
      run_for_json({"plan", "train", config, "--hardware", "a100", "--tokens", "20M", "--json"});
  EXPECT_EQ(plan["tokens"], 20e6);
  const json folder = run_for_json({"plan", "train", golden("deepseek-v3-tiny").string(),
                                    "--hardware", "a100", "--tokens", "20M", "--json"});
  EXPECT_EQ(folder["flops"], plan["flops"]);
}

TEST(Plan, WhatMakesNoSenseIsOneLine) {
  const std::string recipe = source("recipes/tiny-smoke.toml").string();
  TestFolder folder;
  EXPECT_TRUE(fails_with(run_program({"plan", "train", "a-model"}), {"a-model", "deepseek-v3"}));
  EXPECT_TRUE(fails_with(run_program({"plan", "train", "none.toml"}), {"none.toml"}));
  EXPECT_TRUE(fails_with(run_program({"plan", "train", recipe, "--hardware", "abacus"}),
                         {"abacus", "h800"}));
  EXPECT_TRUE(fails_with(run_program({"plan", "train", recipe, "--tokens", "many"}), {"many"}));
  EXPECT_TRUE(fails_with(run_program({"plan", "train", recipe, "--devices", "2"}), {"--devices"}));
  EXPECT_TRUE(fails_with(run_program({"plan", "train", recipe, "--context", "64"}), {"--context"}));
  for (const char* text : {"[]", "{", "{}", R"({"model_type":"deepseek_v3","hidden_size":"x"})"}) {
    const std::string config = folder.write("config.json", std::string_view(text)).string();
    EXPECT_TRUE(
        fails_with(run_program({"plan", "train", config, "--tokens", "1M"}), {"config.json"}));
  }
  EXPECT_EQ(run_program({"plan"}).status, 2);
  EXPECT_EQ(run_program({"plan", "train", recipe, "--mfu", "2"}).status, 2);
  EXPECT_EQ(run_program({"plan", "train", recipe, "--mfu", "0.5", "--tflops", "1"}).status, 2);
}

TEST(Plan, AModelThatDoesNotFitIsPlannedAllTheSame) {
  const ProgramResult plan =
      run_program({"plan", "train", "deepseek-v3", "--hardware", "this", "--tokens", "1B"});
  EXPECT_EQ(plan.status, 0) << testing::PrintToString(plan);
  EXPECT_NE(plan.out.find("It does not fit"), std::string::npos) << plan.out;
}

}  // namespace
}  // namespace sputnik::cli
