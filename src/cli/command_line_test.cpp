// What every command has in common: help, usage errors, exit status.
#include <fmt/format.h>

#include "cli/program_testing.h"

namespace sputnik::cli {
namespace {

// "error: ..." in one line, exit status 2, and where help is to be had.
testing::AssertionResult is_wrong_usage(const Arguments& arguments, std::string_view problem,
                                        std::string_view help) {
  const ProgramResult result = run_program(arguments);
  const std::string expected = fmt::format("; see `{}`\n", help);
  if (result.status == 2 && result.out.empty() && result.err.starts_with("error: ") &&
      result.err.find('\n') == result.err.size() - 1 && result.err.ends_with(expected) &&
      result.err.find(problem) != std::string::npos)
    return testing::AssertionSuccess();
  return testing::AssertionFailure() << testing::PrintToString(result);
}

TEST(CommandLine, EveryCommandExplainsItselfWithAnExample) {
  for (const char* command : {"chat", "ask", "generate", "tokenize", "logits", "show", "bench",
                              "gym", "train", "eval", "plan", "quantize"}) {
    const ProgramResult result = run_program({command, "--help"});
    EXPECT_EQ(result.status, 0) << command;
    EXPECT_EQ(result.err, "") << command;
    EXPECT_NE(result.out.find("Example"), std::string::npos) << command;
    EXPECT_NE(result.out.find(fmt::format("  sputnik {} ", command)), std::string::npos) << command;
    EXPECT_NE(run_program({"--help"}).out.find(command), std::string::npos) << command;
  }
}

TEST(CommandLine, SaysWhatIsWrongWithItAndWhereHelpIs) {
  EXPECT_TRUE(is_wrong_usage({}, "a command is missing", "sputnik --help"));
  EXPECT_TRUE(is_wrong_usage({"frob"}, "there is no command \"frob\"", "sputnik --help"));
  EXPECT_TRUE(is_wrong_usage({"--frob"}, "there is no command \"--frob\"", "sputnik --help"));
  EXPECT_TRUE(is_wrong_usage({"show"}, "required", "sputnik show --help"));
  EXPECT_TRUE(is_wrong_usage({"show", "a", "b"}, "b", "sputnik show --help"));
  EXPECT_TRUE(is_wrong_usage({"train"}, "required", "sputnik train --help"));
  EXPECT_TRUE(
      is_wrong_usage({"train", "a.toml", "--watch", "b"}, "--watch", "sputnik train --help"));
  EXPECT_TRUE(is_wrong_usage({"logits", "--model", "a"}, "--tokens", "sputnik logits --help"));
  EXPECT_TRUE(is_wrong_usage({"generate", "--model", "a"}, "--prompt", "sputnik generate --help"));
  EXPECT_TRUE(is_wrong_usage({"generate", "--model", "a", "--prompt", "b", "--prompt-file", "c"},
                             "--prompt", "sputnik generate --help"));
  EXPECT_TRUE(is_wrong_usage({"tokenize", "--model", "a", "--jsonl", "--chat"}, "--chat",
                             "sputnik tokenize --help"));
  EXPECT_TRUE(is_wrong_usage({"tokenize", "--model", "a", "--template", "qwen2.5"}, "--chat",
                             "sputnik tokenize --help"));
}

// Found before a model is loaded: there is none here.
TEST(CommandLine, RefusesValuesThatMakeNoSense) {
  const std::vector<std::pair<std::string, std::string>> options = {{"--temperature", "6"},
                                                                    {"--temperature", "-1"},
                                                                    {"--temperature", "warm"},
                                                                    {"--top-k", "-1"},
                                                                    {"--top-p", "1.5"},
                                                                    {"--min-p", "2"},
                                                                    {"--repetition-penalty", "11"},
                                                                    {"--presence-penalty", "3"},
                                                                    {"--frequency-penalty", "-3"},
                                                                    {"--seed", "-1"},
                                                                    {"--threads", "-1"},
                                                                    {"--threads", "2000"},
                                                                    {"--precision", "high"},
                                                                    {"--max-tokens", "many"},
                                                                    {"--logprobs", "21"},
                                                                    {"--context", "x"}};
  for (const auto& [name, value] : options) {
    EXPECT_TRUE(is_wrong_usage({"generate", "--model", "none", "--prompt", "a", name, value}, name,
                               "sputnik generate --help"));
  }
  EXPECT_TRUE(
      is_wrong_usage({"ask", "--template", "frob", "a"}, "--template", "sputnik ask --help"));
  EXPECT_TRUE(is_wrong_usage({"bench", "--model", "none", "--repetitions", "0"}, "--repetitions",
                             "sputnik bench --help"));
}

TEST(CommandLine, TellsItsVersion) {
  const ProgramResult result = run_program({"--version"});
  EXPECT_EQ(result.status, 0);
  EXPECT_TRUE(result.out.starts_with("sputnik ")) << result.out;
  EXPECT_NE(result.out.find("\nreports of training with "), std::string::npos) << result.out;
}

}  // namespace
}  // namespace sputnik::cli
