#include "train/training_log.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "formats/gguf_testing.h"

namespace sputnik {
namespace {

void append_to(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path, std::ios::app | std::ios::binary) << text;
}

template <class T>
T read_as(std::string_view line) {
  const auto known = parse_log_line(line);
  if (!known || !std::holds_alternative<T>(*known)) {
    ADD_FAILURE() << line << " is something else";
    return T{};
  }
  return std::get<T>(*known);
}

TEST(TrainingLog, LinesSayWhatTheyMean) {
  const auto step = read_as<LogStep>(
      R"({"step":7,"loss":2.5,"mtp_loss":3,"learning_rate":0.001,"gradient_norm":0.5,"tokens":10,
          "tokens_total":70,"seconds":2,"expert_load_max_over_mean":1.5,"dead_experts":["a","b"],
          "flops":1e9,"energy_j":16,"mfu":0.4,"unknown":{}})");
  EXPECT_EQ(step.step, 7);
  EXPECT_EQ(step.loss, 2.5);
  EXPECT_EQ(step.mtp_loss, 3);
  EXPECT_EQ(step.tokens_total, 70);
  EXPECT_EQ(step.n_dead_experts, 2);
  EXPECT_EQ(step.flops, 1e9);
  EXPECT_EQ(step.energy_j, 16);
  EXPECT_EQ(step.mfu, 0.4);

  const auto start = read_as<LogStart>(
      R"({"event":"resumed","step":5,"steps":30,"recipe":"ab","parameters":9,
          "price_per_hour":0.08,"currency":"USD"})");
  EXPECT_TRUE(start.is_resumed);
  EXPECT_EQ(start.step, 5);
  EXPECT_EQ(start.n_steps, 30);
  EXPECT_EQ(start.recipe, "ab");
  EXPECT_EQ(start.currency, "USD");
  EXPECT_FALSE(read_as<LogStart>(R"({"event":"started","step":0})").is_resumed);

  const auto evaluation = read_as<LogEvaluation>(
      R"({"event":"evaluation","step":5,"families":{"addition":{"n":20,"right":12}}})");
  ASSERT_EQ(evaluation.families.size(), 1u);
  EXPECT_EQ(evaluation.families[0].name, "addition");
  EXPECT_EQ(evaluation.families[0].right, 12);

  EXPECT_EQ(read_as<LogSample>(R"({"event":"sample","step":5,"prompt":"p","text":"t"})").text, "t");
  const auto loads = read_as<LogExpertLoads>(
      R"({"event":"expert_loads","step":20,"layers":[[0.25,0.75],[0.5,0.5]]})");
  EXPECT_EQ(loads.layers, (std::vector<std::vector<float>>{{0.25f, 0.75f}, {0.5f, 0.5f}}));
  EXPECT_EQ(read_as<LogEnd>(R"({"event":"finished","step":30})").kind, LogEnd::Kind::kFinished);
  EXPECT_EQ(read_as<LogEnd>(R"({"event":"stopped","step":3})").kind, LogEnd::Kind::kStopped);
  EXPECT_EQ(read_as<LogEnd>(R"({"event":"failed","step":3,"message":"m"})").message, "m");
}

