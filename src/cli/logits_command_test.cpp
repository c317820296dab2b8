// The logits that DeepSeek's, Hugging Face's and llama2.c's code compute, through the program.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "cli/program_testing.h"
#include "formats/gguf_testing.h"

namespace sputnik::cli {
namespace {

using nlohmann::json;

std::vector<float> floats_in(const std::filesystem::path& path) {
  const std::string bytes = read_file(path).value();
  EXPECT_EQ(bytes.size() % sizeof(float), 0u);
  std::vector<float> values(bytes.size() / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

template <class Expected>
double largest_difference(const std::vector<float>& actual, const Expected& expected) {
  EXPECT_EQ(actual.size(), expected.size());
  double largest = 0;
  for (std::size_t i = 0; i < std::min(actual.size(), expected.size()); ++i) {
    const double difference = std::abs(double{actual[i]} - double{expected[i]});
    if (!(difference <= largest)) largest = difference;  // NaN too
  }
  return largest;
}

class Logits : public testing::Test {
 protected:
  ProgramResult run(const std::filesystem::path& model, const json& tokens, Arguments more = {}) {
    const auto tokens_path = folder_.write("tokens.json", tokens.dump());
    more.insert(more.begin(), {"logits", "--model", model.string(), "--tokens",
                               tokens_path.string(), "--output", output().string()});
    if (std::find(more.begin(), more.end(), "--threads") == more.end())
      more.insert(more.end(), {"--threads", "1"});
    return run_program(more);
  }
  std::vector<float> compute(const std::filesystem::path& model, const json& tokens,
                             const Arguments& more = {}) {
    const ProgramResult result = run(model, tokens, more);
    EXPECT_EQ(result.status, 0) << testing::PrintToString(result);
    EXPECT_EQ(result.out + result.err, "");
    return result.status == 0 ? floats_in(output()) : std::vector<float>();
  }
  std::filesystem::path output() const { return folder_.path() / "logits.f32"; }

  TestFolder folder_;
};

struct Case {
  std::string model, expected, prompts;  // below tests/golden
  Arguments more = {};
};

// model_testing's golden cases are these and more; here the way through the program counts.
TEST_F(Logits, AreThoseOfTheReferenceImplementations) {
  const std::vector<Case> cases = {
      {"deepseek-v3-tiny", "deepseek-v3-tiny", "deepseek-v3-tiny"},
      {"deepseek-v3-fp8-tiny", "deepseek-v3-fp8-tiny", "deepseek-v3-fp8-tiny"},
      {"deepseek-v2-lite-tiny", "deepseek-v2-lite-tiny", "deepseek-v2-lite-tiny"},
      {"deepseek-v2-tiny", "deepseek-v2-tiny", "deepseek-v2-tiny"},
      {"deepseek-v3-mtp-tiny", "deepseek-v3-mtp-tiny", "deepseek-v3-mtp-tiny"},
      {"qwen2-tiny", "qwen2-tiny", "qwen2-tiny"},
      {"qwen2-tied-tiny/sharded", "qwen2-tied-tiny", "qwen2-tied-tiny"},
      {"qwen2-tied-tiny/sharded/model.safetensors.index.json", "qwen2-tied-tiny",
       "qwen2-tied-tiny"},
      {"qwen2-tied-tiny/sharded/model-00002-of-00003.safetensors", "qwen2-tied-tiny",
       "qwen2-tied-tiny"},
      {"llama3-tiny/model.safetensors", "llama3-tiny", "llama3-tiny"},
      {"llama3-tiny/bf16", "llama3-tiny", "llama3-tiny"},
      {"gguf/deepseek-v3-tiny/model-mla-f16.gguf", "deepseek-v3-tiny", "deepseek-v3-tiny"},
      {"gguf/deepseek-v3-tiny/model-kvb-f16.gguf", "gguf/deepseek-v3-tiny/expected-no-groups",
       "deepseek-v3-tiny"},
      {"gguf/deepseek-v3-tiny/model-kvb-f16.gguf",
       "deepseek-v3-tiny",
       "deepseek-v3-tiny",
       {"--set", "n_group=4", "--set", "topk_group=2"}},
      {"gguf/deepseek-v3-tiny/model-mla-q8_0.gguf", "gguf/deepseek-v3-tiny/expected-q8_0",
       "deepseek-v3-tiny"},
      {"gguf/qwen2-tied-tiny/model-q8_0.gguf", "gguf/qwen2-tied-tiny/expected-q8_0",
       "qwen2-tied-tiny"},
      {"gguf/llama3-tiny/model-bf16.gguf", "llama3-tiny", "llama3-tiny"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.model + " " + testing::PrintToString(c.more));
    auto expected_path = golden(c.expected);
    if (std::filesystem::is_directory(expected_path)) expected_path /= "expected";
    expected_path += ".safetensors";
    const auto expected = SafetensorsFile::open(expected_path).value();
    const auto prompts = SafetensorsFile::open(golden(c.prompts) / "expected.safetensors").value();
    for (const char* prompt : {"p1", "p130"}) {
      const auto tokens = prompts.values<std::int32_t>(fmt::format("{}.tokens", prompt)).value();
      const auto logits = expected.values<float>(fmt::format("{}.logits", prompt)).value();
      EXPECT_LE(largest_difference(compute(golden(c.model), tokens, c.more), logits), 2e-4);
    }
  }
}

TEST_F(Logits, OfTheShippedModelAreThoseOfLlama2C) {
  const json reference =
      json::parse(read_file(golden("stories260k/reference.json")).value(), nullptr, false);
  for (const auto& model : {stories_model(), golden("stories260k")}) {
    for (const json& c : reference["cases"]) {
      const auto logits = compute(model, c["prompt_ids"]);
      ASSERT_EQ(logits.size(), c["prompt_ids"].size() * 512);
      EXPECT_LE(largest_difference(std::vector<float>(logits.end() - 512, logits.end()),
                                   c["last_logits"].get<std::vector<double>>()),
                1e-4);
    }
  }
}

TEST_F(Logits, DoNotDependOnChunksAndThreads) {
  const json tokens = {1, 403, 407, 261, 378, 432, 383};
  const auto logits = compute(stories_model(), tokens);
  EXPECT_EQ(compute(stories_model(), tokens, {"--chunk", "2", "--threads", "2"}), logits);
}

TEST_F(Logits, OfNothingAreAnEmptyFile) {
  EXPECT_EQ(compute(stories_model(), json::array()).size(), 0u);
}

// A failed run must not pass for one that has computed something.
TEST_F(Logits, LeaveNoFileBehindWhenTheyFail) {
  EXPECT_TRUE(
      fails_with(run(stories_model(), {1, 512}),
                 {"tokens.json: token 512 at position 1 is outside the vocabulary of 512"}));
  EXPECT_TRUE(fails_with(run(stories_model(), {1, "a"}), {"tokens.json: element 1 is \"a\""}));
  EXPECT_TRUE(fails_with(run(stories_model(), {1, -1}), {"tokens.json: element 1 is -1"}));
  EXPECT_TRUE(fails_with(run(stories_model(), {1, 1.5}), {"tokens.json: element 1 is 1.5"}));
  EXPECT_TRUE(fails_with(run(stories_model(), {{"ids", {1}}}), {"tokens.json: object"}));
  int n_files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
    n_files += entry.path().filename() != "tokens.json";
  EXPECT_EQ(n_files, 0);
}

TEST_F(Logits, GoIntoAPipeToo) {
  const auto tokens = folder_.write("tokens.json", "[1]");
  const ProgramResult result =
      run_program({"logits", "--model", stories_model().string(), "--tokens", tokens.string(),
                   "--output", "/dev/stdout"});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.out.size(), 512 * sizeof(float));
}

TEST_F(Logits, SayWhenTheDiskIsFull) {
  const auto tokens = folder_.write("tokens.json", "[1]");
  EXPECT_TRUE(fails_with(run_program({"logits", "--model", stories_model().string(), "--tokens",
                                      tokens.string(), "--output", "/dev/full"}),
                         {"/dev/full: No space left on device"}));
}

}  // namespace
}  // namespace sputnik::cli
