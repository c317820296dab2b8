#include "evaluation/run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "evaluation/gym_items.h"
#include "evaluation/scripted_model_testing.h"
#include "evaluation/stable_hash.h"

namespace sputnik::evaluation {
namespace {

// What a run leaves, whatever the order in which it came.
std::vector<std::string> contents(const ResponseLog& log) {
  std::vector<std::string> lines;
  for (const Record& r : log.records()) {
    lines.push_back(fmt::format("{} {} {} {} {} {} {} {} {}", r.item, r.sample, r.right,
                                r.truncated, r.well_formed, r.answer.value_or("-"),
                                r.n_thought_tokens, r.n_answer_tokens, r.text));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

TEST(RunEvaluation, InterruptedAgainAndAgainItLeavesWhatAnUninterruptedRunDoes) {
  const Tokenizer tokenizer = make_chat_tokenizer();
  const auto chat_template = chat::ChatTemplate::by_name("deepseek-v3").value();
  GymOptions gym;
  gym.families = {"addition", "sorting"};
  gym.n_items = 3;
  const auto items = make_gym_items(gym).value();
  const ScriptedModel model(tokenizer, [](std::string_view question) {
    return "<think>so</think>" + std::string(question.substr(0, 20)) + "<eos>";
  });
  EngineOptions engine_options;
  engine_options.n_threads = 1;
  engine_options.max_sequences = 4;
  engine_options.context_length = 512;
  RunOptions options;
  options.n_samples = 2;
  options.respond.sampling.temperature = 3;  // so that samples differ
  options.respond.max_tokens = 40;
  std::string pattern = (std::filesystem::temp_directory_path() / "sputnik-run-XXXXXX").string();
  const std::filesystem::path folder = ::mkdtemp(pattern.data());
  const auto start = [&](const char* name, int n_responses) {
    const auto engine = Engine::create(model, engine_options).value();
    ResponseLog log = ResponseLog::open(folder / name, {{"options", {{"seed", 1}}}},
                                        static_cast<std::int64_t>(items.size()), 2)
                          .value();
    std::atomic<bool> interrupted{false};
    RunOptions with_interrupt = options;
    with_interrupt.respond.interrupted = &interrupted;
    int n = -1;  // progress is told once before the first response
    const auto counts =
        run_evaluation(*engine, tokenizer, chat_template, items, with_interrupt, nullptr, log,
                       [&](const RunCounts&) { interrupted = ++n >= n_responses; });
    EXPECT_EQ(counts.ok(), static_cast<std::int64_t>(log.records().size()) == log.n_expected());
    return contents(log);
  };
  const auto whole = start("whole", 1000);
  EXPECT_EQ(whole.size(), items.size() * 2);
  std::vector<std::string> parts;
  int n_starts = 0;
  while (parts.size() < whole.size() && ++n_starts < 50) parts = start("parts", 3);
  EXPECT_GT(n_starts, 5);
  EXPECT_EQ(parts, whole);
  std::filesystem::remove_all(folder);
}

TEST(LongestPrompt, IsThatOfTheTokensThatTheModelReads) {
  const Tokenizer tokenizer = make_chat_tokenizer();
  const auto chat_template = chat::ChatTemplate::by_name("deepseek-v3").value();
  std::vector<Item> items(2);
  items[0].question = "12345";
  items[1].question = "123";
  // Begin, user, five digits, assistant.
  EXPECT_EQ(longest_prompt(items, tokenizer, chat_template, true).value(), 8);
}

TEST(Fingerprints, OfTokenizersChangeWithATokenAndItsRole) {
  const Tokenizer first = make_chat_tokenizer(), same = make_chat_tokenizer();
  EXPECT_EQ(fingerprint(first), fingerprint(same));
  StableHash one, two;
  one.add("ab");
  one.add("c");
  two.add("a");
  two.add("bc");
  EXPECT_NE(one.hex(), two.hex());
}

}  // namespace
}  // namespace sputnik::evaluation
