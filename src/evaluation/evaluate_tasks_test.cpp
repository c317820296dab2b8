#include "evaluation/evaluate_tasks.h"

#include <gtest/gtest.h>

#include <map>

#include "evaluation/scripted_model_testing.h"

namespace sputnik::evaluation {
namespace {

using chat::ChatTemplate;

struct World {
  Tokenizer tokenizer = make_chat_tokenizer();
  ChatTemplate chat_template = ChatTemplate::by_name("deepseek-v3").value();
};

std::unique_ptr<Engine> make_engine(const Model& model, std::int64_t n_sequences,
                                    std::int64_t context = 512) {
  EngineOptions options;
  options.n_threads = 1;
  options.max_sequences = n_sequences;
  options.context_length = context;
  return Engine::create(model, options).value();
}

std::vector<tasks::TaskSpec> specs_of(std::initializer_list<std::string_view> families, int n) {
  std::vector<tasks::TaskSpec> specs;
  for (int i = 0; i < n; ++i) {
    for (const std::string_view family : families) {
      specs.push_back({tasks::find_family(family).value(), 1, static_cast<std::uint64_t>(i),
                       tasks::Split::kTest});
    }
  }
  return specs;
}

TEST(EvaluateTasks, CountsWhatIsRightCutAndWellFormedForEveryFamily) {
  const World s;
  const auto specs = specs_of({"ordering", "addition", "caesar"}, 8);
  // By prompt: additions are thought about and right, every second ordering is wrong, ciphers are
  // thought about without end.
  std::map<std::string, std::string, std::less<>> script;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const tasks::Task task = tasks::generate(specs[i]);
    std::string& say = script[task.prompt];
    if (specs[i].family->name == "addition") {
      say = "<think>\nLet me add.\n</think>\n\nThe answer is " + task.answer + ".<eos>";
    } else if (specs[i].family->name == "ordering") {
      say = (specs[i].seed % 2 == 0 ? task.answer : "nobody") + "<eos>";
    } else {
      say = "<think>Hmm. ";
    }
  }
  ASSERT_EQ(script.size(), specs.size());  // every prompt another one
  const ScriptedModel model(s.tokenizer,
                            [&](std::string_view prompt) { return script.find(prompt)->second; });
  RespondOptions options;
  options.max_tokens = 60;
  // More tasks than sequences, and more than the cache holds at once.
  const auto engine = make_engine(model, 5);
  const TaskEvaluation result =
      evaluate_tasks(*engine, s.tokenizer, s.chat_template, specs, options).value();
  EXPECT_TRUE(engine->idle());
  EXPECT_EQ(engine->n_free_blocks(), engine->n_blocks());
  ASSERT_EQ(result.families.size(), 3u);
  EXPECT_EQ(result.families[0].family->name, "ordering");
  EXPECT_EQ(result.families[0].counts.n, 8);
  EXPECT_EQ(result.families[0].counts.n_right, 4);
  EXPECT_EQ(result.families[0].counts.n_well_formed, 0);
  EXPECT_EQ(result.families[0].counts.n_thought_tokens, 0);
  EXPECT_EQ(result.families[1].counts.n_right, 8);
  EXPECT_EQ(result.families[1].counts.n_well_formed, 8);
  EXPECT_EQ(result.families[1].counts.n_truncated, 0);
  EXPECT_EQ(result.families[2].counts.n_right, 0);
  EXPECT_EQ(result.families[2].counts.n_truncated, 8);
  EXPECT_EQ(result.families[2].counts.n_thought_tokens, 8 * 60);
  EXPECT_EQ(result.families[2].counts.n_answer_tokens, 0);
  EXPECT_EQ(result.total.n, 24);
  EXPECT_EQ(result.total.n_right, 12);
  for (std::size_t i = 0; i < specs.size(); ++i) {
    EXPECT_EQ(result.outcomes[i].truncated, specs[i].family->name == "caesar") << i;
  }
}

TEST(EvaluateTasks, ATemplateThatOpensTheThoughtGetsTheSameVerdicts) {
  const World s;
  const auto specs = specs_of({"addition"}, 4);
  const auto script = [&](std::string_view prompt) -> std::string {
    for (const tasks::TaskSpec& spec : specs) {
      const tasks::Task task = tasks::generate(spec);
      if (task.prompt == prompt) return "<think>I add.\n</think>\n\n" + task.answer + "<eos>";
    }
    return "<think><eos>";
  };
  const ScriptedModel model(s.tokenizer, script, /*thought_is_opened=*/true);
  const auto engine = make_engine(model, 2);
  const TaskEvaluation result =
      evaluate_tasks(*engine, s.tokenizer, ChatTemplate::by_name("deepseek-r1").value(), specs)
          .value();
  EXPECT_EQ(result.total.n_right, 4);
  EXPECT_EQ(result.total.n_well_formed, 4);
}

TEST(EvaluateTasks, APromptThatFillsTheContextIsAnErrorAndLeavesTheEngineIdle) {
  const World s;
  const auto specs = specs_of({"addition"}, 4);
  const ScriptedModel model(s.tokenizer, [](std::string_view) { return "1<eos>"; });
  const auto engine = make_engine(model, 2, 24);
  const auto result = evaluate_tasks(*engine, s.tokenizer, s.chat_template, specs);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(result.error().message.find("question 1: the prompt has "), std::string::npos)
      << result.error().message;
  EXPECT_TRUE(engine->idle());
}

TEST(Respond, AnInterruptEndsItAndLeavesTheEngineIdle) {
  const World s;
  std::atomic<bool> interrupted{false};
  const ScriptedModel model(s.tokenizer, [](std::string_view) { return "on and "; });
  const auto engine = make_engine(model, 2);
  const std::vector<Question> questions(5, Question{"Go on.", 1});
  RespondOptions options;
  options.max_tokens = 20;
  options.interrupted = &interrupted;
  int n_done = 0;
  const auto result = respond(*engine, s.tokenizer, s.chat_template, questions, options,
                              [&](std::size_t, const Response& response) {
                                EXPECT_TRUE(response.truncated);
                                EXPECT_EQ(response.n_tokens(), 20);
                                interrupted = ++n_done == 2;
                                return ok_result();
                              });
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(n_done, 2);
  EXPECT_TRUE(engine->idle());
}

TEST(Respond, AMarkInTheAnswerIsNotWellFormed) {
  const World s;
  const std::map<std::string, bool, std::less<>> cases = {
      {"<think>one</think>two<eos>", true},
      {"<think>one</think><eos>", false},
      {"<think>\n</think>two<eos>", false},
      {"two<eos>", false},
      {"<think>one</think>two</think>three<eos>", false},
      {"<think>one<eos>", false},
      {"two<think>one</think>three<eos>", false},
  };
  const ScriptedModel model(s.tokenizer,
                            [](std::string_view question) { return std::string(question); });
  const auto engine = make_engine(model, 3);
  std::vector<Question> questions;
  for (const auto& [text, expected] : cases) questions.push_back({text, 0});
  std::map<std::string_view, bool> found;
  ASSERT_TRUE(respond(*engine, s.tokenizer, s.chat_template, questions, {},
                      [&](std::size_t i, const Response& response) {
                        found[questions[i].text] = response.well_formed;
                        return ok_result();
                      })
                  .ok());
  for (const auto& [text, expected] : cases) EXPECT_EQ(found[text], expected) << text;
}

}  // namespace
}  // namespace sputnik::evaluation
