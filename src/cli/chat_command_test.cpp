// chat and ask as a person sees them.
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "cli/program_testing.h"
#include "formats/gguf_testing.h"

namespace sputnik::cli {
namespace {

constexpr const char* kCtrlC = "\x03";
constexpr const char* kCtrlD = "\x04";
constexpr const char* kPrompt = "> ";
constexpr const char* kDim = "\x1b[2m";
constexpr const char* kPlain = "\x1b[0m";

// A model of random weights does not end by itself. It is no chat model: it goes on with the text.
Arguments endless_chat() {
  return {"chat",     golden("deepseek-v3-tiny").string(),
          "--greedy", "--context",
          "160000",   "--threads",
          "1",        "--isa",
          "reference"};
}

// The tokenizer of the tiny models, with marks of thoughts in place of its last two tokens.
nlohmann::json thinking_tokenizer() {
  auto json = nlohmann::json::parse(read_file(golden("deepseek-v3-tiny/tokenizer.json")).value(),
                                    nullptr, false);
  nlohmann::json merges = nlohmann::json::array(), vocab = nlohmann::json::object();
  for (const auto& [piece, id] : json["model"]["vocab"].items()) {
    if (id < 318) vocab[piece] = id;
  }
  for (const auto& merge : json["model"]["merges"]) {
    std::string piece = merge;
    piece.erase(piece.find(' '), 1);
    if (vocab.contains(piece)) merges.push_back(merge);
  }
  json["model"]["vocab"] = vocab;
  json["model"]["merges"] = merges;
  json["added_tokens"].push_back({{"id", 318}, {"content", "<think>"}});
  json["added_tokens"].push_back({{"id", 319}, {"content", "</think>"}});
  return json;
}

Arguments command(const char* name, const std::filesystem::path& model, const Arguments& more) {
  Arguments arguments = {name, "--model", model.string(), "--greedy", "--threads", "1"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

TEST(Chat, StopsAnAnswerAtCtrlCAndGoesOn) {
  Terminal terminal(endless_chat());
  ASSERT_TRUE(terminal.shows("deepseek-v3-tiny. /help says what you can do.\r\n"));
  ASSERT_TRUE(terminal.shows(kPrompt));
  for (const char* text : {"Once upon", "The"}) {
    terminal.send(fmt::format("{}\n", text));
    ASSERT_TRUE(terminal.shows(fmt::format("{}\r\n{}", text, text)));  // typed, and gone on with
    ASSERT_TRUE(terminal.shows_more(100));
    terminal.send(kCtrlC);
    ASSERT_TRUE(terminal.shows("(stopped)\r\n> "));
  }
  terminal.send(kCtrlD);
  EXPECT_EQ(terminal.wait(), 0);
  EXPECT_TRUE(terminal.has_its_first_settings());
}

TEST(Chat, LeavesAtTwoCtrlCs) {
  Terminal terminal(endless_chat());
  ASSERT_TRUE(terminal.shows(kPrompt));
  terminal.send("half a line");
  ASSERT_TRUE(terminal.shows("half a line"));
  terminal.send(kCtrlC);
  ASSERT_TRUE(terminal.shows("(Ctrl-C again, Ctrl-D or /quit leaves)\r\n> "));
  terminal.send(kCtrlC);
  EXPECT_EQ(terminal.wait(), 0);
  EXPECT_TRUE(terminal.has_its_first_settings());
}

TEST(Chat, DimsThoughtsAndNothingElse) {
  const TestFolder folder;
  const auto tokenizer = folder.write("tokenizer.json", thinking_tokenizer().dump());
  Terminal terminal({"chat", golden("deepseek-v3-tiny").string(), "--tokenizer", tokenizer.string(),
                     "--template", "deepseek-r1", "--max-tokens", "8", "--greedy", "--threads",
                     "1"});
  ASSERT_TRUE(terminal.shows(kPrompt));
  terminal.send("Hello\n");
  ASSERT_TRUE(terminal.shows(kDim));
  ASSERT_TRUE(terminal.shows(std::string(kPlain) + "\r\n> "));
  terminal.send("/quit\n");
  EXPECT_EQ(terminal.wait(), 0);
  EXPECT_EQ(terminal.output().rfind(kDim), terminal.output().find(kDim));
}

TEST(Chat, ObeysItsCommands) {
  Terminal terminal({"chat", stories_model().string(), "--max-tokens", "1", "--threads", "1"});
  ASSERT_TRUE(terminal.shows(kPrompt));
  for (const auto& [typed, answer] :
       std::vector<std::pair<std::string, std::string>>{{"/help", "Ctrl-C        stops an answer"},
                                                        {"/system Be kind.", "(system prompt set)"},
                                                        {"/system", "(no system prompt)"},
                                                        {"/clear", "(forgotten)"}}) {
    terminal.send(typed + "\n");
    EXPECT_TRUE(terminal.shows(answer));
  }
  terminal.send("/quit\n");
  EXPECT_EQ(terminal.wait(), 0);
}

TEST(Chat, SaysThatTheShippedModelIsTiny) {
  Terminal terminal({"chat"});
  EXPECT_TRUE(terminal.shows("Sputnik-1 is tiny, 8.9 million parameters"));
}

TEST(Chat, ReadsPipedLinesWithoutDecoration) {
  const ProgramResult result = run_program(
      {"chat", stories_model().string(), "--greedy", "--max-tokens", "3", "--threads", "1"},
      "Once upon a time\nThe");
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.out, "Once upon a time, there was\nThere was a\n");
}

TEST(Ask, PrintsTheAnswerAlone) {
  const ProgramResult result =
      run_program(command("ask", stories_model(), {"--max-tokens", "3", "Once upon a time"}));
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.out, "Once upon a time, there was\n");
  EXPECT_TRUE(result.err.starts_with("note: stories260K is a base model")) << result.err;
}

TEST(Ask, ReadsTheQuestionFromAPipe) {
  const ProgramResult result =
      run_program(command("ask", stories_model(), {"--max-tokens", "3"}), "Once upon a time\n\n");
  EXPECT_EQ(result.out, "Once upon a time, there was\n");
}

TEST(Ask, PutsWhatIsPipedBelowTheQuestion) {
  const ProgramResult result =
      run_program(command("ask", stories_model(), {"--max-tokens", "1", "Once"}), "upon a time");
  EXPECT_TRUE(result.out.starts_with("Once\n\nupon a time,")) << result.out;
}

// Programs that read the answer must not find a thought in it.
TEST(Ask, KeepsThoughtsOutOfTheAnswer) {
  const TestFolder folder;
  const auto tokenizer = folder.write("tokenizer.json", thinking_tokenizer().dump());
  const Arguments thinking = {
      "--tokenizer", tokenizer.string(), "--template", "deepseek-r1", "--max-tokens", "8", "Hello"};
  const auto model = golden("deepseek-v3-tiny");
  const ProgramResult silent = run_program(command("ask", model, thinking));
  EXPECT_EQ(silent.status, 0);
  EXPECT_EQ(silent.out, "\n");  // the thought is not at its end
  EXPECT_EQ(silent.err,
            "note: deepseek-v3-tiny is tiny, 0.4 million parameters: it knows little and is often "
            "wrong\n");
  Arguments more = thinking;
  more.push_back("--show-thinking");
  const ProgramResult shown = run_program(command("ask", model, more));
  EXPECT_EQ(shown.out, "\n");
  EXPECT_GT(shown.err.size(), 3u);
  EXPECT_EQ(shown.err.find('\x1b'), std::string::npos);  // no colours in a file
}

TEST(Ask, StopsAtCtrlC) {
  Arguments arguments = endless_chat();
  arguments[0] = "ask";
  arguments.insert(arguments.begin() + 1, "--model");
  arguments.push_back("Once");
  Terminal terminal(arguments);
  ASSERT_TRUE(terminal.shows("does not converse\r\nOnce"));  // the note, and then the answer
  ASSERT_TRUE(terminal.shows_more(100));
  terminal.send(kCtrlC);
  EXPECT_TRUE(terminal.shows("error: stopped before the answer was complete\r\n"));
  EXPECT_EQ(terminal.wait(), 1);
  EXPECT_TRUE(terminal.has_its_first_settings());
}

TEST(Ask, SaysWhenThereIsNoQuestion) {
  Terminal terminal({"ask"});
  EXPECT_TRUE(terminal.shows("error: there is no question"));
  EXPECT_EQ(terminal.wait(), 1);
  EXPECT_TRUE(fails_with(run_program({"ask"}), {"there is no question"}));
}

}  // namespace
}  // namespace sputnik::cli
