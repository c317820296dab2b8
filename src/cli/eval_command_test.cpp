// `sputnik eval`, run as a person runs it: on the story model, which solves nothing, but answers.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/mapped_file.h"
#include "base/rng.h"
#include "cli/program_testing.h"
#include "formats/gguf_testing.h"

namespace sputnik::cli {
namespace {

using nlohmann::json;

class Eval : public testing::Test {
 protected:
  std::string output(const std::string& name) const { return (folder_.path() / name).string(); }
  json result(const std::string& name) const {
    json all = json::parse(read_file(folder_.path() / name / "result.json").value());
    all.erase("run");  // times
    return all;
  }
  std::string file(const std::string& name, std::string_view content) const {
    return folder_.write(name, content).string();
  }
  // 2 families, 2 columns, 3 tasks each.
  Arguments gym(const std::string& name, const Arguments& more = {}) const {
    Arguments all = {"eval",
                     "--model",
                     stories_model().string(),
                     "--suite",
                     "gym",
                     "--families",
                     "addition,brackets",
                     "--levels",
                     "1",
                     "--n",
                     "3",
                     "--max-tokens",
                     "150",
                     "--output",
                     output(name)};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  TestFolder folder_;
};

TEST_F(Eval, MeasuresAGymAndLeavesResponsesResultAndReport) {
  const ProgramResult run = run_program(gym("run"));
  ASSERT_EQ(run.status, 0) << testing::PrintToString(run);
  EXPECT_NE(run.out.find("gym: 12 items"), std::string::npos) << run.out;
  EXPECT_NE(run.out.find("level 1, new wording"), std::string::npos);
  const json all = result("run");
  EXPECT_EQ(all["sputnik_eval"], 1);
  EXPECT_EQ(all["model"]["name"], "stories260K");
  EXPECT_EQ(all["options"]["max_tokens"], 150);
  ASSERT_EQ(all["suites"].size(), 1u);
  EXPECT_EQ(all["suites"][0]["items"].size(), 12u);
  const json total = all["suites"][0]["table"].back();
  EXPECT_EQ(total["items"], 12);
  EXPECT_LE(total["pass_at_1"]["low"], total["pass_at_1"]["value"]);
  EXPECT_GT(total["answer_tokens"], 1);
  const std::string report = read_file(folder_.path() / "run/report.html").value();
  EXPECT_NE(report.find("<svg"), std::string::npos);
  EXPECT_NE(report.find("never trained"), std::string::npos);

  // Once more: nothing is left to do, and the result is the same.
  const ProgramResult again = run_program(gym("run", {"--json"}));
  ASSERT_EQ(again.status, 0) << testing::PrintToString(again);
  json printed = json::parse(again.out);
  EXPECT_EQ(printed["run"]["tokens"], 0);
  printed.erase("run");
  EXPECT_EQ(printed, all);
}

TEST_F(Eval, KilledAtAnyMomentItGoesOnToTheSameResult) {
  const Arguments samples = {"--samples", "3", "--seed", "5", "--threads", "1"};
  ASSERT_EQ(run_program(gym("whole", samples)).status, 0);
  const Arguments arguments = gym("parts", samples);
  Rng rng(3);
  int n_killed = 0;
  for (int attempt = 0;; ++attempt) {
    ASSERT_LT(attempt, 100);
    std::vector<char*> argv = {const_cast<char*>("sputnik")};
    for (const std::string& argument : arguments)
      argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    const pid_t pid = ::fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {
      const int null = ::open("/dev/null", O_WRONLY);
      ::dup2(null, 1);
      ::dup2(null, 2);
      ::execv(SPUTNIK_BINARY, argv.data());
      ::_exit(127);
    }
    // Later and later, so that it ends even on a slow machine.
    const auto ms = static_cast<std::int64_t>(rng.next() % 30) + 10 + attempt * attempt;
    std::this_thread::sleep_for(std::chrono::milliseconds(ms));
    ::kill(pid, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status)) {
      ASSERT_EQ(WEXITSTATUS(status), 0);
      break;
    }
    ++n_killed;
  }
  EXPECT_GE(n_killed, 1);
  EXPECT_EQ(result("parts"), result("whole"));
}

TEST_F(Eval, CtrlCEndsItCleanlyAndTheSameCommandGoesOn) {
  const Arguments arguments = gym("run", {"--samples", "200", "--parallel", "2"});
  Terminal terminal(arguments);
  ASSERT_TRUE(terminal.shows("] 3"));  // of 2400 responses
  terminal.send("\x03");
  ASSERT_TRUE(terminal.shows("of 2400 responses; the same command goes on"));
  EXPECT_EQ(terminal.wait(), 1);
  EXPECT_TRUE(terminal.has_its_first_settings());
  const std::string log = read_file(folder_.path() / "run/responses.jsonl").value();
  EXPECT_GE(std::count(log.begin(), log.end(), '\n'), 4);
  EXPECT_EQ(log.back(), '\n');
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "run/result.json"));
}

TEST_F(Eval, ADifferentEvaluationInTheSameFolderIsRefused) {
  ASSERT_EQ(run_program(gym("run")).status, 0);
  EXPECT_TRUE(fails_with(run_program(gym("run", {"--seed", "8"})),
                         {"another evaluation", "seed is 0, not 8", "--output"}));
  EXPECT_TRUE(fails_with(run_program(gym("run", {"--split", "test"})), {"items is "}));
  EXPECT_TRUE(
      fails_with(run_program(gym("run", {"--set", "rms_norm_eps=0.5"})), {"another evaluation"}));
  Arguments other = gym("run");
  other[2] = golden("deepseek-v3-tiny").string();
  EXPECT_TRUE(fails_with(run_program(other), {"another evaluation", "its name is"}));
}

