// Thoughts that are closed from outside, constraints, circles, and guesses.
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/engine_testing.h"

namespace sputnik {
namespace {

constexpr std::int32_t kEndThought = 319;

GenerationRequest thinking(std::int64_t budget, std::int64_t max_tokens = 100) {
  GenerationRequest request = make_request(prompt_of(20), max_tokens, 1.0f, 3);
  request.thought.end_id = kEndThought;
  request.thought.starts_in_thought = true;
  request.thought.budget = budget;
  request.thought.closing = {11, 12, kEndThought, 13};
  return request;
}

std::int64_t thought_length(const EngineAnswer& answer) {
  const auto end = std::find(answer.tokens.begin(), answer.tokens.end(), kEndThought);
  return end - answer.tokens.begin() + 1;
}

TEST(Engine, AThoughtHasExactlyItsBudgetAndTheAnswerGoesOn) {
  const LoadedModel loaded = load_golden(kTinyV3);
  for (const std::int64_t budget : {0, 1, 2, 3, 4, 10, 37}) {
    const auto engine = Engine::create(*loaded.model, small_options()).value();
    const EngineAnswer answer = run_alone(*engine, thinking(budget));
    EXPECT_EQ(thought_length(answer), std::max<std::int64_t>(budget, 1)) << budget;
    EXPECT_EQ(answer.tokens.size(), 100u);
    EXPECT_EQ(std::count(answer.forced.begin(), answer.forced.end(), ThoughtClosed::kBudget),
              budget < 3 ? 2 : 4);
  }
}

TEST(Engine, AnEndWithinTheThoughtIsTheEndOfTheThought) {
  const LoadedModel loaded = load_golden(kTinyV3);
  const auto engine = Engine::create(*loaded.model, small_options()).value();
  const EngineAnswer answer = run_alone(*engine, thinking(-1));
  GenerationRequest request = thinking(-1);
  request.stop_tokens = {answer.tokens[5]};
  const EngineAnswer stopped = run_alone(*engine, request);
  const auto first = std::find(answer.tokens.begin(), answer.tokens.end(), answer.tokens[5]);
  const auto at = static_cast<std::size_t>(first - answer.tokens.begin());
  ASSERT_GT(stopped.tokens.size(), at + 1);
  EXPECT_EQ(stopped.tokens[at], kEndThought);
}

// The tokens that were written are in the cache as if they had been a prompt.
TEST(Engine, AClosedThoughtGoesOnAsAPromptWithTheSameTokensWould) {
  const LoadedModel loaded = load_golden(kTinyV3);
  const auto engine = Engine::create(*loaded.model, small_options()).value();
  const EngineAnswer answer = run_alone(*engine, thinking(10));
  const auto fresh = Engine::create(*loaded.model, small_options()).value();
  GenerationRequest again = make_request(prompt_of(20), 89, 1.0f, 3);
  again.prompt.insert(again.prompt.end(), answer.tokens.begin(), answer.tokens.begin() + 11);
  EXPECT_EQ(run_alone(*fresh, again).tokens,
            std::vector<std::int32_t>(answer.tokens.begin() + 11, answer.tokens.end()));
}

TEST(Engine, AnswerNowAndANewBudgetTakeEffectWithinOneStep) {
  const LoadedModel loaded = load_golden(kTinyV3);
  const auto engine = Engine::create(*loaded.model, small_options()).value();
  const SequenceId now = engine->add(thinking(-1)).value();
  GenerationRequest other = thinking(-1);
  other.sampling.seed = 4;
  const SequenceId shorter = engine->add(other).value();
  std::map<SequenceId, int> n_tokens;
  for (int i = 0; i < 10; ++i)
    for (const StepOutput& output : engine->step()) ++n_tokens[output.sequence];
  engine->close_thought(now);
  engine->set_thought_budget(shorter, n_tokens[shorter] + 10);
  engine->close_thought(12345);  // may just have finished
  bool closed = false;
  for (const StepOutput& output : engine->step())
    closed |= output.sequence == now && output.token.id == kEndThought &&
              output.forced == ThoughtClosed::kAskedFor;
  EXPECT_TRUE(closed);
  const auto answers = run_to_end(*engine);
  const EngineAnswer& rest = answers.at(shorter);
  EXPECT_NE(std::find(rest.tokens.begin(), rest.tokens.begin() + 10, kEndThought),
            rest.tokens.begin() + 10);
}

// Only tokens of one parity, in turns: easy to check, and nothing that a model would do by itself.
class Parity final : public TokenConstraint {
 public:
  void allowed(std::span<std::uint64_t> mask) override {
    const std::uint64_t even = 0x5555555555555555u;
    std::fill(mask.begin(), mask.end(), n_ % 2 == 0 ? even : ~even);
  }
  void accept(std::int32_t id) override {
    EXPECT_EQ(id % 2, n_ % 2);
    ++n_;
  }
  bool complete() const override { return true; }
  std::unique_ptr<TokenConstraint> clone() const override {
    return std::make_unique<Parity>(*this);
  }

