#include "cost/bill.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "cost/amounts.h"
#include "formats/gguf_testing.h"

namespace sputnik {
namespace {

Usage usage_of(std::int64_t n_steps, double tokens, double flops, double seconds) {
  Usage usage;
  usage.n_steps = n_steps;
  usage.tokens = tokens;
  usage.flops = flops;
  usage.seconds = usage.step_seconds = seconds;
  usage.energy_j = 16 * seconds;
  usage.rated_flops = flops;
  usage.peak_flops = 4e11 * seconds;
  return usage;
}

TEST(UsageOfLog, SumsWhatEveryStartHasPaidFor) {
  TestFolder folder;
  // Killed behind step 3 with a checkpoint of step 2; the last line is cut.
  const auto log = folder.write(
      "log.jsonl",
      R"({"event":"started","step":0,"recipe":"a","peak_flops_per_s":100,"elapsed_s":5,"energy_j":50})"
      "\n"
      R"({"step":1,"tokens":10,"seconds":1,"elapsed_s":2,"flops":60,"energy_j":20})"
      "\n"
      R"({"step":2,"tokens":10,"seconds":1,"elapsed_s":2,"flops":60,"energy_j":20})"
      "\n"
      R"({"step":3,"tokens":10,"seconds":1,"elapsed_s":2,"flops":60,"energy_j":20})"
      "\n"
      R"({"step":4,"tokens":10,"seconds":1,"elap)"
      "\n"
      R"({"event":"resumed","step":2,"recipe":"a","peak_flops_per_s":200,"elapsed_s":1,"energy_j":7,"energy_from":"rapl"})"
      "\n"
      R"({"step":3,"tokens":11,"seconds":1,"elapsed_s":3,"flops":66,"energy_j":9,"energy_from":"rapl"})"
      "\n"
      R"({"event":"ended","step":3,"elapsed_s":4,"energy_j":2})"
      "\n");
  const Usage usage = usage_of_log(log, "a").value();
  EXPECT_EQ(usage.n_steps, 4);
  EXPECT_EQ(usage.tokens, 41);
  EXPECT_EQ(usage.flops, 246);
  EXPECT_EQ(usage.seconds, 5 + 2 * 3 + 1 + 3 + 4);
  EXPECT_EQ(usage.step_seconds, 4);
  EXPECT_EQ(usage.redone_seconds, 3);
  EXPECT_EQ(usage.peak_flops, 3 * 100 + 200);
  EXPECT_DOUBLE_EQ(usage.mfu(), 246.0 / 500);
  EXPECT_EQ(usage.energy_j, 50 + 3 * 20 + 7 + 9 + 2);
  EXPECT_EQ(usage.measured_energy_j, 16);
}

TEST(UsageOfLog, LeavesOutOtherRecipesAndGuessesLinesWithoutAMeter) {
  TestFolder folder;
  const auto log =
      folder.write("log.jsonl", R"({"event":"started","step":0,"recipe":"old"})"
                                "\n"
                                R"({"step":1,"tokens":1000,"seconds":100})"
                                "\n"
                                R"({"event":"started","step":0,"recipe":"new"})"
                                "\n"
                                R"({"step":1,"tokens":10,"seconds":2})"
                                "\n"
                                R"([1, 2])"
                                "\n"
                                R"({"step":2,"tokens":-5,"seconds":1e999,"flops":"many"})"
                                "\n");
  const Usage usage = usage_of_log(log, "new", {6, 30}).value();
  EXPECT_EQ(usage.tokens, 10);
  EXPECT_EQ(usage.flops, 60);
  EXPECT_EQ(usage.seconds, 2);
  EXPECT_EQ(usage.energy_j, 60);
  EXPECT_EQ(usage.mfu(), 0);
  EXPECT_EQ(usage_of_log(folder.path() / "none.jsonl", "new").value().seconds, 0);
}

TEST(Bill, AddsTheStagesOfTheRunThatItWentOnFrom) {
  Bill base("USD");
  base.add({"base", usage_of(10, 1e6, 1e15, 3600), 0.08});
  base.add({"sft", usage_of(5, 1e5, 1e14, 360), 0.008});
  Bill own("USD");
  own.add({"rl", usage_of(3, 2e5, 3e14, 720), 0.016});
  own.add({"sft", usage_of(5, 1e5, 1e14, 360), 0.008});
  Bill sum = base;
  ASSERT_TRUE(sum.add(own).ok());
  ASSERT_EQ(sum.stages().size(), 3u);
  EXPECT_EQ(sum.stages()[0].stage, "base");
  EXPECT_EQ(sum.stages()[1].stage, "sft");
  EXPECT_EQ(sum.stages()[1].usage.n_steps, 10);
  EXPECT_EQ(sum.stages()[2].stage, "rl");
  EXPECT_DOUBLE_EQ(sum.total().money, 0.08 + 0.008 + 0.016 + 0.008);
  EXPECT_DOUBLE_EQ(sum.total().usage.flops, 1.5e15);
  EXPECT_DOUBLE_EQ(sum.money_per_exaflop(), 0.112 / 1.5e-3);
  EXPECT_DOUBLE_EQ(sum.money_per_million_tokens(), 0.112 / 1.4);
  Bill other("EUR");
  EXPECT_FALSE(sum.add(other).ok());
}

TEST(Bill, IsReadAsItWasWritten) {
  TestFolder folder;
  Bill bill("EUR");
  bill.add({"base", usage_of(10, 1e6, 1e15, 3600), 0.08});
  ASSERT_TRUE(bill.write(folder.path()).ok());
  const Bill read = Bill::load(folder.path() / "bill.json").value();
  EXPECT_EQ(read.to_json(), bill.to_json());
  EXPECT_EQ(read_file(folder.path() / "bill.txt").value(), bill.text());
}

TEST(Bill, ADamagedFileIsOneError) {
  TestFolder folder;
  EXPECT_EQ(Bill::load(folder.path() / "none.json").error().code, ErrorCode::kNotFound);
  Bill bill("USD");
  bill.add({"base", usage_of(10, 1e6, 1e15, 3600), 0.08});
  const std::string text = bill.to_json().dump();
  for (std::size_t n = 0; n < text.size(); n += 17) {
    const auto path = folder.write("bill.json", text.substr(0, n));
    const auto read = Bill::load(path);
    ASSERT_FALSE(read.ok()) << n;
    EXPECT_NE(read.error().message.find("bill.json"), std::string::npos);
  }
  for (const char* wrong :
       {R"({"version":2,"currency":"USD","stages":[]})", R"({"version":1,"stages":[]})",
        R"({"version":1,"currency":"USD"})", R"({"version":1,"currency":"\u001b[31m","stages":[]})",
        R"({"version":1,"currency":"USD","stages":[1]})",
        R"({"version":1,"currency":"USD","stages":[{"stage":"a"}]})"}) {
    EXPECT_FALSE(Bill::load(folder.write("bill.json", wrong)).ok()) << wrong;
  }
}

TEST(Bill, SaysThatSmallIsCheapBecauseItIsSmall) {
  Bill bill("USD");
  bill.add({"tiny", usage_of(1830, 6e7, 1.3e15, 8640), 0.192});
  EXPECT_NE(bill.comparison().find("cheap because it is small, not because its FLOPs are cheap"),
            std::string::npos)
      << bill.comparison();
  // 0.192 dollars for 1.3e15 FLOP are 148 for 10^18; DeepSeek's were 1.38.
  EXPECT_NE(bill.comparison().find("107 times less"), std::string::npos) << bill.comparison();
  const std::string text = bill.text();
  for (const char* part : {"$0.19", "$5,328,000", "$5,576,000", "$294,000", "$202,000", "$1.38",
                           "$0.36", "$147.69", "$0.0032", "estimated", "60.0 million tokens",
                           "1.30e15 FLOP", "2 h 24 min", "38 % of the machine's peak"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

TEST(Bill, DoesNotSaySoWhereItIsNotTrue) {
  Bill cheap("USD");
  cheap.add({"fast", usage_of(1, 1e9, 1e21, 3600), 1});
  EXPECT_EQ(cheap.comparison().find("not because"), std::string::npos) << cheap.comparison();
  Bill euros("EUR");
  euros.add({"tiny", usage_of(1, 1e6, 1e15, 3600), 1});
  EXPECT_EQ(euros.comparison(), "");
  EXPECT_EQ(Bill("USD").comparison(), "");
  EXPECT_NE(Bill("USD").text().find("$0.00"), std::string::npos);
}

TEST(Amounts, AreReadable) {
  EXPECT_EQ(money_text(5328000, "USD"), "$5,328,000");
  EXPECT_EQ(money_text(999.4, "USD"), "$999.40");
  EXPECT_EQ(money_text(999.6, "USD"), "$1,000");
  EXPECT_EQ(money_text(0.0032, "USD"), "$0.0032");
  EXPECT_EQ(money_text(0.192, "EUR"), "EUR 0.19");
  EXPECT_EQ(money_text(0, "USD"), "$0.00");
  EXPECT_EQ(money_text(0.08, "USD"), "$0.08");
  EXPECT_EQ(duration_text(0.0471), "0.0471 s");
  EXPECT_EQ(duration_text(41.23), "41.2 s");
  EXPECT_EQ(duration_text(600), "10.0 min");
  EXPECT_EQ(duration_text(8640), "2 h 24 min");
  EXPECT_EQ(duration_text(54 * 86400.0), "54.0 days");
  EXPECT_EQ(energy_text(3600), "1.00 Wh");
  EXPECT_EQ(energy_text(3.6e9), "1.00 MWh");
  EXPECT_EQ(bytes_text(1.41e9), "1.41 GB");
  EXPECT_EQ(count_text(512), "512");
  EXPECT_EQ(count_text(14.8e12), "14.8 trillion");
  EXPECT_EQ(power_of_ten_text(3.76e24), "3.76e24");
  EXPECT_EQ(power_of_ten_text(0), "0.00e0");
}

}  // namespace
}  // namespace sputnik