TEST_F(Eval, AGymWithoutRoomForItsTeachersIsRefused) {
  const Arguments arguments = {"eval",          "--model",      stories_model().string(),
                               "--suite",       "gym",          "--families",
                               "long_division", "--max-tokens", "20",
                               "--output",      output("run")};
  EXPECT_TRUE(fails_with(run_program(arguments), {"long_division", "95 %", "20", "--max-tokens"}));
  EXPECT_FALSE(std::filesystem::exists(output("run")));
}

TEST_F(Eval, ReadsItemsOfPeople) {
  const std::string items =
      file("mine.jsonl",
           "{\"question\":\"Once upon a time, there was a\",\"kind\":\"text\","
           "\"answer\":\"never said\"}\n"
           "{\"question\":\"One day,\",\"choices\":[\"x\",\"y\"],"
           "\"answer\":\"A\",\"group\":\"days\"}\n");
  for (const Arguments& from :
       {Arguments{"--items", items}, Arguments{"--suite", "aime24=" + items}}) {
    Arguments arguments = {"eval", "--model",  stories_model().string(), "--max-tokens",
                           "20",   "--output", output(from[0]),          "--json"};
    arguments.insert(arguments.end(), from.begin(), from.end());
    const json all = run_for_json(arguments);
    EXPECT_EQ(all["suites"][0]["suite"], from[0] == "--items" ? "mine" : "aime24");
    EXPECT_EQ(all["suites"][0]["items"].size(), 2u);
    EXPECT_EQ(all["suites"][0]["items"][1]["row"], "days");
  }
}

TEST_F(Eval, HostileItemsAreOneErrorOrHarmlessText) {
  const auto with = [&](const std::string& items, const Arguments& more = {}) {
    Arguments all = {"eval",
                     "--model",
                     stories_model().string(),
                     "--items",
                     file("x.jsonl", items),
                     "--max-tokens",
                     "5",
                     "--output",
                     output("hostile")};
    all.insert(all.end(), more.begin(), more.end());
    return run_program(all);
  };
  EXPECT_TRUE(fails_with(with(""), {"x.jsonl: there are no items"}));
  EXPECT_TRUE(fails_with(with("{\"question\":\"?\"}"), {"x.jsonl: line 1: answer is missing"}));
  EXPECT_TRUE(fails_with(with("\x01\x02"), {"x.jsonl: line 1"}));
  EXPECT_TRUE(fails_with(with(std::string(1 << 20, '[')), {"x.jsonl: line 1"}));
  EXPECT_TRUE(fails_with(with("{\"answer\":1,\"question\":\"" + std::string(20000, 'x') + "\"}"),
                         {"the longest prompt has ", "no room for an answer"}));
  EXPECT_FALSE(std::filesystem::exists(output("hostile")));
  // Names that would move the cursor, leave the folder or become markup.
  const ProgramResult run = with(
      "{\"answer\":1,\"question\":\"<s></s>\",\"id\":\"../../x\",\"group\":"
      "\"<script>alert(1)</script>\\u001b[2J\\n\"}");
  ASSERT_EQ(run.status, 0) << testing::PrintToString(run);
  EXPECT_EQ(run.out.find('\x1b'), std::string::npos);
  const std::string report = read_file(folder_.path() / "hostile/report.html").value();
  EXPECT_EQ(report.find("<script"), std::string::npos);
  EXPECT_EQ(report.find('\x1b'), std::string::npos);
}

TEST_F(Eval, ComparesTwoResults) {
  ASSERT_EQ(run_program(gym("a")).status, 0);
  Arguments other = gym("b");
  other[2] = golden("deepseek-v3-tiny").string();
  ASSERT_EQ(run_program(other).status, 0);
  const ProgramResult compared = run_program({"eval", "--compare", output("a"), output("b")});
  ASSERT_EQ(compared.status, 0) << testing::PrintToString(compared);
  EXPECT_NE(compared.out.find("A: stories260K"), std::string::npos) << compared.out;
  EXPECT_NE(compared.out.find("McNemar"), std::string::npos);
  ASSERT_EQ(run_program(gym("c", {"--split", "test"})).status, 0);
  EXPECT_TRUE(fails_with(run_program({"eval", "--compare", output("a"), output("c")}),
                         {"different items of gym"}));
  EXPECT_TRUE(
      fails_with(run_program({"eval", "--compare", output("a"), output("none")}), {"none"}));
  EXPECT_TRUE(fails_with(
      run_program({"eval", "--compare", output("a"), file("x.json", "{\"sputnik_eval\":2}")}),
      {"x.json: sputnik_eval is 2"}));
}

TEST_F(Eval, ListsSuitesAndSaysWhatIsWrong) {
  const ProgramResult list = run_program({"eval", "--list"});
  EXPECT_EQ(list.status, 0);
  for (const char* name : {"gym ", "gsm8k ", "aime24 ", "humaneval ", "yours"})
    EXPECT_NE(list.out.find(name), std::string::npos) << name;
  EXPECT_TRUE(fails_with(run_program({"eval"}), {"name a suite"}));
  EXPECT_TRUE(fails_with(run_program({"eval", "--suite", "gsm9k"}), {"no suite named 'gsm9k'"}));
  EXPECT_TRUE(fails_with(run_program({"eval", "--suite", "amc23"}), {"--suite amc23=FILE"}));
  EXPECT_TRUE(fails_with(run_program({"eval", "--suite", "gsm8k,gsm8k"}), {"given twice"}));
  EXPECT_EQ(run_program({"eval", "--suite", "gym", "--samples", "0"}).status, 2);
}

}  // namespace
}  // namespace sputnik::cli
