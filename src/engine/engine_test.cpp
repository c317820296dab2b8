#include "engine/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "engine/engine_testing.h"

namespace sputnik {
namespace {

// A trained model's greedy texts and logits, computed by llama2.c: its answers must be met exactly.
TEST(Engine, Stories260kMeetsItsReference) {
  const auto reference = nlohmann::json::parse(
      read_file(source_path("tests/golden/stories260k/reference.json")).value(), nullptr, false);
  ASSERT_FALSE(reference.is_discarded());
  double largest = 0;
  for (const char* path : {"tests/golden/stories260k/stories260k.gguf",
                           "tests/golden/stories260k/model.safetensors"}) {
    const LoadedModel loaded = load_golden(path);
    const auto engine = Engine::create(*loaded.model, {}).value();
    for (const auto& c : reference["cases"]) {
      const auto prompt = c["prompt_ids"].get<std::vector<std::int32_t>>();
      const auto expected_logits = c["last_logits"].get<std::vector<float>>();
      const auto expected_tokens = c["greedy_ids"].get<std::vector<std::int32_t>>();
      std::vector<float> last;
      ASSERT_TRUE(engine
                      ->logits(prompt,
                               [&](std::span<const float> row) {
                                 last.assign(row.begin(), row.end());
                                 return ok_result();
                               })
                      .ok());
      for (std::size_t i = 0; i < last.size(); ++i) {
        largest = std::max(largest, static_cast<double>(std::abs(last[i] - expected_logits[i])));
      }
      EXPECT_EQ(run_alone(*engine,
                          make_request(prompt, static_cast<std::int64_t>(expected_tokens.size())))
                    .tokens,
                expected_tokens);
    }
  }
  EXPECT_LE(largest, 1e-4);
  fmt::print("stories260k: largest logit difference {:.2g}\n", largest);
}

TEST(Engine, TheSameSeedGivesTheSameAnswerWhateverRunsBesideIt) {
  const LoadedModel loaded = load_golden(kTinyV3);
  const auto alone = Engine::create(*loaded.model, small_options()).value();
  const EngineAnswer first = run_alone(*alone, make_request(prompt_of(40), 30, 1.0f, 7));
  EXPECT_EQ(run_alone(*alone, make_request(prompt_of(40), 30, 1.0f, 7)).tokens, first.tokens);
  EXPECT_NE(run_alone(*alone, make_request(prompt_of(40), 30, 1.0f, 8)).tokens, first.tokens);

  for (const int n_threads : {1, 3}) {
    for (const std::int64_t chunk : {1, 7, 512}) {
      EngineOptions options = small_options();
      options.n_threads = n_threads;
      options.chunk = chunk;
      const auto engine = Engine::create(*loaded.model, options).value();
      (void)engine->add(make_request(prompt_of(100), 20, 1.0f, 1)).value();
      const SequenceId id = engine->add(make_request(prompt_of(40), 30, 1.0f, 7)).value();
      (void)engine->add(make_request(prompt_of(3), 50, 0.5f, 2)).value();
      EXPECT_EQ(run_to_end(*engine)[id].tokens, first.tokens)
          << n_threads << " threads, chunk " << chunk;
    }
  }
}

// Every logit of every position, in every architecture and form of the cache.
TEST(Engine, LogitsDoNotDependOnThreadsOrChunksBitForBit) {
  for (const char* path :
       {kTinyV3, "tests/golden/deepseek-v2-lite-tiny",
        "tests/golden/gguf/llama3-tiny/model-q8_0.gguf", "tests/golden/qwen2-tiny"}) {
    SCOPED_TRACE(path);
    const LoadedModel loaded = load_golden(path);
    const auto run = [&](int n_threads, std::int64_t chunk, Precision precision) {
      EngineOptions options = small_options();
      options.n_threads = n_threads;
      options.chunk = chunk;
      options.precision = precision;
      const auto engine = Engine::create(*loaded.model, options).value();
      std::vector<float> all;
      EXPECT_TRUE(engine
                      ->logits(prompt_of(130),
                               [&](std::span<const float> row) {
                                 all.insert(all.end(), row.begin(), row.end());
                                 return ok_result();
                               })
                      .ok());
      EXPECT_EQ(engine->n_free_blocks(), engine->n_blocks());
      return all;
    };
    for (const Precision precision : {Precision::kFast, Precision::kExact}) {
      const std::vector<float> expected = run(1, 512, precision);
      ASSERT_EQ(expected.size(), 130u * static_cast<std::size_t>(loaded.model->vocab_size()));
      for (const int n_threads : {1, 2, 3}) {
        for (const std::int64_t chunk : {1, 7, 64, 65}) {
          const std::vector<float> actual = run(n_threads, chunk, precision);
          ASSERT_EQ(actual.size(), expected.size());
          EXPECT_EQ(std::memcmp(actual.data(), expected.data(), expected.size() * sizeof(float)), 0)
              << n_threads << " threads, chunk " << chunk;
        }
      }
    }
  }
}

TEST(Engine, NeighboursInTheBatchDoNotChangeProbabilitiesBitForBit) {
  const LoadedModel loaded = load_golden(kTinyV3);
  GenerationRequest r = make_request(prompt_of(40), 20);
  r.sampling.logprobs = true;
  r.sampling.top_logprobs = kMaxTopLogprobs;
  // The logarithms of the 20 largest probabilities, which all logits take part in, of each step.
  const auto run = [&](bool with_neighbours) {
    const auto engine = Engine::create(*loaded.model, small_options()).value();
    if (with_neighbours) (void)engine->add(make_request(prompt_of(77), 9, 1.0f, 1)).value();
    const SequenceId id = engine->add(r).value();
    if (with_neighbours) (void)engine->add(make_request(prompt_of(2), 50, 0.5f, 2)).value();
    std::vector<float> logprobs;
    while (!engine->idle()) {
      for (const StepOutput& output : engine->step()) {
        if (output.sequence != id) continue;
        EXPECT_EQ(output.token.top.size(), 20u);
        EXPECT_EQ(output.token.top[0].id, output.token.id);  // greedy
        for (const TokenLogprob& token : output.token.top) logprobs.push_back(token.logprob);
      }
    }
    return logprobs;
  };
  const std::vector<float> alone = run(false), together = run(true);
  EXPECT_EQ(alone.size(), 400u);
  EXPECT_EQ(alone, together);
}

TEST(Engine, APromptThatBeginsAsAnEndedSequenceComputesOnlyTheRest) {
  const LoadedModel loaded = load_golden(kTinyV3);
  std::vector<std::int32_t> next_turn = prompt_of(150);
  const auto fresh = Engine::create(*loaded.model, small_options()).value();
  const EngineAnswer expected = run_alone(*fresh, make_request(next_turn, 20));
  EXPECT_EQ(fresh->n_computed_tokens(), 150 + 19);

  const auto engine = Engine::create(*loaded.model, small_options()).value();
  (void)run_alone(*engine, make_request(prompt_of(100), 10));
  const std::int64_t before = engine->n_computed_tokens();
  EXPECT_EQ(run_alone(*engine, make_request(next_turn, 20)).tokens, expected.tokens);
  EXPECT_EQ(engine->n_computed_tokens() - before, 50 + 19);

  // The same prompt again: its last token is computed, because its logits are wanted.
  const std::int64_t again = engine->n_computed_tokens();
  EXPECT_EQ(run_alone(*engine, make_request(next_turn, 20)).tokens, expected.tokens);
  EXPECT_EQ(engine->n_computed_tokens() - again, 1 + 19);

  // A prompt that differs from the first token on shares nothing.
  std::vector<std::int32_t> other = next_turn;
  other[0] = 300;
  const EngineAnswer expected_other = run_alone(*fresh, make_request(other, 20));
  const std::int64_t last = engine->n_computed_tokens();
  EXPECT_EQ(run_alone(*engine, make_request(other, 20)).tokens, expected_other.tokens);
  EXPECT_EQ(engine->n_computed_tokens() - last, 150 + 19);
}

TEST(Engine, WhatWasCachedIsForgottenWhenTheWeightsHaveChanged) {
  const LoadedModel loaded = load_golden(kTinyV3);
  const auto engine = Engine::create(*loaded.model, small_options()).value();
  const EngineAnswer first = run_alone(*engine, make_request(prompt_of(40), 10));
  engine->weights_changed();
  const std::int64_t before = engine->n_computed_tokens();
  EXPECT_EQ(run_alone(*engine, make_request(prompt_of(40), 10)).tokens, first.tokens);
  EXPECT_EQ(engine->n_computed_tokens() - before, 49);
}

TEST(Engine, AnEndedSequenceMakesRoomForANewOne) {
  const LoadedModel loaded = load_golden(kTinyV3);
  EngineOptions options = small_options();
  options.max_sequences = 1;
  const auto engine = Engine::create(*loaded.model, options).value();
  for (std::int32_t first = 0; first < 4; ++first) {  // each fills the whole cache
    std::vector<std::int32_t> prompt = prompt_of(200);
    prompt[0] = first;
    EXPECT_EQ(run_alone(*engine, make_request(prompt, -1)).tokens.size(), 56u);
    EXPECT_EQ(engine->n_free_blocks(), engine->n_blocks());
  }
}

TEST(Engine, StopsAtAStopTokenAtMaxTokensAndAtTheEndOfTheContext) {
  const LoadedModel loaded = load_golden(kTinyV3);
  const auto engine = Engine::create(*loaded.model, small_options()).value();
  const EngineAnswer ten = run_alone(*engine, make_request(prompt_of(5), 10));
  EXPECT_EQ(ten.tokens.size(), 10u);
  EXPECT_EQ(ten.reason, FinishReason::kLength);

  GenerationRequest stopping = make_request(prompt_of(5), 10);
  stopping.stop_tokens = {ten.tokens[3]};
  const EngineAnswer stopped = run_alone(*engine, stopping);
  const auto first = std::find(ten.tokens.begin(), ten.tokens.end(), ten.tokens[3]);
  EXPECT_EQ(stopped.tokens, std::vector<std::int32_t>(ten.tokens.begin(), first + 1));
  EXPECT_EQ(stopped.reason, FinishReason::kStop);

  const EngineAnswer full = run_alone(*engine, make_request(prompt_of(250), -1));
  EXPECT_EQ(full.tokens.size(), 6u);
  EXPECT_EQ(full.reason, FinishReason::kLength);
}

TEST(Engine, FinishedAndCancelledSequencesGiveTheirBlocksBack) {
  const LoadedModel loaded = load_golden(kTinyV3);
  const auto engine = Engine::create(*loaded.model, small_options()).value();
  const std::int64_t all = engine->n_free_blocks();
  const SequenceId id = engine->add(make_request(prompt_of(70), 100)).value();
  engine->step();
  EXPECT_LT(engine->n_free_blocks(), all);
  engine->cancel(id);
  engine->cancel(id);
  EXPECT_TRUE(engine->idle());
  EXPECT_EQ(engine->n_free_blocks(), all);
  (void)run_alone(*engine, make_request(prompt_of(70), 5));
  EXPECT_EQ(engine->n_free_blocks(), all);
}

TEST(Engine, RefusesWhatItCannotDoAndSaysTheNumbers) {
  const LoadedModel loaded = load_golden(kTinyV3);
  const auto engine = Engine::create(*loaded.model, small_options()).value();
  const auto message = [&](GenerationRequest r) {
    auto result = engine->add(std::move(r));
    return result.ok() ? std::string("ok") : result.error().message;
  };
  EXPECT_EQ(message(make_request({}, 1)), "the prompt is empty");
  EXPECT_EQ(message(make_request({3, 320}, 1)),
            "token 320 at position 1 is outside the vocabulary of 320");
  EXPECT_EQ(message(make_request({3, -1}, 1)),
            "token -1 at position 1 is outside the vocabulary of 320");
  EXPECT_EQ(message(make_request(prompt_of(256), 1)),
            "the prompt has 256 tokens and the context holds 256: no room for an answer");
  EXPECT_NE(message(make_request({3}, 1, -1.0f)), "ok");
  GenerationRequest answered = make_request(prompt_of(5), 2);
  answered.answer = {1, 2};
  EXPECT_EQ(message(answered), "the answer has 2 tokens already, of at most 2");

  EngineOptions options = small_options();
  options.isa = "z80";
  EXPECT_FALSE(Engine::create(*loaded.model, options).ok());
  for (const auto change :
       {+[](EngineOptions& o) { o.n_threads = -1; }, +[](EngineOptions& o) { o.chunk = 0; },
        +[](EngineOptions& o) { o.max_sequences = 0; },
        +[](EngineOptions& o) { o.context_length = -5; },
        +[](EngineOptions& o) { o.cache_blocks = 3; }}) {
    options = small_options();
    change(options);
    const auto result = Engine::create(*loaded.model, options);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
  }
  options = small_options();
  options.context_length = std::int64_t{1} << 24;
  options.max_sequences = 4096;
  const auto too_large = Engine::create(*loaded.model, options);
  ASSERT_FALSE(too_large.ok());
  EXPECT_EQ(too_large.error().code, ErrorCode::kExhausted);
  EXPECT_NE(too_large.error().message.find("GB are available"), std::string::npos)
      << too_large.error().message;
}

}  // namespace
}  // namespace sputnik
