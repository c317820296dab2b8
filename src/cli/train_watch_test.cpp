#include "cli/train_watch.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/mapped_file.h"
#include "base/utf8.h"
#include "cli/program_testing.h"
#include "formats/gguf_testing.h"
#include "train/training_log.h"

namespace sputnik::cli {
namespace {

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

RunHistory example(int n_steps) {
  RunHistory history;
  LogStart start;
  start.n_steps = 200;
  start.recipe = "r";
  start.price_per_hour = 36;
  start.currency = "USD";
  history.add(start);
  for (int i = 1; i <= n_steps; ++i) {
    LogStep step;
    step.step = i;
    step.loss = 1 + 8.0 / i;
    step.learning_rate = 0.002;
    step.gradient_norm = 0.5;
    step.tokens = 1000;
    step.tokens_total = 1000.0 * i;
    step.seconds = 2;
    step.energy_j = 72;
    step.flops = 4e9;
    step.mfu = 0.4375;
    step.n_dead_experts = 3;
    history.add(step);
  }
  history.add(LogExpertLoads{n_steps, {{0.5f, 0.125f, 0.375f, 0}}});
  history.add(LogEvaluation{n_steps, {{"addition", 20, 15}, {"ordering", 20, 5}}});
  history.add(LogSample{n_steps, "What is 2 plus 3?", "It is\n5."});
  return history;
}

WatchView view(int rows = 40, int columns = 100) {
  WatchView v;
  v.size = {rows, columns};
  v.title = "runs/x";
  v.has_log = true;
  return v;
}

TEST(Watch, ShowsEverythingThatTheLogSays) {
  const std::string screen = joined(watch_screen(example(100), view()));
  for (const char* part :
       {"runs/x  running\n", "step 100 of 200  50.0 %  3 min left", "▕█", "loss            1.0800",
        "last 64 steps", "learning rate   2.00e-03", "gradient norm   0.5", "tokens/s        500 ",
        "2G FLOP/s", "MFU 43.8 %", "100k tokens, 3 min, 2 Wh, $2.00",
        "expert load     0.00 least, 1.00 mean, 2.00 most", "3 get no tokens",
        "right answers at step 100: 50 %", "addition █████████     75 %",
        "ordering ███           25 %", "sample at step 100: What is 2 plus 3?\nIt is 5.\n"}) {
    EXPECT_NE(screen.find(part), std::string::npos) << part << "\n" << screen;
  }
}

TEST(Watch, SaysWhatARunIsDoing) {
  WatchView v = view();
  EXPECT_EQ(watch_state({}, v), "waiting: nothing is in the log yet");
  v.has_log = false;
  EXPECT_EQ(watch_state({}, v), "waiting: there is no log.jsonl yet");
  v.has_log = true;
  RunHistory history;
  history.add(LogStart{});
  EXPECT_EQ(watch_state(history, v), "started");
  v.since_news_s = 40;
  EXPECT_EQ(watch_state(history, v), "no first step since 40 s");
  history = example(10);
  EXPECT_EQ(watch_state(history, v), "no new step since 40 s");
  v.since_news_s = 9;
  EXPECT_EQ(watch_state(history, v), "running");
  history.add(LogEnd{LogEnd::Kind::kStopped, 10, ""});
  EXPECT_EQ(watch_state(history, v), "stopped after step 10; sputnik train --resume goes on");
  history.add(LogEnd{LogEnd::Kind::kFailed, 10, "the loss\nis \x1b[2Jnan"});
  EXPECT_EQ(watch_state(history, v), "failed: the loss is [2Jnan");
  history.add(LogEnd{LogEnd::Kind::kFinished, 10, ""});
  EXPECT_EQ(watch_state(history, v), "finished");
  // Long steps are waited for longer.
  RunHistory slow;
  LogStep step;
  step.step = 1;
  step.seconds = 60;
  slow.add(step);
  v.since_news_s = 200;
  EXPECT_EQ(watch_state(slow, v), "running");
  v.since_news_s = 300;
  EXPECT_EQ(watch_state(slow, v), "no new step since 5 min");
}

// Whatever the log holds: no control character but those of our own colours, no line too long, no
// line too many.
TEST(Watch, AHostileLogBreaksNoTerminal) {
  std::string evil = "\x1b]0;title\x07\x1b[2J\r\n\t\x9b\xff\xc2\x9b\u202E" + std::string(5000, 'x');
  for (int i = 0; i < 500; ++i) evil += "你\u0301";
  RunHistory history = example(3000);
  for (int i = 0; i < 300; ++i)
    history.add(LogEvaluation{3000, {{fmt::format("{}{}", i, evil), 10, 5}}});
  history.add(LogSample{3000, evil, evil});
  for (const bool has_color : {false, true}) {
    for (const auto& [rows, columns] : {std::pair{24, 80}, {10, 30}, {3, 10}, {1, 1}, {60, 300}}) {
      WatchView v = view(rows, columns);
      v.title = evil;
      v.has_color = has_color;
      v.n_unreadable = 7;
      const auto lines = watch_screen(history, v);
      EXPECT_LE(lines.size(), static_cast<std::size_t>(std::max(rows - 1, 1)));
      for (const std::string& line : lines) {
        std::string plain = line;
        for (const char* code :
             {"\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[33m", "\x1b[36m"}) {
          for (std::size_t at = 0; (at = plain.find(code)) != std::string::npos;)
            plain.erase(at, std::string_view(code).size());
        }
        EXPECT_TRUE(is_valid_utf8(plain));
        EXPECT_EQ(single_line(plain), plain);  // nothing is left for it to take away
        EXPECT_LE(columns_of(plain), std::max(columns - 1, 0)) << plain;
        if (!has_color) {
          EXPECT_EQ(plain, line);
        }
      }
    }
  }
}

TEST(Watch, ColorsAreOnlyThereIfTheyAreWanted) {
  WatchView v = view();
  EXPECT_EQ(joined(watch_screen(example(9), v)).find('\x1b'), std::string::npos);
  v.has_color = true;
  EXPECT_NE(joined(watch_screen(example(9), v)).find("\x1b[36m"), std::string::npos);
}

class WatchProgram : public testing::Test {
 protected:
  void log(std::string_view text) {
    std::filesystem::create_directories(run_);
    std::ofstream(run_ / "log.jsonl", std::ios::app | std::ios::binary) << text;
  }
  void log_steps(int first, int last) {
    for (int i = first; i <= last; ++i) {
      log(fmt::format("{{\"step\":{},\"loss\":{:.3f},\"tokens\":100,\"seconds\":0.5}}\n", i,
                      10.0 / i));
    }
  }
  static constexpr std::string_view kStarted =
      "{\"event\":\"started\",\"step\":0,\"steps\":30,\"recipe\":\"r\"}\n";