TEST(TrainingLog, NonsenseIsNoLine) {
  for (const char* line : {"",
                           "{",
                           "[]",
                           "7",
                           "{}",
                           "null",
                           R"({"step":1})",
                           R"({"loss":1})",
                           R"({"step":-1,"loss":1})",
                           R"({"step":1.5,"loss":1})",
                           R"({"step":1e30,"loss":1})",
                           R"({"step":18446744073709551615,"loss":1})",
                           R"({"step":1,"loss":null})",
                           R"({"step":1,"loss":1e999})",
                           R"({"step":1,"loss":"1"})",
                           R"({"event":7,"step":1})",
                           R"({"event":"evaluation","step":1})",
                           R"({"event":"expert_loads","step":1,"layers":[1]})",
                           R"({"event":"expert_loads","step":1,"layers":[["a"]]})",
                           R"({"event":"expert_loads","step":1,"layers":[[2]]})",
                           R"({"event":"expert_loads","step":1,"layers":[[-0.1]]})",
                           R"({"event":"started"})",
                           R"({"event":"of a later version","step":1})"}) {
    EXPECT_FALSE(parse_log_line(line).has_value()) << line;
  }
  // What makes no sense in a line that does is left out.
  const auto step = read_as<LogStep>(
      R"({"step":1,"loss":1,"tokens":-5,"seconds":"x","mfu":-1,"dead_experts":3})");
  EXPECT_EQ(step.tokens, 0);
  EXPECT_EQ(step.seconds, 0);
  EXPECT_FALSE(step.mfu.has_value());
  EXPECT_TRUE(read_as<LogEvaluation>(
                  R"({"event":"evaluation","step":1,"families":{"a":{"n":2,"right":3},"b":{"n":0,
                      "right":0},"c":[]}})")
                  .families.empty());
  EXPECT_FALSE(parse_log_line(std::string(100'000, '[')).has_value());
}

TEST(TrainingLog, WhatAStepReportsIsReadBack) {
  StepReport report;
  report.step = 20;
  report.loss = 1.25;
  report.mtp_loss = 2.5;
  report.n_tokens = 100;
  report.n_tokens_total = 300;
  report.router.max_over_mean = 1.5;
  report.router.dead_experts = {"expert 1 of x"};
  report.router.shares = {{0.5f, 0.25f, 0.25f}};
  const LogStep step = log_step_of(step_line(report, 0.5));
  EXPECT_EQ(step.step, 20);
  EXPECT_EQ(step.loss, 1.25);
  EXPECT_EQ(step.mtp_loss, 2.5);
  EXPECT_EQ(step.tokens_total, 300);
  EXPECT_EQ(step.seconds, 0.5);
  EXPECT_EQ(step.expert_load_max_over_mean, 1.5);
  EXPECT_EQ(step.n_dead_experts, 1);

  const auto line = expert_loads_line(report);
  ASSERT_TRUE(line.has_value());
  EXPECT_EQ(read_as<LogExpertLoads>(line->dump()).layers[0],
            (std::vector<float>{0.5f, 0.25f, 0.25f}));
  report.step = 21;
  EXPECT_FALSE(expert_loads_line(report).has_value());
  report.step = 40;
  report.router.shares.clear();
  EXPECT_FALSE(expert_loads_line(report).has_value());
}

TEST(TrainingLog, ALineThatWasCutStaysCut) {
  const TestFolder folder;
  const auto path = folder.write("log.jsonl", std::string_view("{\"step\":1}\n{\"step\":2,\"lo"));
  {
    auto log = TrainingLog::open(path);
    ASSERT_TRUE(log.ok());
    ASSERT_TRUE(log.value().add({{"step", 2}}).ok());
  }
  EXPECT_EQ(read_file(path).value(), "{\"step\":1}\n{\"step\":2,\"lo\n{\"step\":2}\n");
  {
    auto log = TrainingLog::open(path);  // whole now
    ASSERT_TRUE(log.ok());
    ASSERT_TRUE(log.value().add({{"text", "\xff"}}).ok());
  }
  EXPECT_TRUE(read_file(path).value().ends_with("{\"step\":2}\n{\"text\":\"\uFFFD\"}\n"));
  EXPECT_FALSE(TrainingLog::open(folder.path() / "none" / "log.jsonl").ok());
}

class Reader : public testing::Test {
 protected:
  TrainingLogReader::News read() {
    auto news = reader_.read();
    EXPECT_TRUE(news.ok()) << news.error().message;
    return std::move(news).value();
  }
  std::vector<std::int64_t> steps() {
    std::vector<std::int64_t> steps;
    for (const LogLine& line : read().lines) {
      if (const auto* step = std::get_if<LogStep>(&line)) steps.push_back(step->step);
    }
    return steps;
  }
  static std::string line(std::int64_t step) {
    return fmt::format("{{\"step\":{},\"loss\":1}}\n", step);
  }
  using Steps = std::vector<std::int64_t>;

  TestFolder folder_;
  std::filesystem::path path_ = folder_.path() / "log.jsonl";
  TrainingLogReader reader_{path_};
};

TEST_F(Reader, FollowsALogThatDoesNotExistYetAndGrows) {
  EXPECT_TRUE(read().lines.empty());
  EXPECT_FALSE(reader_.exists());
  append_to(path_, line(1) + line(2));
  EXPECT_EQ(steps(), (Steps{1, 2}));
  EXPECT_TRUE(reader_.exists());
  EXPECT_GT(reader_.changed_s(), 1.5e9);
  EXPECT_EQ(steps(), Steps{});
  append_to(path_, line(3));
  EXPECT_EQ(steps(), (Steps{3}));
}

TEST_F(Reader, AFileCutAnywhereGivesItsWholeLinesAndLaterTheRest) {
  const std::string whole =
      line(1) + R"({"event":"sample","step":1,"prompt":"é","text":"你好"})" + "\n" + line(2);
  for (std::size_t n = 0; n <= whole.size(); ++n) {
    std::filesystem::remove(path_);
    TrainingLogReader reader(path_);
    append_to(path_, whole.substr(0, n));
    auto first = reader.read();
    ASSERT_TRUE(first.ok());
    append_to(path_, whole.substr(n));
    auto second = reader.read();
    ASSERT_TRUE(second.ok());
    EXPECT_EQ(first.value().lines.size() + second.value().lines.size(), 3u) << n;
    EXPECT_EQ(reader.n_unreadable(), 0) << n;
  }
}

TEST_F(Reader, DamagedLinesAreCountedAndPassedOver) {
  append_to(path_, line(1) + "{\"step\":2,\"lo\n" + std::string(50, '\0') + "\n\n" +
                       "{\"event\":\"of a later version\"}\n" + line(3));
  EXPECT_EQ(steps(), (Steps{1, 3}));
  EXPECT_EQ(reader_.n_unreadable(), 2);
}

TEST_F(Reader, AHugeLineIsPassedOverInPieces) {
  append_to(path_, line(1));
  const std::string part(TrainingLogReader::kMaxLineBytes / 2 + 10, 'x');
  append_to(path_, part);
  EXPECT_EQ(steps(), (Steps{1}));
  append_to(path_, part);
  EXPECT_EQ(steps(), Steps{});
  append_to(path_, part + "\n" + line(2));
  EXPECT_EQ(steps(), (Steps{2}));
  EXPECT_EQ(reader_.n_unreadable(), 1);
}

TEST_F(Reader, ALongLogComesInSeveralParts) {
  std::string text;
  for (int i = 1; i <= 60'000; ++i)
    text += fmt::format("{{\"step\":{},\"loss\":1,\"x\":\"{:080}\"}}\n", i, 0);
  append_to(path_, text);
  std::size_t n_lines = 0;
  int n_reads = 0;
  for (bool has_more = true; has_more; ++n_reads) {
    const auto news = read();
    n_lines += news.lines.size();
    has_more = news.has_more;
  }
  EXPECT_EQ(n_lines, 60'000u);
  EXPECT_GT(n_reads, 1);
}

TEST_F(Reader, AnotherFileOrAShorterOneBeginsAnew) {
  append_to(path_, line(1) + line(2));
  EXPECT_EQ(steps(), (Steps{1, 2}));
  std::filesystem::resize_file(path_, 0);
  append_to(path_, line(7));
  auto news = read();
  EXPECT_TRUE(news.begins_anew);
  EXPECT_EQ(news.lines.size(), 1u);
  ASSERT_TRUE(write_file_atomically(path_, line(1) + line(2) + line(3)).ok());
  news = read();
  EXPECT_TRUE(news.begins_anew);
  EXPECT_EQ(news.lines.size(), 3u);
  std::filesystem::remove(path_);
  news = read();
  EXPECT_TRUE(news.begins_anew);
  EXPECT_FALSE(reader_.exists());
  append_to(path_, line(1) + line(2) + line(3) + line(4));
  news = read();
  EXPECT_EQ(news.lines.size(), 4u);
}

TEST_F(Reader, WhatIsNoFileIsAnErrorThatNamesIt) {
  std::filesystem::create_directory(path_);
  auto news = reader_.read();
  ASSERT_FALSE(news.ok());
  EXPECT_NE(news.error().message.find("log.jsonl"), std::string::npos);
  std::filesystem::remove(path_);
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_FALSE(reader_.read().ok());  // and does not wait for somebody to write into it
}

}  // namespace
}  // namespace sputnik
