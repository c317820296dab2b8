#include <nlohmann/json.hpp>

#include "cli/bench_runner.h"
#include "cli/program_testing.h"

namespace sputnik::cli {
namespace {

using nlohmann::json;

TEST(Bench, ReportsSpeedBesideTheLimitsOfTheMachine) {
  const json report =
      run_for_json({"bench", "--model", stories_model().string(), "--prompt", "16", "--generate",
                    "4", "--depth", "8", "--threads", "1", "--repetitions", "2", "--json"});
  EXPECT_EQ(report["threads"], 1);
  EXPECT_EQ(report["prompt"], 16);
  EXPECT_EQ(report["generate"], 4);
  EXPECT_EQ(report["depth"], 8);
  EXPECT_EQ(report["repetitions"], 2);
  for (const char* key : {"prefill_tokens_per_s", "decode_tokens_per_s"}) {
    EXPECT_GT(report[key]["min"], 0) << key;
    EXPECT_LE(report[key]["min"], report[key]["median"]) << key;
    EXPECT_LE(report[key]["median"], report[key]["max"]) << key;
  }
  for (const char* key :
       {"load_s", "peak_rss_bytes", "decode_share_of_bandwidth", "prefill_share_of_peak"})
    EXPECT_GT(report[key], 0) << key;
  for (const char* key : {"read_bytes_per_s", "int8_ops_per_s", "f32_flops_per_s"})
    EXPECT_GT(report["limits"][key], 0) << key;
  EXPECT_GT(report["peak_rss_bytes"], 1'000'000);
}

TEST(Bench, LeavesOutWhatIsNotMeasured) {
  const json report =
      run_for_json({"bench", "--model", stories_model().string(), "--prompt", "0", "--generate",
                    "2", "--repetitions", "1", "--threads", "1", "--json"});
  EXPECT_EQ(report["prefill_tokens_per_s"], nullptr);
  EXPECT_EQ(report["prefill_share_of_peak"], nullptr);
  EXPECT_NE(report["decode_tokens_per_s"], nullptr);
}

TEST(Bench, RefusesToMeasureNothing) {
  EXPECT_TRUE(fails_with(run_program({"bench", "--model", stories_model().string(), "--prompt", "0",
                                      "--generate", "0"}),
                         {"there is nothing to measure"}));
}

TEST(Bench, TakesTheMiddleOfTheRuns) {
  EXPECT_EQ(spread_of({3, 1, 2}).median, 2);
  const Spread even = spread_of({4, 1, 2, 3});
  EXPECT_EQ(even.median, 2.5);
  EXPECT_EQ(even.min, 1);
  EXPECT_EQ(even.max, 4);
}

}  // namespace
}  // namespace sputnik::cli
