// Text to ids and back through the program, against Hugging Face's library (tests/tokenizers).
#include <nlohmann/json.hpp>

#include "chat/chat_testing.h"
#include "cli/program_testing.h"
#include "formats/gguf_testing.h"

namespace sputnik::cli {
namespace {

using nlohmann::json;
using OrderedJson = nlohmann::ordered_json;  // templates print tools as they are given

OrderedJson test_json(const std::string& path) {
  OrderedJson document = OrderedJson::parse(chat::read_test_data(path), nullptr, false);
  EXPECT_FALSE(document.is_discarded()) << path;
  return document;
}

std::vector<OrderedJson> parse_lines(const std::string& text) {
  std::vector<OrderedJson> lines;
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find('\n', begin)) != text.npos; begin = end + 1)
    lines.push_back(OrderedJson::parse(text.substr(begin, end - begin), nullptr, false));
  EXPECT_EQ(begin, text.size()) << "the last line is not ended";
  return lines;
}

// A family's tokenizer as it is downloaded: a folder with tokenizer.json and its settings.
class Family : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    folder_.write("tokenizer.json", read("tokenizer.json.zst"));
    folder_.write("tokenizer_config.json", read("tokenizer_config.json"));
  }

  std::string path_of(const std::string& name) const {
    return fmt::format("tokenizers/{}/{}", GetParam(), name);
  }
  std::string read(const std::string& name) const { return chat::read_test_data(path_of(name)); }

  std::vector<OrderedJson> tokenize(Arguments arguments, const std::string& lines) const {
    arguments.insert(arguments.begin(), "tokenize");
    const ProgramResult result = run_program(arguments, lines);
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(result.err, "");
    return parse_lines(result.out);
  }
  std::string folder() const { return folder_.path().string(); }
  std::string tokenizer_json() const { return (folder_.path() / "tokenizer.json").string(); }

  TestFolder folder_;
};

TEST_P(Family, EncodesAndDecodesLinesAsHuggingFaceDoes) {
  const OrderedJson vectors = test_json(path_of("encode-vectors.json.zst"));
  ASSERT_GT(vectors.size(), 700u);
  std::string texts, ids;
  for (const OrderedJson& vector : vectors) {
    texts += vector["text"].dump() + "\n";
    ids += vector["ids"].dump() + "\n";
  }
  const auto encoded = tokenize({"--model", folder(), "--special", "--jsonl"}, texts);
  const auto decoded = tokenize({"--model", tokenizer_json(), "--decode", "--jsonl"}, ids);
  ASSERT_EQ(encoded.size(), vectors.size());
  ASSERT_EQ(decoded.size(), vectors.size());
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    const OrderedJson& vector = vectors[i];
    EXPECT_EQ(encoded[i], vector["ids"]) << vector["text"];
    EXPECT_EQ(decoded[i], vector.contains("decoded") ? vector["decoded"] : vector["text"]);
  }
}

