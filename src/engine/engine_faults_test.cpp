// What the engine does when a model's numbers are wrong, and what it costs when they are right.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <limits>
#include <new>

#include "engine/engine.h"
#include "model/loader.h"

namespace {

std::atomic<std::int64_t> n_allocations{0};

void* counted(std::size_t size, std::size_t alignment) {
  n_allocations.fetch_add(1, std::memory_order_relaxed);
  const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
  if (void* memory = std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded))
    return memory;
  std::abort();
}

}  // namespace

// Every allocation of this program is counted.
void* operator new(std::size_t size) {
  return counted(size, alignof(std::max_align_t));
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return counted(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace sputnik {
namespace {

TEST(Engine, DecodingAllocatesNothingAfterWarmUp) {
  for (const char* path : {"tests/golden/gguf/deepseek-v3-tiny/model-mla-q8_0.gguf",
                           "tests/golden/gguf/llama3-tiny/model-q8_0.gguf"}) {
    SCOPED_TRACE(path);
    const LoadedModel loaded = load_model(std::string(SPUTNIK_SOURCE_DIR "/") + path).value();
    EngineOptions options;
    options.n_threads = 2;
    options.context_length = 512;
    options.max_sequences = 2;
    const auto engine = Engine::create(*loaded.model, options).value();
    GenerationRequest request;
    for (std::int32_t i = 0; i < 100; ++i) request.prompt.push_back(i);
    request.sampling.top_p = 0.9f;
    request.sampling.frequency_penalty = 0.1f;
    request.sampling.logprobs = true;
    request.sampling.top_logprobs = 5;
    (void)engine->add(request).value();
    request.sampling.seed = 2;
    (void)engine->add(std::move(request)).value();
    for (int i = 0; i < 4; ++i) engine->step();
    const std::int64_t before = n_allocations.load();
    std::size_t n_tokens = 0;
    for (int i = 0; i < 200; ++i) n_tokens += engine->step().size();
    EXPECT_EQ(n_allocations.load() - before, 0);
    EXPECT_EQ(n_tokens, 400u);
    EXPECT_GT(before, 0);  // the counter counts
  }
}

// A model of eight tokens whose logits are a table: by the last token.
class TableModel final : public Model {
 public:
  Tensor forward(Ops& ops, const Batch& batch, Tensor* /*final_hidden*/) const override {
    ops.begin(batch);
    rows_.clear();
    for (const std::int64_t row : batch.output_rows) {
      for (std::int32_t next = 0; next < 8; ++next) {
        const std::int32_t last = batch.tokens[row];
        rows_.push_back(last == 7 ? std::numeric_limits<float>::quiet_NaN()
                                  : (next == last + 1 ? 5.0f : 0.0f));
      }
    }
    return {rows_.data(), static_cast<std::int64_t>(batch.output_rows.size()), 1, 8, 8, 8};
  }
  Tensor mtp_forward(Ops&, const Batch&, const Tensor&) const override { return {}; }
  Tensor losses(Ops&, const Batch&, const LossTargets&, Tensor*) const override { return {}; }
  Tensor mtp_losses(Ops&, const Batch&, const Tensor&, const LossTargets&) const override {
    return {};
  }
  std::int64_t vocab_size() const override { return 8; }
  std::int64_t hidden_size() const override { return 4; }
  std::int64_t num_hidden_layers() const override { return 1; }
  std::int64_t max_position_embeddings() const override { return 128; }
  CacheShape cache_shape() const override { return {1, 1, 4, 4}; }
  std::vector<const Weight*> weights() const override { return {}; }
  std::int64_t n_active_parameters() const override { return 0; }

 private:
  mutable std::vector<float> rows_;
};

TEST(Engine, ASequenceWhoseLogitsAreNotNumbersFailsAlone) {
  const TableModel model;
  EngineOptions options;
  options.max_sequences = 2;
  const auto engine = Engine::create(model, options).value();
  GenerationRequest request;
  request.sampling.temperature = 0;
  request.max_tokens = 4;
  request.prompt = {7};
  const SequenceId bad = engine->add(request).value();
  request.prompt = {0};
  const SequenceId good = engine->add(request).value();

  const auto first = engine->step();
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0].sequence, bad);
  EXPECT_EQ(first[0].finish_reason, FinishReason::kFailed);
  ASSERT_TRUE(first[0].error.has_value());
  EXPECT_EQ(first[0].error->message,
            "what the model computed for position 1 is not a number; its weights are damaged");
  EXPECT_EQ(first[1].sequence, good);
  EXPECT_EQ(first[1].token.id, 1);
  std::int32_t last = -1;
  while (!engine->idle()) {
    for (const StepOutput& output : engine->step()) {
      EXPECT_EQ(output.sequence, good);
      last = output.token.id;
    }
  }
  EXPECT_EQ(last, 4);
  EXPECT_EQ(engine->n_free_blocks(), engine->n_blocks());
}

TEST(MemoryNeed, AModelThatDoesNotFitIsToldTheNumbers) {
  const MemoryNeed need{3'000'000'000, 1'000'000'000, 500'000'000};
  EXPECT_TRUE(check_memory(need, 4096, 4'500'000'000).ok());
  EXPECT_TRUE(check_memory(need, 4096, /*not known*/ 0).ok());
  const auto result = check_memory(need, 4096, 2'000'000'000);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kExhausted);
  EXPECT_EQ(
      result.error().message,
      "the model needs 4.5 GB of memory (3.0 for its weights, 1.0 for the cache of 4096 "
      "tokens, 0.5 for activations), but 2.0 GB are available; a shorter context or a smaller "
      "model needs less");
}

TEST(MemoryNeed, CountsTheCacheByBlock) {
  const TableModel model;
  const std::int64_t one_block = 64 * 8 * 4;
  EXPECT_EQ(memory_need(model, 1, 1, 512, Precision::kFast).cache_bytes, one_block);
  EXPECT_EQ(memory_need(model, 64, 1, 512, Precision::kFast).cache_bytes, one_block);
  EXPECT_EQ(memory_need(model, 65, 3, 512, Precision::kFast).cache_bytes, 6 * one_block);
}

}  // namespace
}  // namespace sputnik
