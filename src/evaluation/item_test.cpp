#include "evaluation/item.h"

#include <gtest/gtest.h>

#include "base/mapped_file.h"
#include "evaluation/suites.h"

namespace sputnik::evaluation {
namespace {

Result<std::vector<Item>> parse(std::string_view text, bool bare = true) {
  return parse_items(text, "s", bare);
}

Item one(std::string_view line) {
  auto items = parse(line);
  EXPECT_TRUE(items.ok()) << (items.ok() ? "" : items.error().message);
  return items.ok() ? std::move(items).value().at(0) : Item();
}

bool is_right(const Item& item, const std::string& said) {
  Response response;
  response.answer = said;
  return grade(item, response, nullptr).value().right;
}

TEST(Items, ReadEveryKind) {
  const Item math = one(R"({"question":"6 * 7?","answer":42.0,"id":7,"group":"products"})");
  EXPECT_EQ(math.kind, AnswerKind::kMath);
  EXPECT_EQ(math.answer, "42");
  EXPECT_EQ(math.id, "7");
  EXPECT_EQ(math.row, "products");
  EXPECT_EQ(math.question, "6 * 7?");

  const Item worked = one(R"({"problem":"?","answer":"6 * 7 = 42\n#### 42"})");
  EXPECT_EQ(worked.answer, "42");
  EXPECT_EQ(worked.question, "?");
  EXPECT_EQ(worked.id, "1");
  EXPECT_EQ(worked.row, "s");

  const Item choice = one(R"({"question":"Which?","choices":["one","two"],"answer":"B"})");
  EXPECT_EQ(choice.kind, AnswerKind::kChoice);
  EXPECT_EQ(choice.question, "Which?\n\nA) one\nB) two");
  EXPECT_EQ(choice.n_choices, 2);

  const Item code = one(R"({"question":"Add.","tests":["assert f(1)==2","assert f(2)==3"]})");
  EXPECT_EQ(code.kind, AnswerKind::kCode);
  EXPECT_EQ(code.tests, "assert f(1)==2\nassert f(2)==3\n");
  EXPECT_EQ(one(R"({"question":"?","answer":"x","kind":"text"})").kind, AnswerKind::kText);
}

TEST(Items, SayHowToAnswerUnlessTheyAreBare) {
  const auto items = parse(R"({"question":"6 * 7?","answer":42})", false).value();
  EXPECT_EQ(items[0].question,
            "6 * 7?\n\nPlease reason step by step, and put your final answer within \\boxed{}.");
}

TEST(Items, AreJudgedByTheirKind) {
  const Item math = one(R"({"question":"?","answer":"\\frac{1}{2}"})");
  EXPECT_TRUE(is_right(math, "It is a half, so the answer is $\\boxed{0.5}$."));
  EXPECT_FALSE(is_right(math, "The answer is 0.51"));
  EXPECT_FALSE(is_right(math, ""));
  const Item choice = one(R"({"question":"?","choices":["x","y","z"],"answer":"C"})");
  EXPECT_TRUE(is_right(choice, "I take (C)."));
  EXPECT_FALSE(is_right(choice, "A or C"));
  const Item text = one(R"({"question":"?","answer":"New York","kind":"text"})");
  EXPECT_TRUE(is_right(text, "Where?\nnew york."));
  EXPECT_FALSE(is_right(text, "York"));
  const std::string long_text(2000, 'x');
  const Item longer = one(R"({"question":"?","kind":"text","answer":")" + long_text + "\"}");
  EXPECT_TRUE(is_right(longer, long_text));
  EXPECT_FALSE(is_right(longer, std::string(3000, 'y')));  // too long is not the same as too long
}

TEST(Items, CodeRunsInASandboxAndATooLongProgramIsAWrongOne) {
  const auto sandbox = tasks::Sandbox::create();
  if (!sandbox.ok()) GTEST_SKIP() << sandbox.error().message;
  const Item item = one(
      R"({"question":"?","preamble":"def f(n):\n  \"\"\"adds one\"\"\"\n","tests":"assert f(1) == 2"})");
  const auto passes = [&](const std::string& said) {
    Response response;
    response.answer = said;
    return grade(item, response, &sandbox.value()).value().right;
  };
  EXPECT_TRUE(passes("Here:\n```python\ndef f(n):\n  return n + 1\n```"));
  EXPECT_TRUE(passes("```python\n  return n + 1\n```"));  // goes on where the preamble ends
  EXPECT_FALSE(passes("```python\ndef f(n):\n  return n\n```"));
  EXPECT_FALSE(passes("exit(0)"));
  EXPECT_FALSE(passes(std::string(4 << 20, '#')));
}

TEST(Items, WrongLinesAreNamed) {
  const auto message = [](std::string_view text) {
    const auto items = parse(text);
    EXPECT_FALSE(items.ok()) << text;
    return items.ok() ? "" : items.error().message;
  };
  EXPECT_EQ(message(""), "there are no items");
  EXPECT_EQ(message("\n \n"), "there are no items");
  EXPECT_EQ(message("{\"question\":\"?\",\"answer\":1}\n{}"), "line 2: question is missing");
  EXPECT_EQ(message("{\"question\":\"?\"}"), "line 1: answer is missing");
  EXPECT_EQ(message("{\"question\":3,\"answer\":1}"),
            "line 1: question is an integer, not a string");
  EXPECT_EQ(message(R"({"question":"?","answer":1,"kind":"guess"})"),
            "line 1: kind is not math, text, choice or code");
  EXPECT_EQ(message(R"({"question":"?","choices":["a","b"],"answer":"C"})"),
            "line 1: answer is not the letter of a choice");
  EXPECT_EQ(message(R"({"question":"?","choices":["a"],"answer":"A"})"),
            "line 1: choices are 1, not 2 to 26");
  EXPECT_EQ(message(R"({"question":"?","tests":" "})"), "line 1: tests are missing");
  EXPECT_EQ(
      message("{\"question\":\"?\",\"answer\":1,\"id\":\"2\"}\n{\"question\":\"?\",\"answer\":1}"),
      "line 2: an earlier item has the id \"2\"");
  EXPECT_NE(message("[1]").find("line 1"), std::string::npos);
  EXPECT_NE(message("{\"question\":\"\xff\",\"answer\":1}").find("line 1"), std::string::npos);
  EXPECT_NE(message(std::string(100000, '[')).find("line 1"), std::string::npos);
  std::string groups;
  for (int i = 0; i < 300; ++i)
    groups += fmt::format(R"({{"question":"?","answer":1,"group":"{}"}})", i) + "\n";
  EXPECT_EQ(message(groups), "line 257: there are more than 256 groups");
}

TEST(Items, CutAnywhereAFileIsItemsOrAnError) {
  const std::string text =
      R"({"question":"?","choices":["x","y"],"answer":"A","id":"a","group":"g","kind":"choice"})"
      "\n"
      R"({"question":"?","tests":["assert 1"],"preamble":"x = 1","answer":null})"
      "\n";
  for (std::size_t n = 0; n <= text.size(); ++n) {
    const auto items = parse(std::string_view(text).substr(0, n));
    EXPECT_TRUE(items.ok() || items.error().code == ErrorCode::kCorrupt) << n;
  }
}

TEST(Items, TheirFingerprintChangesWithWhatIsAskedAndWhatIsRight) {
  const auto of = [](std::string_view text) { return fingerprint(parse(text).value()); };
  const std::string first = of(R"({"question":"?","answer":1})");
  EXPECT_EQ(first.size(), 16u);
  EXPECT_EQ(of(R"({"answer":1,"question":"?","note":"no part of it"})"), first);
  EXPECT_NE(of(R"({"question":"!","answer":1})"), first);
  EXPECT_NE(of(R"({"question":"?","answer":2})"), first);
  EXPECT_NE(of(R"({"question":"?","answer":1,"kind":"text"})"), first);
}

// Every shipped suite: it can be read, has as many items as the list says, and its own answers are
// right.
TEST(Suites, ThatShipAreReadAndRight) {
  for (const SuiteInfo& suite : suites()) {
    if (!suite.ships) continue;
    SCOPED_TRACE(suite.name);
    const std::string folder = fmt::format("{}/data/suites/{}", SPUTNIK_SOURCE_DIR, suite.name);
    const auto loaded = load_items(folder + "/items.jsonl", std::string(suite.name), false);
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;
    std::string n = std::to_string(loaded.value().size());
    if (n.size() > 3) n.insert(n.size() - 3, ",");
    EXPECT_NE(suite.what.find(", " + n + " of "), std::string_view::npos) << n;
    for (const Item& item : loaded.value()) {
      if (item.kind == AnswerKind::kCode) continue;
      EXPECT_TRUE(is_right(item, "\\boxed{" + item.answer + "}")) << item.id << " " << item.answer;
    }
    EXPECT_TRUE(read_file(folder + "/LICENSE").ok() || read_file(folder + "/NOTICE").ok());
  }
}

}  // namespace
}  // namespace sputnik::evaluation
