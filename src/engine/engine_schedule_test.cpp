// Sequences beside each other: sharing, turns, and what happens when the cache is too small.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "engine/engine_testing.h"

namespace sputnik {
namespace {

TEST(Engine, SequencesSharePromptsThatAreStillBeingRead) {
  const LoadedModel loaded = load_golden(kTinyV3);
  EngineOptions options = small_options();
  options.max_sequences = 8;
  options.chunk = 50;
  const auto engine = Engine::create(*loaded.model, options).value();
  const auto alone = Engine::create(*loaded.model, options).value();
  std::vector<SequenceId> ids;
  for (std::uint64_t seed = 0; seed < 8; ++seed)
    ids.push_back(engine->add(make_request(prompt_of(200), 10, 1.0f, seed)).value());
  const auto answers = run_to_end(*engine);
  // One reads 200 tokens, the others what is beyond the last full block.
  EXPECT_EQ(engine->n_computed_tokens(), 200 + 7 * 8 + 8 * 9);
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    EXPECT_EQ(answers.at(ids[seed]),
              run_alone(*alone, make_request(prompt_of(200), 10, 1.0f, seed)));
  }
  EXPECT_EQ(engine->n_free_blocks(), engine->n_blocks());
}

TEST(Engine, SaltsKeepCachesApart) {
  const LoadedModel loaded = load_golden(kTinyV3);
  const auto engine = Engine::create(*loaded.model, small_options()).value();
  const auto computed = [&](std::uint64_t salt) {
    const std::int64_t before = engine->n_computed_tokens();
    GenerationRequest request = make_request(prompt_of(100), 1);
    request.cache_salt = salt;
    (void)run_alone(*engine, request);
    return engine->n_computed_tokens() - before;
  };
  EXPECT_EQ(computed(1), 100);
  EXPECT_EQ(computed(2), 100);
  EXPECT_EQ(computed(1), 1);
}

// A cache for two contexts and five sequences that each want a whole one.
TEST(Engine, WhatIsSentBackToTheQueueGivesTheSameAnswer) {
  const LoadedModel loaded = load_golden(kTinyV3);
  for (const bool speculate : {false, true}) {
    EngineOptions options = small_options();
    options.max_sequences = 5;
    options.cache_blocks = 8;
    options.speculate = speculate;
    const auto engine = Engine::create(*loaded.model, options).value();
    const auto alone = Engine::create(*loaded.model, small_options()).value();
    std::vector<SequenceId> ids;
    for (std::int32_t i = 0; i < 5; ++i)
      ids.push_back(engine->add(make_request(prompt_of(60, i), 190, 1.0f, 3)).value());
    const auto answers = run_to_end(*engine);
    EXPECT_GT(engine->stats().n_preemptions, 0);
    for (std::int32_t i = 0; i < 5; ++i) {
      EXPECT_EQ(answers.at(ids[static_cast<std::size_t>(i)]),
                run_alone(*alone, make_request(prompt_of(60, i), 190, 1.0f, 3)))
          << i;
    }
    EXPECT_EQ(engine->n_free_blocks(), 8);
  }
}

TEST(Engine, AnAnswerThatWasInterruptedGoesOnAsIfItHadNotBeen) {
  const LoadedModel loaded = load_golden(kTinyV3);
  const auto engine = Engine::create(*loaded.model, small_options()).value();
  GenerationRequest request = make_request(prompt_of(70), 60, 1.0f, 5);
  request.sampling.frequency_penalty = 0.5f;
  request.sampling.repetition_penalty = 1.1f;
  const EngineAnswer whole = run_alone(*engine, request);
  ASSERT_EQ(whole.tokens.size(), 60u);
  for (const std::int64_t n : {1, 20, 59}) {
    const auto other = Engine::create(*loaded.model, small_options()).value();
    GenerationRequest rest = request;
    rest.answer.assign(whole.tokens.begin(), whole.tokens.begin() + n);
    EXPECT_EQ(run_alone(*other, rest).tokens,
              std::vector<std::int32_t>(whole.tokens.begin() + n, whole.tokens.end()));
  }
}

TEST(Engine, HigherPrioritiesGoFirstAndBackgroundWorkGivesWay) {
  const LoadedModel loaded = load_golden(kTinyV3);
  EngineOptions options = small_options();
  options.max_sequences = 1;
  options.cache_blocks = 16;
  const auto engine = Engine::create(*loaded.model, options).value();
  GenerationRequest background = make_request(prompt_of(200), -1);
  background.prefill_only = background.background = true;
  const SequenceId prefill = engine->add(background).value();
  engine->step();  // it runs: nothing else is there
  const SequenceId low = engine->add(make_request(prompt_of(5, 1), 3)).value();
  GenerationRequest request = make_request(prompt_of(5, 2), 3);
  request.priority = 5;
  const SequenceId high = engine->add(request).value();
  std::vector<SequenceId> order;
  while (!engine->idle())
    for (const StepOutput& output : engine->step())
      if (output.finish_reason != FinishReason::kNone) order.push_back(output.sequence);
  if (order.size() == 2) order.insert(order.begin(), prefill);  // it was done with the first step
  EXPECT_EQ(order.size(), 3u);
  EXPECT_LT(std::find(order.begin(), order.end(), high),
            std::find(order.begin(), order.end(), low));
  // What was computed in passing is there for whoever comes.
  const std::int64_t before = engine->n_computed_tokens();
  (void)run_alone(*engine, make_request(prompt_of(200), 1));
  EXPECT_EQ(engine->n_computed_tokens() - before, 1);
}

// One key sends ten requests, then another sends one: it does not wait for all ten.
TEST(Engine, OneKeyDoesNotStandBehindAllRequestsOfAnother) {
  const LoadedModel loaded = load_golden(kTinyV3);
  EngineOptions options = small_options();
  options.max_sequences = 1;
  const auto engine = Engine::create(*loaded.model, options).value();
  for (std::int32_t i = 0; i < 10; ++i) {
    GenerationRequest request = make_request(prompt_of(20, i), 10);
    request.tenant = 1;
    (void)engine->add(request).value();
  }
  engine->step();
  GenerationRequest request = make_request(prompt_of(20, 20), 10);
  request.tenant = 2;
  const SequenceId other = engine->add(request).value();
  int n_before = 0;
  for (bool done = false; !done;) {
    for (const StepOutput& output : engine->step()) {
      if (output.finish_reason == FinishReason::kNone) continue;
      done = output.sequence == other;
      n_before += done ? 0 : 1;
    }
  }
  EXPECT_LE(n_before, 2);
}

TEST(Engine, ALongPromptIsReadInPiecesBesideSequencesThatDecode) {
  const LoadedModel loaded = load_golden(kTinyV3);
  EngineOptions options = small_options();
  options.max_gap_ms = 0;  // the smallest pieces
  const auto engine = Engine::create(*loaded.model, options).value();
  const SequenceId first = engine->add(make_request(prompt_of(5), 100)).value();
  engine->step();
  (void)engine->add(make_request(prompt_of(200, 1), 1)).value();
  int n_steps = 0;
  for (bool done = false; !done; ++n_steps) {
    bool first_had_a_token = false;
    for (const StepOutput& output : engine->step()) {
      first_had_a_token |= output.sequence == first;
      done |= output.sequence != first;
    }
    ASSERT_TRUE(first_had_a_token);
  }
  EXPECT_GE(n_steps, 10);
}

TEST(Engine, StateAndStatisticsSayWhatHappens) {
  const LoadedModel loaded = load_golden(kTinyV3);
  EngineOptions options = small_options();
  options.max_sequences = 1;
  options.chunk = 64;
  const auto engine = Engine::create(*loaded.model, options).value();
  const SequenceId a = engine->add(make_request(prompt_of(150), 5)).value();
  const SequenceId b = engine->add(make_request(prompt_of(150), 5)).value();
  EXPECT_EQ(engine->state(a)->queue_position, 0);
  engine->step();
  EXPECT_EQ(engine->state(a)->queue_position, -1);
  EXPECT_EQ(engine->state(a)->n_computed, 64);
  EXPECT_EQ(engine->state(a)->n_cache_hits, 0);
  EXPECT_EQ(engine->state(b)->queue_position, 0);
  EXPECT_EQ(engine->state(b)->n_cache_hits, -1);
  while (engine->state(a)) engine->step();
  engine->step();
  EXPECT_EQ(engine->state(b)->n_cache_hits, 128);  // in units of a block, as DeepSeek counts
  (void)run_to_end(*engine);
  EXPECT_FALSE(engine->state(b));
  const EngineStats stats = engine->stats();
  EXPECT_EQ(stats.n_prompt_tokens, 300);
  EXPECT_EQ(stats.n_cache_hit_tokens, 128);
  EXPECT_EQ(stats.n_generated_tokens, 10);
  EXPECT_EQ(stats.n_running + stats.n_waiting, 0);
}

TEST(Engine, MeanHiddenStatesDoNotDependOnTheChunk) {
  const LoadedModel loaded = load_golden(kTinyV3);
  EngineOptions options = small_options();
  const auto expected =
      Engine::create(*loaded.model, options).value()->mean_hidden(prompt_of(100)).value();
  EXPECT_EQ(static_cast<std::int64_t>(expected.size()), loaded.model->hidden_size());
  EXPECT_NE(expected[0], 0);
  options.chunk = 7;
  const auto engine = Engine::create(*loaded.model, options).value();
  EXPECT_EQ(engine->mean_hidden(prompt_of(100)).value(), expected);
  EXPECT_NE(engine->mean_hidden(prompt_of(100, 1)).value(), expected);
  EXPECT_FALSE(engine->mean_hidden({}).ok());
  EXPECT_EQ(engine->n_free_blocks(), engine->n_blocks());
}

}  // namespace
}  // namespace sputnik
