// What ends a training run before its time, through the program: one clear line, a checkpoint that
// is whole, and a run that goes on to the very weights of one that nothing happened to.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/mapped_file.h"
#include "base/rng.h"
#include "cli/program_testing.h"
#include "cli/train_testing.h"
#include "train/checkpoint_file.h"

namespace sputnik::cli {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

class InterruptedTraining : public TrainTest {
 protected:
  Arguments train(const std::string& recipe, const std::string& name,
                  const Arguments& more = {}) const {
    Arguments all = {"train", recipe, "--output", output(name)};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  // Looks again and again, for half a minute at most; the run may end meanwhile.
  static void wait_until(RunningProgram& run, const std::function<bool()>& condition) {
    const auto give_up = Clock::now() + std::chrono::seconds(30);
    while (!condition() && !run.has_ended()) {
      ASSERT_LT(Clock::now(), give_up) << run.standard_error();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  void every_checkpoint_is_whole(const std::string& name) const {
    for (const auto& path : checkpoints_in(output(name))) {
      const auto file = CheckpointFile::open(path);
      EXPECT_TRUE(file.ok()) << file.error().message;
    }
  }
  bool has_unfinished_files(const std::string& name) const {
    const std::filesystem::recursive_directory_iterator files(output(name));
    return std::any_of(begin(files), end(files),
                       [](const auto& entry) { return entry.path().extension() == ".tmp"; });
  }
};

// Status 1, and after whatever progress was shown one line that begins with "error: " and holds all
// parts.
testing::AssertionResult ends_with_error(const ProgramResult& result,
                                         const std::vector<std::string_view>& parts) {
  const std::size_t at = result.err.find("error: ");
  ProgramResult end = result;
  if (at != std::string::npos && (at == 0 || result.err[at - 1] == '\n'))
    end.err = result.err.substr(at);
  return fails_with(end, parts);
}

TEST_F(InterruptedTraining, KilledTwentyTimesItComesToTheSameWeights) {
  constexpr int kKills = 20;
  const std::string recipe = edited_recipe({{"steps = 30", "steps = 60\noptimizer = \"muon\""},
                                            {"checkpoint_every = 10", "checkpoint_every = 2"}});
  const auto begin = Clock::now();
  const ProgramResult whole = run_program(train(recipe, "whole"));
  const double whole_s = Seconds(Clock::now() - begin).count();
  ASSERT_EQ(whole.status, 0) << testing::PrintToString(whole);
  const std::string expected = weights("whole");
  double steps_s = 0;
  for (const nlohmann::json& line : log("whole")) steps_s += line.value("seconds", 0.0);
  const double step_s = steps_s / 60, start_s = whole_s - steps_s;

  Rng rng(11);
  int n_killed = 0, n_ended = 0;
  // A run that outlives its kills is compared, too, and the next one begins afresh.
  while (n_killed < kKills) {
    RunningProgram run(train(recipe, "parts", {"--resume"}));
    // Some are killed while they start, some while they go on, most somewhere in the steps that
    // follow: computing, writing a checkpoint, exporting the model.
    const std::uint64_t kind = rng.next() % 4;
    double delay_s = rng.uniform() * start_s;
    if (kind > 0) {
      const std::size_t n_lines = log("parts").size() + 1 + rng.next() % 4;
      wait_until(run, [&] { return log("parts").size() >= n_lines; });
      if (HasFatalFailure()) return;
      delay_s = rng.uniform() * 2 * step_s;
    }
    std::this_thread::sleep_for(Seconds(delay_s));
    run.send(SIGKILL);
    const ProgramResult result = run.wait();
    every_checkpoint_is_whole("parts");
    if (result.status == -SIGKILL) {
      ++n_killed;
      continue;
    }
    ASSERT_EQ(result.status, 0) << testing::PrintToString(result);
    ASSERT_TRUE(weights("parts") == expected) << "after " << n_killed << " kills";
    std::filesystem::remove_all(output("parts"));
    ASSERT_LT(++n_ended, 20) << "the program is always faster than its killer";
  }
  const ProgramResult rest = run_program(train(recipe, "parts", {"--resume"}));
  ASSERT_EQ(rest.status, 0) << testing::PrintToString(rest);
  EXPECT_TRUE(weights("parts") == expected);
  EXPECT_FALSE(has_unfinished_files("parts"));
}

TEST_F(InterruptedTraining, CtrlCWritesACheckpointThatTheRunGoesOnFrom) {
  ASSERT_EQ(run_program(train(smoke_recipe(), "whole")).status, 0);
  RunningProgram run(train(smoke_recipe(), "parts"));
  wait_until(run, [&] { return log("parts").size() >= 4; });  // "started", then steps
  run.send(SIGINT);
  const ProgramResult stopped = run.wait();
  const std::int64_t step = log("parts").back()["step"].get<std::int64_t>();
  ASSERT_LT(step, 30) << "it was over before it was interrupted";
  EXPECT_TRUE(ends_with_error(
      stopped, {fmt::format("error: stopped after step {} of 30; --resume goes on\n", step)}));
  EXPECT_TRUE(CheckpointFile::open(checkpoint_path(output("parts"), step)).ok());
  EXPECT_FALSE(std::filesystem::exists(output("parts") + "/model"));
  const ProgramResult rest = run_program(train(smoke_recipe(), "parts", {"--resume"}));
  ASSERT_EQ(rest.status, 0) << testing::PrintToString(rest);
  EXPECT_TRUE(weights("parts") == weights("whole"));
}

TEST_F(InterruptedTraining, OnATerminalOneLineIsRewrittenUntilCtrlC) {
  const std::string recipe = edited_recipe({{"steps = 30", "steps = 100000"}});
  Terminal terminal(train(recipe, "run"));
  EXPECT_TRUE(terminal.shows(" parameters, "));
  EXPECT_TRUE(terminal.shows("; starting at step 0\r\n"));
  EXPECT_TRUE(terminal.shows("\r▕"));
  EXPECT_TRUE(terminal.shows("/100000  loss "));
  EXPECT_TRUE(terminal.shows("\x1b[K\r▕"));
  EXPECT_TRUE(terminal.shows("/100000  loss "));
  terminal.send("\x03");
  EXPECT_TRUE(terminal.shows(" so far: "));
  EXPECT_TRUE(terminal.shows("\r\nerror: stopped after step "));
  EXPECT_TRUE(terminal.shows(" of 100000; --resume goes on\r\n"));
  EXPECT_EQ(terminal.wait(), 1);
  EXPECT_FALSE(checkpoints_in(output("run")).empty());
}

TEST_F(InterruptedTraining, AFullDiskEndsTheRunAndLeavesTheLastCheckpoint) {
  ASSERT_EQ(run_program(train(smoke_recipe(), "whole")).status, 0);
  ASSERT_EQ(run_program(train(smoke_recipe(), "run", {"--steps", "10"})).status, 0);
  const auto size = std::filesystem::file_size(checkpoint_path(output("run"), 10));
  ProgramLimits limits;
  limits.file_size = static_cast<std::int64_t>(size / 2);
  const ProgramResult full = run_program(train(smoke_recipe(), "run", {"--resume"}), "", limits);
  EXPECT_TRUE(ends_with_error(full, {"checkpoint-00000020: File too large"}));
  EXPECT_EQ(checkpoints_in(output("run")), std::vector{checkpoint_path(output("run"), 10)});
  EXPECT_FALSE(has_unfinished_files("run"));
  every_checkpoint_is_whole("run");
  const ProgramResult rest = run_program(train(smoke_recipe(), "run", {"--resume"}));
  ASSERT_EQ(rest.status, 0) << testing::PrintToString(rest);
  EXPECT_TRUE(weights("run") == weights("whole"));
}

TEST_F(InterruptedTraining, ALogThatCannotBeWrittenEndsTheRun) {
  std::filesystem::create_directories(output("run"));
  std::filesystem::create_symlink("/dev/full", output("run") + "/log.jsonl");
  EXPECT_TRUE(fails_with(run_program(train(smoke_recipe(), "run")),
                         {"log.jsonl: No space left on device"}));
  EXPECT_TRUE(checkpoints_in(output("run")).empty());
}

TEST_F(InterruptedTraining, AModelThatCannotBeWrittenIsWrittenLater) {
  std::filesystem::create_directories(output("run"));
  folder_.write("run/model", "in the way");
  EXPECT_TRUE(ends_with_error(run_program(train(smoke_recipe(), "run")), {"run/model: "}));
  every_checkpoint_is_whole("run");
  std::filesystem::remove(output("run") + "/model");
  const ProgramResult rest = run_program(train(smoke_recipe(), "run", {"--resume"}));
  EXPECT_EQ(rest.status, 0) << testing::PrintToString(rest);
  EXPECT_FALSE(weights("run").empty());
}

TEST_F(InterruptedTraining, AnOutputThatIsNoFolderIsNamed) {
  const std::string file = folder_.write("file", "x").string();
  EXPECT_TRUE(fails_with(run_program(train(smoke_recipe(), "file")), {file}));
  EXPECT_TRUE(fails_with(run_program(train(smoke_recipe(), "file/below")), {file}));
}

TEST_F(InterruptedTraining, TextsThatCannotBeReadAreNamed) {
  const std::string recipe = edited_recipe(
      {{"[[source]]", "[[source]]\nkind = \"text\"\npath = \"texts.txt\"\n\n[[source]]"}});
  const std::string texts = output("texts.txt");
  const Arguments first = train(recipe, "run", {"--steps", "3"});
  EXPECT_TRUE(fails_with(run_program(first), {texts, "No such file or directory"}));
  std::filesystem::create_directory(texts);
  EXPECT_TRUE(fails_with(run_program(first), {texts, "is a directory"}));
  std::filesystem::remove(texts);
  folder_.write("texts.txt", "<|doc|>\n\n<|doc|>\n");
  EXPECT_TRUE(fails_with(run_program(first), {texts, "there is no document"}));
  EXPECT_TRUE(checkpoints_in(output("run")).empty());
  folder_.write("texts.txt", "one two three\n<|doc|>\nfour five six\n");
  ASSERT_EQ(run_program(first).status, 0);
  std::filesystem::remove(texts);
  const Arguments more = train(recipe, "run", {"--steps", "4", "--resume"});
  EXPECT_TRUE(fails_with(run_program(more), {texts, "No such file or directory"}));
  every_checkpoint_is_whole("run");
  folder_.write("texts.txt", "one two three\n<|doc|>\nfour five six\n");
  EXPECT_EQ(run_program(more).status, 0);
}

TEST_F(InterruptedTraining, ALossThatIsNotANumberLeavesTheCheckpointBeforeIt) {
  const std::string recipe = edited_recipe({{"peak = 0.01", "peak = 100"},
                                            {"warmup_steps = 5", "warmup_steps = 0"},
                                            {"checkpoint_every = 10", "checkpoint_every = 1"}});
  const ProgramResult result = run_program(train(recipe, "run"));
  EXPECT_EQ(log("run").back()["event"], "failed");
  const std::int64_t last = log("run").back()["step"].get<std::int64_t>();
  EXPECT_TRUE(ends_with_error(result, {fmt::format("step {}: the loss is ", last + 1),
                                       "a lower learning rate or a longer warm-up may help"}));
  EXPECT_FALSE(std::filesystem::exists(output("run") + "/model"));
  const auto checkpoints = checkpoints_in(output("run"));
  ASSERT_FALSE(checkpoints.empty());
  EXPECT_EQ(checkpoints.front(), checkpoint_path(output("run"), last));
  every_checkpoint_is_whole("run");
  // The run that goes on comes to the same step and says the same.
  EXPECT_TRUE(ends_with_error(run_program(train(recipe, "run", {"--resume"})),
                              {fmt::format("step {}: the loss is ", last + 1)}));
}

TEST_F(InterruptedTraining, StepsWithoutANumberAreSkippedAsOftenAsTheRecipeAllows) {
  const std::string recipe = edited_recipe({{"peak = 0.01", "peak = 100"},
                                            {"warmup_steps = 5", "warmup_steps = 0"},
                                            {"steps = 30", "steps = 30\nmax_skipped_steps = 3"}});
  const ProgramResult result = run_program(train(recipe, "run"));
  EXPECT_TRUE(ends_with_error(result, {"the loss is ", ", and 3 steps were skipped before"}));
  std::vector<nlohmann::json> skipped = events_of("run");
  std::erase_if(skipped, [](const nlohmann::json& event) { return event["event"] != "skipped"; });
  EXPECT_EQ(skipped.size(), 3u);
}

}  // namespace
}  // namespace sputnik::cli
