// Runs sequences of tokens through a model: cache blocks, batches, sampling. Deals in token ids,
// never in text.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/thread_pool.h"
#include "engine/block_pool.h"
#include "engine/memory_need.h"
#include "engine/sampler.h"
#include "kernels/kernels.h"
#include "model/model.h"
#include "ops/inference_ops.h"

namespace sputnik {

struct EngineOptions {
  int n_threads = 0;  // 0: every processor there is
  std::string isa;    // kernel table; empty: the best this machine has
  // Tokens per sequence, prompt and answer. 0: the model's, at most 32768, halved down to 2048
  // until it fits into memory.
  std::int64_t context_length = 0;
  std::int64_t max_sequences = 1;  // that can be held at full context at the same time
  std::int64_t chunk = 512;        // most tokens per forward pass
  Precision precision = Precision::kFast;
  MlaForm mla_form = MlaForm::kAbsorbed;
  bool ignore_memory_check = false;  // start even if the model seems not to fit
};

enum class FinishReason {
  kNone,    // goes on
  kStop,    // a stop token, which is the last token delivered
  kLength,  // max_tokens, or the context is full
  kFailed,  // see StepOutput::error; no token
};
const char* to_string(FinishReason reason);

struct GenerationRequest {
  std::vector<std::int32_t> prompt;
  SamplingParams sampling;
  std::int64_t max_tokens = -1;  // -1: until the context is full
  std::vector<std::int32_t> stop_tokens;
};

using SequenceId = std::int64_t;

// What step() produced for a sequence.
struct StepOutput {
  SequenceId sequence = 0;
  SampledToken token;
  FinishReason finish_reason = FinishReason::kNone;
  std::optional<Error> error;
};

// Borrows the model, which must outlive it. One thread at a time owns it.
//
// What a sequence computes does not depend on its neighbours, the chunk or the number of threads,
// bit for bit. The cache of a sequence that has ended is kept until its blocks are needed: a later
// prompt that begins with the same tokens, as the next turn of a conversation does, computes only
// the rest.
class Engine {
 public:
  // kExhausted: the message says what the model needs and what there is. kInvalidArgument,
  // kUnsupported: options.
  static Result<std::unique_ptr<Engine>> create(const Model& model, const EngineOptions& options);
  ~Engine();

  // Queues a sequence; its tokens come from step(). kInvalidArgument: empty prompt, a token outside
  // the vocabulary, bad sampling parameters, or a prompt that leaves no room in the context (the
  // message says the numbers). kExhausted: the cache cannot hold another sequence of this length.
  Result<SequenceId> add(GenerationRequest request);

  // One forward pass: sequences that decode compute one token each, and unfinished prompts, in
  // order of arrival, what is left of `chunk`. Outputs are valid until the next call; finished
  // sequences are gone. Empty if there is nothing to do or a prompt is not finished yet.
  std::span<const StepOutput> step();

  // Drops a sequence between steps. Unknown ids are ignored: it may just have finished.
  void cancel(SequenceId sequence);

  bool idle() const { return sequences_.empty(); }

  // For models that are being trained. What is cached belongs to the weights as they were, and is
  // forgotten. The engine must be idle.
  void weights_changed();

  // Feeds all tokens as one sequence and hands out the logits of each, in order, [vocab_size] at a
  // time; memory is bounded by the chunk. A callback's error ends it.
  using LogitsCallback = FunctionRef<Result<void>(std::span<const float>)>;
  Result<void> logits(std::span<const std::int32_t> tokens, LogitsCallback callback);

  const Model& model() const { return model_; }
  std::int64_t context_length() const { return context_length_; }
  std::int64_t max_sequences() const { return static_cast<std::int64_t>(max_ended_); }
  int n_threads() const { return pool_.n_threads(); }
  const kernels::KernelTable& kernels() const { return kernels_; }
  DType cache_type() const { return blocks_.view().dtype; }
  std::int64_t n_blocks() const { return blocks_.n_blocks(); }
  std::int64_t n_free_blocks() const;  // those of ended sequences included
  std::int64_t n_computed_tokens() const { return n_computed_tokens_; }  // by step(), so far
  ThreadPool& thread_pool() { return pool_; }

 private:
  // Tokens whose keys and values are cached, and where.
  struct CachedTokens {
    std::vector<std::int32_t> tokens;
    std::int64_t n_computed = 0;  // the first so many of tokens
    std::vector<std::int32_t> block_table;
  };
  struct Sequence;

  Engine(const Model& model, const kernels::KernelTable& kernels, const EngineOptions& options,
         std::int64_t context_length, BlockPool blocks);
  Result<void> check_tokens(std::span<const std::int32_t> tokens) const;
  CachedTokens take_longest_prefix(std::span<const std::int32_t> prompt);
  Result<void> allocate_blocks(std::int64_t n, std::vector<std::int32_t>& block_table);
  void end(Sequence& sequence);
  void plan_batch();
  void collect(Sequence& sequence, std::span<const float> logits);

  const Model& model_;
  const kernels::KernelTable& kernels_;
  const std::int64_t chunk_;
  const std::int64_t context_length_;
  ThreadPool pool_;
  BlockPool blocks_;
  InferenceOps ops_;
  Sampler sampler_;
  SequenceId next_id_ = 1;
  std::int64_t n_computed_tokens_ = 0;
  std::vector<std::unique_ptr<Sequence>> sequences_;  // in order of arrival
  std::vector<CachedTokens> ended_;                   // oldest first, at most max_sequences
  const std::size_t max_ended_;
  // Of the pass that runs now; kept, so that decoding allocates nothing.
  Batch batch_;
  std::vector<Sequence*> scheduled_;
  std::vector<StepOutput> outputs_;
  std::vector<TokenLogprob> top_logprobs_;  // what outputs_ point into
};

}  // namespace sputnik
