#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "cli/program_testing.h"
#include "formats/gguf_testing.h"

namespace sputnik::cli {
namespace {

using nlohmann::json;

// One thread unless more are asked for: tests run beside others, and threads that wait for each
// other wait long then.
Arguments generate(const Arguments& more) {
  Arguments arguments = {"generate", "--model", stories_model().string()};
  arguments.insert(arguments.end(), more.begin(), more.end());
  if (std::find(more.begin(), more.end(), "--threads") == more.end())
    arguments.insert(arguments.end(), {"--threads", "1"});
  return arguments;
}

// A trained model's greedy texts as llama2.c computes them.
TEST(Generate, TellsTheReferenceStories) {
  const json reference =
      json::parse(read_file(golden("stories260k/reference.json")).value(), nullptr, false);
  for (const bool from_safetensors : {false, true}) {
    for (const json& c : reference["cases"]) {
      Arguments arguments =
          generate({"--prompt", c["prompt"].get<std::string>(), "--greedy", "--max-tokens",
                    std::to_string(c["greedy_ids"].size()), "--json"});
      if (from_safetensors) {
        arguments[2] = golden("stories260k").string();
        arguments.insert(arguments.end(), {"--tokenizer", stories_model().string()});
      }
      const json answer = run_for_json(arguments);
      EXPECT_EQ(answer["ids"], c["greedy_ids"]);
      EXPECT_EQ(answer["text"], c["greedy_text"]);
      EXPECT_EQ(answer["prompt_tokens"], c["prompt_ids"].size());
      EXPECT_EQ(answer["completion_tokens"], c["greedy_ids"].size());
    }
  }
}

TEST(Generate, PrintsTheTextAloneWithoutJson) {
  const ProgramResult result =
      run_program(generate({"--prompt", "Once upon a time", "--greedy", "--max-tokens", "10"}));
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.out, ", there was a little girl named Lily\n");
  EXPECT_EQ(result.err, "");
}

TEST(Generate, GivesTheSameTextForTheSameSeed) {
  const auto with = [](const std::string& seed, const std::string& threads) {
    return run_for_json(
        generate({"--prompt", "The", "--temperature", "1.2", "--top-p", "0.9", "--max-tokens", "40",
                  "--seed", seed, "--threads", threads, "--json"}))["ids"];
  };
  const json first = with("1", "2");
  EXPECT_EQ(with("1", "1"), first);
  EXPECT_NE(with("2", "2"), first);
}

TEST(Generate, ReadsThePromptFromAFileUnchanged) {
  const TestFolder folder;
  const auto path = folder.write("prompt.txt", "Once upon a time");
  const Arguments rest = {"--greedy", "--max-tokens", "5", "--json"};
  Arguments from_file = generate({"--prompt-file", path.string()});
  Arguments given = generate({"--prompt", "Once upon a time"});
  from_file.insert(from_file.end(), rest.begin(), rest.end());
  given.insert(given.end(), rest.begin(), rest.end());
  EXPECT_EQ(run_for_json(from_file), run_for_json(given));
}

TEST(Generate, ReportsProbabilities) {
  const json answer = run_for_json(generate({"--prompt", "Once upon a time", "--greedy",
                                             "--max-tokens", "2", "--logprobs", "3", "--json"}));
  ASSERT_EQ(answer["logprobs"].size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    const json& token = answer["logprobs"][i];
    EXPECT_EQ(token["id"], answer["ids"][i]);
    EXPECT_EQ(token["top"].size(), 3u);
    EXPECT_EQ(token["top"][0]["id"], token["id"]);  // greedy
    EXPECT_EQ(token["top"][0]["logprob"], token["logprob"]);
    EXPECT_LE(token["logprob"].get<double>(), 0);
  }
}

TEST(Generate, EndsWhenTheContextIsFull) {
  const json answer =
      run_for_json(generate({"--prompt", "Once", "--greedy", "--context", "32", "--json"}));
  EXPECT_EQ(answer["finish_reason"], "length");
  EXPECT_EQ(answer["prompt_tokens"].get<int>() + answer["completion_tokens"].get<int>(), 32);
}

// Nothing is cut off silently.
TEST(Generate, RefusesAPromptThatDoesNotFit) {
  std::string text;
  for (int i = 0; i < 600; ++i) text += "Once ";
  EXPECT_TRUE(fails_with(run_program(generate({"--prompt", text})),
                         {"the prompt has 602 tokens and the context holds 512"}));
}

TEST(Generate, SaysHowToGiveATokenizerToAModelWithoutOne) {
  EXPECT_TRUE(fails_with(
      run_program({"generate", "--model", golden("stories260k").string(), "--prompt", "a"}),
      {"stories260k: there is no tokenizer.json in this folder; --tokenizer takes another one"}));
}

}  // namespace
}  // namespace sputnik::cli