 private:
  int n_ = 0;
};

TEST(Engine, AConstraintHoldsForTheAnswerAndNotForTheThought) {
  const LoadedModel loaded = load_golden(kTinyV3);
  for (const float temperature : {0.0f, 1.0f}) {
    const auto engine = Engine::create(*loaded.model, small_options()).value();
    GenerationRequest request = thinking(10);
    request.sampling.temperature = temperature;
    request.thought.closing = {11, 13, kEndThought};
    request.constraint = std::make_shared<Parity>();
    const EngineAnswer answer = run_alone(*engine, request);
    ASSERT_EQ(answer.tokens.size(), 100u);
    for (std::size_t i = 10; i < 100; ++i)
      EXPECT_EQ(answer.tokens[i] % 2, static_cast<std::int32_t>(i % 2)) << i;
    // And goes on where it was.
    const auto other = Engine::create(*loaded.model, small_options()).value();
    request.constraint = std::make_shared<Parity>();
    request.answer.assign(answer.tokens.begin(), answer.tokens.begin() + 51);
    EXPECT_EQ(run_alone(*other, request).tokens,
              std::vector<std::int32_t>(answer.tokens.begin() + 51, answer.tokens.end()));
  }
}

TEST(Engine, CirclesAreEndedAndReported) {
  const LoadedModel loaded = load_golden(kTinyV3);
  EngineOptions options = small_options();
  options.context_length = 2048;
  const auto engine = Engine::create(*loaded.model, options).value();
  GenerationRequest request = make_request(prompt_of(20), 1900);
  request.sampling.repetition_penalty = 0.05f;  // what was said before is all that it says
  EXPECT_EQ(run_alone(*engine, request).reason, FinishReason::kLength);
  request.detect_loops = true;
  const EngineAnswer answer = run_alone(*engine, request);
  EXPECT_EQ(answer.reason, FinishReason::kRepetition);
  EXPECT_LT(answer.tokens.size(), 1900u);

  request.thought = thinking(-1).thought;
  const EngineAnswer thought = run_alone(*engine, request);
  EXPECT_EQ(std::count(thought.forced.begin(), thought.forced.end(), ThoughtClosed::kRepetition),
            4);
}

// Guesses change how fast an answer comes, and nothing else: every token, chosen or drawn, and
// every probability.
TEST(Engine, GuessesNeverChangeAnAnswer) {
  for (const char* path : {kTinyV3, kTinyMtp, kStories}) {
    const LoadedModel loaded = load_golden(path);
    std::int64_t n_accepted = 0;
    for (const float temperature : {0.0f, 0.7f, 1.0f}) {
      const auto run = [&](bool speculate) {
        EngineOptions options = small_options();
        options.context_length = 400;
        options.speculate = speculate;
        const auto engine = Engine::create(*loaded.model, options).value();
        std::vector<SequenceId> ids;
        for (std::int32_t i = 0; i < 3; ++i) {
          GenerationRequest request = make_request(prompt_of(40 + 30 * i, i), 250, temperature, 9);
          request.sampling.logprobs = true;
          request.sampling.top_logprobs = 3;
          if (i == 1) request.sampling.frequency_penalty = 0.3f;
          ids.push_back(engine->add(request).value());
        }
        std::map<SequenceId, std::vector<float>> numbers;
        while (!engine->idle()) {
          for (const StepOutput& output : engine->step()) {
            auto& list = numbers[output.sequence];
            list.push_back(static_cast<float>(output.token.id));
            list.push_back(output.token.logprob);
            for (const TokenLogprob& top : output.token.top) list.push_back(top.logprob);
          }
        }
        const EngineStats stats = engine->stats();
        EXPECT_EQ(stats.n_drafted > 0, speculate);
        n_accepted += stats.n_accepted;
        EXPECT_EQ(engine->n_free_blocks(), engine->n_blocks());
        return numbers;
      };
      EXPECT_EQ(run(true), run(false)) << path << " at " << temperature;
    }
    EXPECT_GT(n_accepted, 0) << path;
  }
}

}  // namespace
}  // namespace sputnik
