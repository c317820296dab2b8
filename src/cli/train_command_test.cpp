// The whole of training through the program. train_interrupted_test has what goes wrong on the way.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "cli/program_testing.h"
#include "cli/train_testing.h"
#include "train/checkpoint_file.h"

namespace sputnik::cli {
namespace {

using nlohmann::json;

using Train = TrainTest;

TEST_F(Train, MakesAModelThatOtherCommandsLoad) {
  const ProgramResult result = run_program({"train", smoke_recipe(), "--output", output("run")});
  ASSERT_EQ(result.status, 0) << testing::PrintToString(result);
  EXPECT_NE(result.err.find("step 30 of 30: loss "), std::string::npos) << result.err;
  EXPECT_EQ(result.err.find('\r'), std::string::npos);
  const auto steps = steps_of("run"), events = events_of("run");
  ASSERT_EQ(steps.size(), 30u);
  EXPECT_EQ(steps[29]["step"], 30);
  EXPECT_LT(steps[29]["loss"].get<double>(), steps[0]["loss"].get<double>() - 1.5);
  EXPECT_EQ(events.front()["event"], "started");
  EXPECT_EQ(events.front()["steps"], 30);
  EXPECT_EQ(events.back()["event"], "finished");
  const auto loads = std::find_if(events.begin(), events.end(), [](const json& event) {
    return event["event"] == "expert_loads" && event["step"] == 20;
  });
  ASSERT_NE(loads, events.end());
  ASSERT_EQ((*loads)["layers"].size(), 1u);  // the other layer is dense
  ASSERT_EQ((*loads)["layers"][0].size(), 8u);
  double sum = 0;
  for (const json& share : (*loads)["layers"][0]) sum += share.get<double>();
  EXPECT_NEAR(sum, 1, 1e-3);
  const std::string report = read_file(output("run") + "/report.html").value();
  EXPECT_NE(report.find("30 / 30"), std::string::npos);
  EXPECT_NE(report.find("data-plot=\"loss\""), std::string::npos);
  const std::string model = output("run") + "/model";
  const ProgramResult generated = run_program(
      {"generate", "--model", model, "--max-tokens", "5", "--greedy", "--prompt", "What is"});
  EXPECT_EQ(generated.status, 0) << testing::PrintToString(generated);
  const ProgramResult answered =
      run_program({"ask", "--model", model, "--max-tokens", "5", "What is 2 plus 3?"});
  EXPECT_EQ(answered.status, 0) << testing::PrintToString(answered);
  const auto tokens = folder_.write("tokens.json", "[0, 3, 40, 50]");
  const ProgramResult logits = run_program(
      {"logits", "--model", model, "--tokens", tokens.string(), "--output", output("logits.f32")});
  EXPECT_EQ(logits.status, 0) << testing::PrintToString(logits);
  EXPECT_EQ(std::filesystem::file_size(output("logits.f32")), 4u * 512 * 4);
}

TEST_F(Train, StopsAtAStepAndGoesOnToTheSameWeights) {
  ASSERT_EQ(run_program({"train", smoke_recipe(), "--output", output("whole")}).status, 0);
  const Arguments stopped = {"train", smoke_recipe(), "--output", output("parts"), "--steps", "7"};
  ASSERT_EQ(run_program(stopped).status, 0);
  EXPECT_TRUE(fails_with(run_program(stopped), {"holds checkpoints", "--resume"}));
  const ProgramResult rest =
      run_program({"train", smoke_recipe(), "--output", output("parts"), "--resume"});
  ASSERT_EQ(rest.status, 0) << testing::PrintToString(rest);
  EXPECT_NE(rest.err.find("going on at step 7"), std::string::npos) << rest.err;
  const auto events = events_of("parts");
  const auto is = [](const char* name) {
    return [name](const json& event) { return event["event"] == name && event["step"] == 7; };
  };
  EXPECT_TRUE(std::any_of(events.begin(), events.end(), is("stopped")));
  EXPECT_TRUE(std::any_of(events.begin(), events.end(), is("resumed")));
  EXPECT_TRUE(weights("parts") == weights("whole"));
  EXPECT_TRUE(fails_with(run_program({"train", edited_recipe({{"peak = 0.01", "peak = 0.02"}}),
                                      "--output", output("parts"), "--resume"}),
                         {"recipe is"}));
}

// The bill is the sum of the log, whatever ended a start.
TEST_F(Train, TheBillHoldsAllStartsAndEveryStepThatWasPaidFor) {
  const Arguments first = {"train", smoke_recipe(), "--output", output("run"), "--steps", "17"};
  const ProgramResult stopped = run_program(first);
  ASSERT_EQ(stopped.status, 0);
  EXPECT_NE(stopped.err.find(" so far: "), std::string::npos) << stopped.err;
  // As if it had been killed behind step 17 with step 10 saved.
  ASSERT_TRUE(std::filesystem::remove(checkpoint_path(output("run"), 17)));
  const ProgramResult rest =
      run_program({"train", smoke_recipe(), "--output", output("run"), "--resume"});
  ASSERT_EQ(rest.status, 0) << testing::PrintToString(rest);
  EXPECT_NE(rest.err.find(" so far: "), std::string::npos) << rest.err;
  EXPECT_NE(rest.out.find("Beside DeepSeek"), std::string::npos) << rest.out;
  EXPECT_NE(rest.out.find("not because its FLOPs are cheap"), std::string::npos) << rest.out;

  double tokens = 0, flops = 0, seconds = 0, redone = 0;
  for (const json& line : log("run")) {
    seconds += line.value("elapsed_s", 0.0);
    if (!line.contains("flops")) continue;
    EXPECT_GT(line["flops"], 0);
    EXPECT_GE(line["elapsed_s"], line["seconds"]);
    tokens += line["tokens"].get<double>();
    flops += line["flops"].get<double>();
  }
  const json bill = json::parse(read_file(folder_.path() / "run/bill.json").value());
  ASSERT_EQ(bill["stages"].size(), 1u);
  const json& stage = bill["stages"][0];
  EXPECT_EQ(stage["stage"], "tiny-smoke");
  EXPECT_EQ(stage["steps"], 17 + 20);
  EXPECT_NEAR(stage["tokens"].get<double>(), tokens, 1e-6 * tokens);
  EXPECT_NEAR(stage["flops"].get<double>(), flops, 1e-6 * flops);
  EXPECT_NEAR(stage["seconds"].get<double>(), seconds, 1e-6 * seconds);
  redone = stage["redone_seconds"].get<double>();
  EXPECT_GT(redone, 0);
  EXPECT_LT(redone, seconds);
  EXPECT_NEAR(stage["money"].get<double>(), seconds / 3600 * 0.08, 1e-9);
  EXPECT_GT(bill["total"]["money_per_1e18_flop"], 0);
  EXPECT_NE(read_file(folder_.path() / "run/bill.txt").value().find("$5,576,000"),
            std::string::npos);
}

TEST_F(Train, OtherTextsThanThoseOfTheCheckpointAreRefused) {
  folder_.write("texts.txt", "one two three\n<|doc|>\nfour five six\n");
  const std::string recipe = edited_recipe(
      {{"[[source]]", "[[source]]\nkind = \"text\"\npath = \"texts.txt\"\n\n[[source]]"}});
  const Arguments first = {"train", recipe, "--output", output("run"), "--steps", "3"};
  ASSERT_EQ(run_program(first).status, 0);
  const Arguments more = {"train", recipe, "--output", output("run"), "--steps", "4", "--resume"};
  EXPECT_EQ(run_program(more).status, 0);
  folder_.write("texts.txt", "one two three\n<|doc|>\nfour five seven\n");
  EXPECT_TRUE(fails_with(run_program(more), {"text of source 1"}));
}

TEST_F(Train, ADamagedCheckpointIsPassedOver) {
  const Arguments first = {"train", smoke_recipe(), "--output", output("run"), "--steps", "20"};
  ASSERT_EQ(run_program(first).status, 0);
  const auto newest = checkpoint_path(output("run"), 20);
  std::string bytes = read_file(newest).value();
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  ASSERT_TRUE(write_file_atomically(newest, bytes).ok());
  const ProgramResult rest =
      run_program({"train", smoke_recipe(), "--output", output("run"), "--resume"});
  EXPECT_EQ(rest.status, 0);
  EXPECT_NE(rest.err.find("checksum"), std::string::npos) << rest.err;
  EXPECT_NE(rest.err.find("going on at step 10"), std::string::npos) << rest.err;
}

TEST_F(Train, OnATerminalABarMovesAndWhatIsSaidStands) {
  Terminal terminal({"train", smoke_recipe(), "--output", output("run")});
  terminal.resize(24, 70);
  ASSERT_TRUE(terminal.shows("starting at step 0\r\n"));
  ASSERT_TRUE(terminal.shows("\r▕"));
  ASSERT_TRUE(terminal.shows("s left"));
  ASSERT_TRUE(terminal.shows("▕█████████████▏ 30/30  loss "));
  ASSERT_TRUE(terminal.shows("\r\ntrained on "));
  EXPECT_EQ(terminal.wait(), 0);
  EXPECT_TRUE(terminal.has_its_first_settings());
}

TEST_F(Train, AWrongRecipeStartsNothing) {
  EXPECT_TRUE(fails_with(run_program({"train", edited_recipe({{"steps = 30", "steps = 30\nx = 1"}}),
                                      "--output", output("run")}),
                         {"recipe.toml: [train] x: there is no such key"}));
  EXPECT_FALSE(std::filesystem::exists(output("run")));
  EXPECT_TRUE(fails_with(run_program({"train", output("none.toml")}), {"none.toml"}));
}

TEST_F(Train, ARecipeThatStartsFromAnotherTrainsThatFirst) {
  edited_recipe({{"steps = 30", "steps = 6"}, {"runs/tiny-smoke", output("base")}});
  const std::string tuned =
      folder_
          .write(
              "tuned.toml",
              fmt::format("[initialization]\nfrom = \"recipe.toml\"\n[data]\ncontext_length = "
                          "128\n[[source]]\nkind = \"tasks\"\nlong_share = 1\ncorrected_share = "
                          "0\n[train]\nsteps = 4\nmicro_batch_tokens = 512\n[batch]\nfirst_tokens "
                          "= 512\nlast_tokens = 512\n[learning_rate]\nwarmup_steps = 0\n[run]\n"
                          "output = \"{}\"\ncheckpoint_every = 2\n",
                          output("tuned")))
          .string();
  // Killed within the base and within what follows, it goes on.
  EXPECT_EQ(run_program({"train", tuned, "--steps", "3"}).status, 0);
  EXPECT_FALSE(std::filesystem::exists(output("tuned")));
  const ProgramResult again = run_program({"train", tuned});
  EXPECT_EQ(again.status, 1);
  EXPECT_NE(again.err.find("--resume goes on"), std::string::npos) << again.err;
  const ProgramResult result = run_program({"train", tuned, "--resume"});
  ASSERT_EQ(result.status, 0) << testing::PrintToString(result);
  EXPECT_EQ(log("base").back()["step"], 6);
  EXPECT_EQ(log("tuned").back()["step"], 4);
  EXPECT_NE(weights("tuned"), weights("base"));
  const std::string first = weights("tuned");
  std::filesystem::remove_all(output("tuned"));
  // The base is finished and stays as it is.
  ASSERT_EQ(run_program({"train", tuned}).status, 0);
  EXPECT_EQ(weights("tuned"), first);
  EXPECT_EQ(steps_of("base").size(), 6u);
}

}  // namespace
}  // namespace sputnik::cli
