// `sputnik gym`, run as a person runs it.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "cli/program_testing.h"
#include "tasks/task.h"

namespace sputnik::cli {
namespace {

struct Output {
  int status;
  std::string text;

  std::vector<std::string> lines() const {
    std::vector<std::string> all;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = text.find('\n', begin);
      all.push_back(text.substr(begin, end - begin));
      begin = end == std::string::npos ? text.size() : end + 1;
    }
    return all;
  }
};

// arguments: separated by single spaces.
Output gym(const std::string& arguments) {
  std::istringstream words(arguments);
  Arguments all{"gym"};
  for (std::string word; words >> word;) all.push_back(word);
  const ProgramResult result = run_program(all);
  return {result.status, result.out + result.err};
}

TEST(GymCommand, PrintsTheTasksOfTheLibrary) {
  const Output output =
      gym("countdown --level 2 --seed 40 --count 3 --split test --trace corrected --json");
  EXPECT_EQ(output.status, 0);
  const auto lines = output.lines();
  ASSERT_EQ(lines.size(), 3u);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto json = nlohmann::json::parse(lines[i], nullptr, false);
    ASSERT_TRUE(json.is_object()) << lines[i];
    const tasks::Task task =
        tasks::generate({tasks::find_family("countdown").value(), 2, 40 + i, tasks::Split::kTest});
    EXPECT_EQ(json["prompt"], task.prompt);
    EXPECT_EQ(json["answer"], task.answer);
    EXPECT_EQ(json["trace"], task.corrected_thought);
    EXPECT_EQ(json["mistakes"].size(), task.mistakes.size());
  }
}

TEST(GymCommand, ListsEveryFamily) {
  EXPECT_EQ(gym("--list --json").lines().size(), tasks::families().size());
  EXPECT_EQ(gym("--list").lines().size(), tasks::families().size() + 1);
}

TEST(GymCommand, ChecksAFamily) {
  const Output output = gym("addition --check 10");
  EXPECT_EQ(output.status, 0);
  EXPECT_EQ(output.lines().size(), 7u);
}

TEST(GymCommand, PrintsTalk) {
  const std::string folder = SPUTNIK_SOURCE_DIR "/data/talk";
  const Output all = gym("--talk " + folder + " --count 5 --json");
  EXPECT_EQ(all.status, 0);
  ASSERT_EQ(all.lines().size(), 5u);
  for (const std::string& line : all.lines()) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    ASSERT_TRUE(json.is_object()) << line;
    EXPECT_FALSE(json["turns"].empty());
  }
  EXPECT_NE(gym("--talk " + folder + " --topic are_you_r1").text.find("Sputnik-1"),
            std::string::npos);
  EXPECT_EQ(gym("--talk " + folder + " --topic nothing").text,
            "error: there is no topic nothing\n");
  EXPECT_EQ(gym("--talk nowhere").status, 1);
}

TEST(GymCommand, SaysWhatIsWrong) {
  EXPECT_EQ(gym("").text, "error: name a family; `sputnik gym --list` shows them\n");
  EXPECT_EQ(gym("nothing").text, "error: there is no family of tasks named 'nothing'\n");
  EXPECT_EQ(gym("addition --level 99").text, "error: addition has levels 1 to 7, not 99\n");
  EXPECT_EQ(gym("addition --level 99").status, 1);
  EXPECT_EQ(gym("addition --split middle").status, 2);
}

}  // namespace
}  // namespace sputnik::cli
