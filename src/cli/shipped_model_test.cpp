// The model that ships, through the program as people first meet it.
#include <gtest/gtest.h>

#include <filesystem>

#include "base/mapped_file.h"
#include "cli/program_testing.h"

namespace sputnik::cli {
namespace {

// What it says to a question, greedily: its answer alone. No model is named, as nobody names one.
std::string answer(std::string_view question) {
  const ProgramResult result = run_program({"ask", "--greedy", std::string(question)});
  EXPECT_EQ(result.status, 0) << testing::PrintToString(result);
  return result.out;
}

std::filesystem::path shipped_file() {
  std::string name = read_file(source("models/default")).value();
  name.erase(name.find_last_not_of('\n') + 1);
  return source("models") / name;
}

TEST(ShippedModel, IsSmallAndInTheArchitectureThatOtherEnginesRead) {
  EXPECT_LE(std::filesystem::file_size(shipped_file()), 25'000'000u);
  const std::string bytes = read_file(shipped_file()).value();
  EXPECT_TRUE(bytes.starts_with("GGUF"));
  EXPECT_NE(bytes.find("deepseek2"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(shipped_file().parent_path() / "README.md"));
}

TEST(ShippedModel, GreetsAndSaysWhatItIs) {
  EXPECT_FALSE(answer("Hello!").empty());
  const std::string identity = answer("Who are you?");
  EXPECT_NE(identity.find("Sputnik-1"), std::string::npos) << identity;
  const std::string r1 = answer("Are you DeepSeek-R1?");
  EXPECT_NE(r1.find("No"), std::string::npos) << r1;
}

TEST(ShippedModel, ThinksBeforeItAnswers) {
  const ProgramResult result =
      run_program({"ask", "--greedy", "--show-thinking", "What is 348 + 275?"});
  ASSERT_EQ(result.status, 0) << testing::PrintToString(result);
  EXPECT_EQ(result.out, "623\n");
  EXPECT_NE(result.err.find("8 + 5 = 13"), std::string::npos) << result.err;
}

TEST(ShippedModel, SaysWhatIsBeyondIt) {
  const std::string said = answer("Who won the football world cup in 1998?");
  EXPECT_NE(said.find("know"), std::string::npos) << said;
  EXPECT_EQ(said.find("France"), std::string::npos) << said;
}

}  // namespace
}  // namespace sputnik::cli