  TestFolder folder_;
  std::filesystem::path run_ = folder_.path() / "run";
};

TEST_F(WatchProgram, RedrawsOnATerminalAndLeavesItAsItWas) {
  Terminal terminal({"train", "--watch", run_.string()});
  ASSERT_TRUE(terminal.shows("waiting: there is no log.jsonl yet"));
  log(kStarted);
  ASSERT_TRUE(terminal.shows("started"));
  log_steps(1, 3);
  log("{\"step\":4,\"lo");  // half a line
  ASSERT_TRUE(terminal.shows("step 3 of 30"));
  log("ss\":1}\n");
  ASSERT_TRUE(terminal.shows("\x1b["));  // up, not cleared
  ASSERT_TRUE(terminal.shows("step 4 of 30"));
  EXPECT_EQ(terminal.output().find("\x1b[2J"), std::string::npos);
  EXPECT_EQ(terminal.output().find("\x1b[?"), std::string::npos);  // no mode to set back
  terminal.resize(12, 30);
  ASSERT_TRUE(terminal.shows("\x1b[H\x1b[2J"));
  ASSERT_TRUE(terminal.shows("step 4 of 30"));
  log("{\"event\":\"resumed\",\"step\":2}\n");
  ASSERT_TRUE(terminal.shows("step 2 of 30"));
  terminal.send("\x03");
  EXPECT_EQ(terminal.wait(), 0);
  EXPECT_TRUE(terminal.has_its_first_settings());
}

TEST_F(WatchProgram, EndsWithTheRun) {
  log(kStarted);
  log_steps(1, 30);
  Terminal terminal({"train", "--watch", run_.string()}, {"NO_COLOR=1"});
  ASSERT_TRUE(terminal.shows("step 30 of 30"));
  log("{\"event\":\"finished\",\"step\":30}\n");
  ASSERT_TRUE(terminal.shows("finished"));
  EXPECT_EQ(terminal.wait(), 0);
  for (const char* color : {"\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[36m"})
    EXPECT_EQ(terminal.output().find(color), std::string::npos);
}

TEST_F(WatchProgram, SaysSinceWhenNothingCame) {
  log(kStarted);
  log_steps(1, 5);
  std::filesystem::last_write_time(
      run_ / "log.jsonl", std::filesystem::file_time_type::clock::now() - std::chrono::seconds(40));
  Terminal terminal({"train", "--watch", run_.string()});
  EXPECT_TRUE(terminal.shows("no new step since 4"));
}

TEST_F(WatchProgram, WritesPlainLinesElsewhere) {
  log(kStarted);
  log_steps(1, 30);
  log("{\"event\":\"finished\",\"step\":30}\n");
  const ProgramResult result = run_program({"train", "--watch", run_.string()});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(result.out, "step 30 of 30: loss 0.3330, learning rate 0.00e+00, 200 tokens/s\n" +
                            run_.string() + ": finished\n");
  Terminal dumb({"train", "--watch", run_.string()}, {"TERM=dumb"});
  EXPECT_EQ(dumb.wait(), 0);
  EXPECT_EQ(dumb.output().find('\x1b'), std::string::npos) << dumb.output();
}

TEST_F(WatchProgram, FindsARunByItsRecipeOrAsTheNewest) {
  std::filesystem::create_directories(folder_.path() / "runs/old");
  std::filesystem::create_directories(folder_.path() / "runs/new");
  std::filesystem::create_directories(folder_.path() / "runs/none");
  for (const char* name : {"old", "new"})
    folder_.write(fmt::format("runs/{}/log.jsonl", name), std::string_view(""));
  std::filesystem::last_write_time(
      folder_.path() / "runs/old/log.jsonl",
      std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  EXPECT_EQ(newest_run(folder_.path() / "runs").value().filename(), "new");
  EXPECT_FALSE(newest_run(folder_.path() / "runs/none").ok());
  EXPECT_FALSE(newest_run(folder_.path() / "nowhere").ok());

  // A recipe leads to its folder, which says at once that it cannot be read: no run is there.
  EXPECT_TRUE(fails_with(run_program({"train", "--watch", (folder_.path() / "x.toml").string()}),
                         {"x.toml"}));
  std::string recipe = read_file(source("recipes/tiny-smoke.toml")).value();
  const std::string_view output = "\"runs/tiny-smoke\"";
  recipe.replace(recipe.find(output), output.size(), "\"" + run_.string() + "\"");
  const auto path = folder_.write("x.toml", std::string_view(recipe));
  log(kStarted);
  log_steps(1, 30);
  log("{\"event\":\"failed\",\"step\":30,\"message\":\"the loss is nan\"}\n");
  const ProgramResult result = run_program({"train", "--watch", path.string()});
  EXPECT_EQ(result.status, 0);
  EXPECT_NE(result.out.find("failed: the loss is nan"), std::string::npos) << result.out;
  const ProgramResult report = run_program({"train", "--report", path.string()});
  EXPECT_EQ(report.status, 0);
  EXPECT_EQ(report.out, (run_ / "report.html").string() + "\n");
  EXPECT_NE(read_file(run_ / "report.html").value().find("the loss is nan"), std::string::npos);
}

TEST_F(WatchProgram, WithoutALogThereIsNoReport) {
  EXPECT_TRUE(fails_with(run_program({"train", "--report", run_.string()}), {"log.jsonl"}));
  EXPECT_FALSE(std::filesystem::exists(run_));
}

TEST_F(WatchProgram, ALogThatIsNoFileIsOneError) {
  std::filesystem::create_directories(run_ / "log.jsonl");
  EXPECT_TRUE(fails_with(run_program({"train", "--watch", run_.string()}), {"log.jsonl"}));
}

}  // namespace
}  // namespace sputnik::cli