TEST_P(Family, RendersConversationsAsItsTemplateDoes) {
  const OrderedJson vectors = test_json(path_of("chat-vectors.json.zst"));
  ASSERT_GT(vectors.size(), 10u);
  std::string requests;
  for (const OrderedJson& vector : vectors) {
    OrderedJson request = {{"messages", vector["messages"]},
                           {"add_generation_prompt", vector["add_generation_prompt"]}};
    if (vector.contains("tools")) request["tools"] = vector["tools"];
    requests += request.dump() + "\n";
  }
  // The family is known from the folder, from the vocabulary alone, or because it is named.
  const TestFolder bare;
  const auto vocabulary = bare.write("tokenizer.json", read("tokenizer.json.zst"));
  const std::vector<Arguments> ways = {
      {"--model", folder(), "--chat"},
      {"--model", tokenizer_json(), "--chat", "--json"},
      {"--model", vocabulary.string(), "--chat", "--template", GetParam()},
  };
  for (const Arguments& way : ways) {
    SCOPED_TRACE(testing::PrintToString(way));
    const auto answers = tokenize(way, requests);
    ASSERT_EQ(answers.size(), vectors.size());
    for (std::size_t i = 0; i < vectors.size(); ++i) {
      SCOPED_TRACE(vectors[i]["name"]);
      EXPECT_EQ(answers[i]["text"], vectors[i]["rendered"]);
      EXPECT_EQ(answers[i]["ids"], vectors[i]["ids"]);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Tokenize, Family,
                         testing::Values("deepseek-v3", "deepseek-r1", "r1-distill-qwen",
                                         "r1-distill-llama", "qwen2.5", "llama-3.1"),
                         [](const auto& family) {
                           std::string name = family.param;
                           for (char& c : name) c = c == '-' || c == '.' ? '_' : c;
                           return name;
                         });

Arguments tokenize(const Arguments& more) {
  Arguments arguments = {"tokenize", "--model", stories_model().string()};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

TEST(Tokenize, ReadsTextFromTheCommandLineAFileOrStandardInput) {
  const TestFolder folder;
  const auto file = folder.write("text.txt", "Once upon a time");
  const json ids = {{"ids", {403, 407, 261, 378}}};
  EXPECT_EQ(run_for_json(tokenize({"Once upon a time", "--json"})), ids);
  EXPECT_EQ(run_for_json(tokenize({"--file", file.string(), "--json"})), ids);
  EXPECT_EQ(run_for_json(tokenize({"--json"}), "Once upon a time"), ids);
  EXPECT_EQ(run_program(tokenize({"Once upon a time"})).out, "403\n407\n261\n378\n");
}

TEST(Tokenize, TakesTheTextOfSpecialTokensAsTextUnlessToldOtherwise) {
  EXPECT_EQ(run_for_json(tokenize({"<s>", "--json"}))["ids"].size(), 4u);
  EXPECT_EQ(run_for_json(tokenize({"<s>", "--special", "--json"})), json({{"ids", {1}}}));
}

TEST(Tokenize, BeginsWithBosOnlyIfAsked) {
  EXPECT_EQ(run_for_json(tokenize({"Once", "--bos", "--json"})), json({{"ids", {1, 403}}}));
  EXPECT_EQ(run_for_json(tokenize({"", "--json"})), json({{"ids", json::array()}}));
}

TEST(Tokenize, DecodesWhatItHasEncoded) {
  const std::string text = " Ünïcödé \n你好 🙂\ttext ";
  const json ids = run_for_json(tokenize({text, "--json"}))["ids"];
  EXPECT_EQ(run_for_json(tokenize({"--decode", ids.dump(), "--json"})), json({{"text", text}}));
  EXPECT_EQ(run_program(tokenize({"--decode", "403, 407 261"})).out, "Once upon a\n");
}

TEST(Tokenize, NamesTheLineThatIsWrong) {
  EXPECT_TRUE(fails_with(run_program(tokenize({"--jsonl"}), "\"a\"\n17\n"), {"line 2: number"}));
  EXPECT_TRUE(fails_with(run_program(tokenize({"--jsonl"}), "\"a\n"), {"line 1: malformed JSON"}));
  EXPECT_TRUE(fails_with(run_program(tokenize({"--decode", "--jsonl"}), "[512]\n"),
                         {"line 1: token 512 is outside the vocabulary of 512"}));
  const Arguments chat = tokenize({"--chat", "--template", "qwen2.5"});
  EXPECT_TRUE(fails_with(run_program(chat, "{}\n"), {"line 1: messages is missing"}));
  EXPECT_TRUE(fails_with(run_program(chat, R"({"messages":[{"role":"king","content":""}]})"),
                         {"line 1: messages[0]: role: \"king\""}));
}

TEST(Tokenize, NamesTheTokenThatIsNone) {
  EXPECT_TRUE(fails_with(run_program(tokenize({"--decode", "1 x"})), {"\"x\" is not a token id"}));
}

// Another program can converse with it: every answer comes before the next question.
TEST(Tokenize, AnswersEachLineAtOnce) {
  Terminal terminal(tokenize({"--jsonl"}));
  for (int i = 0; i < 3; ++i) {
    terminal.send("\"Once upon a time\"\n");
    EXPECT_TRUE(terminal.shows("[403,407,261,378]\r\n"));
  }
  terminal.send("\x04");  // Ctrl-D
  EXPECT_EQ(terminal.wait(), 0);
}

}  // namespace
}  // namespace sputnik::cli
