// Runs sequences of tokens through a model: cache blocks, batches, sampling. Deals in token ids,
// never in text.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/thread_pool.h"
#include "engine/block_pool.h"
#include "engine/disk_cache.h"
#include "engine/fair_share.h"
#include "engine/memory_need.h"
#include "engine/prefix_cache.h"
#include "engine/sampler.h"
#include "engine/thought.h"
#include "engine/token_constraint.h"
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
  std::int64_t max_sequences = 1;  // that run at the same time; others wait
  // Blocks of the cache. 0: enough for max_sequences at full context. At least enough for one;
  // whether more fit into memory is not checked.
  std::int64_t cache_blocks = 0;
  std::int64_t chunk = 512;  // most tokens per forward pass
  // What a prompt may add to the time between two tokens of others: prompts are read in pieces of
  // the size that was measured to take this long.
  double max_gap_ms = 50;
  bool speculate = true;  // guess tokens ahead where that pays; never changes an answer
  Precision precision = Precision::kFast;
  MlaForm mla_form = MlaForm::kAbsorbed;
  bool ignore_memory_check = false;  // start even if the model seems not to fit
  // Keeps the cache on disk as well, if a directory is given. model_digest: names the weights.
  std::filesystem::path disk_cache;
  std::int64_t disk_cache_bytes = std::int64_t{8} << 30;
  std::string model_digest;
};

enum class FinishReason {
  kNone,        // goes on
  kStop,        // a stop token, which is the last token delivered
  kLength,      // max_tokens, or the context is full
  kRepetition,  // the answer went round in circles (GenerationRequest::detect_loops)
  kPrefilled,   // the prompt is in the cache, which was all that was asked; no token
  kFailed,      // see StepOutput::error; no token
};
const char* to_string(FinishReason reason);

struct GenerationRequest {
  std::vector<std::int32_t> prompt;
  // Tokens of the answer that are there already, for an answer that was interrupted: it goes on as
  // if it had not been, bit for bit. They count for max_tokens.
  std::vector<std::int32_t> answer = {};
  SamplingParams sampling = {};
  std::int64_t max_tokens = -1;                // -1: until the context is full
  std::vector<std::int32_t> stop_tokens = {};  // in a thought they end the thought
  ThoughtOptions thought = {};
  std::shared_ptr<TokenConstraint> constraint =
      {};                        // of the answer, not of the thought; not shared
  bool detect_loops = false;     // closes a thought, and ends an answer, that goes round in circles
  bool prefill_only = false;     // compute the prompt for whoever comes next
  bool background = false;       // only when nothing else is to be done
  bool keep_off_disk = false;    // neither the prompt nor the answer is written to the disk cache
  int priority = 0;              // higher first
  std::uint64_t tenant = 0;      // who shares fairly with whom
  std::uint64_t cache_salt = 0;  // prompts with different salts share no cache
};

using SequenceId = std::int64_t;

// A token that step() produced for a sequence, or its end.
struct StepOutput {
  SequenceId sequence = 0;
  SampledToken token;
  FinishReason finish_reason = FinishReason::kNone;
  // The token was not chosen but written to close a thought, for this reason.
  ThoughtClosed forced = ThoughtClosed::kNot;
  std::int64_t n_cache_hits = 0;  // of the sequence's prompt, as in SequenceState
  std::optional<Error> error;
};

// Of a sequence that is not finished.
struct SequenceState {
  std::int64_t queue_position = -1;  // -1: it runs
  std::int64_t n_prompt = 0;
  std::int64_t n_computed = 0;  // tokens in the cache
  // Tokens of the prompt that were found in the cache, a multiple of kBlockTokens; what was found
  // beyond that is not counted. -1: not known before it runs.
  std::int64_t n_cache_hits = -1;
};

struct EngineStats {
  std::int64_t n_running = 0, n_waiting = 0;
  std::int64_t n_blocks = 0, n_free_blocks = 0, n_cached_blocks = 0;
  std::int64_t n_computed_tokens = 0;   // rows of forward passes, wrong guesses included
  std::int64_t n_generated_tokens = 0;  // delivered by step()
  std::int64_t n_prompt_tokens = 0, n_cache_hit_tokens = 0;
  std::int64_t n_drafted = 0, n_accepted = 0;  // guesses, and those that came true
  std::int64_t n_preemptions = 0;
  std::int64_t disk_bytes = 0, n_disk_blocks = 0, n_disk_hits = 0, n_disk_rejected = 0;
  std::int64_t n_prompt_chunk = 0;  // tokens of prompts in a pass beside others, as measured now
};

// Borrows the model, which must outlive it. One thread at a time owns it.
//
// What a sequence computes does not depend on its neighbours, the chunk, the number of threads, on
// guesses, or on what was found in a cache, bit for bit.
//
// Blocks are taken as sequences grow. Full ones are kept in a tree by the tokens they hold, and so
// is the last one of a sequence that ends: a prompt that begins with the same tokens computes only
// the rest, from the first different token on. When blocks run out, those that nobody uses are
// given up, least recently used first; then the sequence that came last goes back to the queue,
// and is computed again later.
class Engine {
 public:
  // kExhausted: the message says what the model needs and what there is. kInvalidArgument,
  // kUnsupported: options.
  static Result<std::unique_ptr<Engine>> create(const Model& model, const EngineOptions& options);
  ~Engine();

  // Queues a sequence; its tokens come from step(). kInvalidArgument: empty prompt, a token outside
  // the vocabulary, bad sampling parameters, or a prompt that leaves no room in the context (the
  // message says the numbers).
  Result<SequenceId> add(GenerationRequest request);

  // One forward pass: sequences that decode compute one token each, or some more that were guessed,
  // and prompts what is left of `chunk`, or of the time that the others may wait. Outputs are valid
  // until the next call; finished sequences are gone. May give nothing while there is something to
  // do: a prompt is not finished yet.
  std::span<const StepOutput> step();

  // Drops a sequence between steps. Unknown ids are ignored: it may just have finished.
  void cancel(SequenceId sequence);

  // Of a thought that goes on; take effect in the next step. Unknown ids are ignored.
  void set_thought_budget(SequenceId sequence, std::int64_t tokens);
  void close_thought(SequenceId sequence);

  std::optional<SequenceState> state(SequenceId sequence) const;

  bool idle() const { return running_.empty() && waiting_.empty(); }

  // For models that are being trained. What is cached belongs to the weights as they were, and is
  // forgotten. The engine must be idle, and without a disk cache.
  void weights_changed();

  // Feeds all tokens as one sequence and hands out the logits of each, in order, [vocab_size] at a
  // time; memory is bounded by the chunk. A callback's error ends it.
  using LogitsCallback = FunctionRef<Result<void>(std::span<const float>)>;
  Result<void> logits(std::span<const std::int32_t> tokens, LogitsCallback callback);

  // The mean over all tokens of the last normalised hidden states, [hidden_size].
  Result<std::vector<float>> mean_hidden(std::span<const std::int32_t> tokens);

  const Model& model() const { return model_; }
  std::int64_t context_length() const { return context_length_; }
  std::int64_t max_sequences() const { return max_sequences_; }
  int n_threads() const { return pool_.n_threads(); }
  const kernels::KernelTable& kernels() const { return kernels_; }
  DType cache_type() const { return blocks_.view().dtype; }
  std::int64_t n_blocks() const { return blocks_.n_blocks(); }
  std::int64_t n_free_blocks() const;  // those that only the cache holds included
  std::int64_t n_computed_tokens() const { return stats_.n_computed_tokens; }
  ThreadPool& thread_pool() { return pool_; }
  EngineStats stats() const;
  // Of the disk cache: why it stopped writing. Each error is told once.
  std::optional<Error> disk_error();
  // Waits until the disk cache has written what it was given.
  void flush_disk_cache();

 private:
  struct Sequence;
  using SequencePtr = std::unique_ptr<Sequence>;

  Engine(const Model& model, const kernels::KernelTable& kernels, const EngineOptions& options,
         std::int64_t context_length, BlockPool blocks);
  Result<void> check_tokens(std::span<const std::int32_t> tokens) const;

  // engine_cache.cpp: blocks and what is kept of them.
  bool allocate_block(std::vector<std::int32_t>& block_table);
  bool find_cached(Sequence& sequence);
  bool load_from_disk(Sequence& sequence);
  void publish(Sequence& sequence);
  void keep_partial(Sequence& sequence);
  void store_on_disk(const Sequence& sequence, std::int64_t block_index, std::int64_t n_tokens);
  void release(Sequence& sequence);

  // engine_schedule.cpp: who runs, and what.
  void admit();
  Sequence* next_waiting(std::vector<Sequence*>& passed_over);
  bool shares_unread_prompt(const Sequence& sequence) const;
  bool goes_before(const Sequence& a, const Sequence& b) const;
  bool grow(Sequence& sequence, std::int64_t n_tokens);
  void preempt(Sequence& sequence);
  void plan_batch();
  void plan_decoding(Sequence& sequence, std::int64_t& room);
  void draft(Sequence& sequence);

  // engine.cpp
  using PassCallback = FunctionRef<Result<void>(const Tensor& logits, const Tensor& hidden)>;
  Result<void> run_alone(std::span<const std::int32_t> tokens, std::int64_t rows, bool with_logits,
                         PassCallback callback);
  struct Scheduled {
    Sequence* sequence = nullptr;
    std::int64_t n_known = 0;  // rows of tokens that stand fast; guesses come behind them
  };
  // A token that was chosen while others were.
  struct Early {
    std::int64_t row = -1;  // of its logits; -1: none was chosen
    std::optional<Error> error;
    SampledToken token;
    std::array<TokenLogprob, kMaxTopLogprobs> top;
  };
  void take_pass(const Scheduled& scheduled, const Tensor& logits, std::int64_t& row, Early& early);
  void take(Sequence& sequence, std::int32_t token);
  void sample_ahead(const Tensor& logits);
  Result<SampledToken> sample(int sampler, const Sequence& sequence, const Tensor& logits,
                              std::int64_t row, std::span<const std::uint64_t> mask);
  void collect(Sequence& sequence, const Tensor& logits, std::int64_t& row, Early& early);
  static bool ends_answer(const Sequence& sequence, std::int32_t token);
  bool deliver(Sequence& sequence, const SampledToken& token, ThoughtClosed forced);
  void close_thoughts();
  void close_thought_if_due(Sequence& sequence);
  std::span<const std::uint64_t> mask_for(Sequence& sequence);
  void fail(Sequence& sequence, Error error);
  void draft_by_module(const Tensor& final_hidden);
  void end(Sequence& sequence);

  const Model& model_;
  const kernels::KernelTable& kernels_;
  const std::int64_t chunk_;
  const std::int64_t context_length_;
  const std::int64_t max_sequences_;
  const bool speculate_;
  ThreadPool pool_;
  BlockPool blocks_;
  PrefixCache cache_;
  std::unique_ptr<DiskCache> disk_;
  InferenceOps ops_;
  std::vector<Sampler> samplers_;  // one per thread
  SequenceId next_id_ = 1;
  std::vector<SequencePtr> waiting_, running_;  // in order of arrival
  FairShare share_;
  PrefillPace pace_;
  EngineStats stats_;

  // Of the pass that runs now; kept, so that decoding allocates nothing.
  Batch batch_;
  std::vector<Scheduled> scheduled_;
  std::vector<Early> early_;  // of each that is scheduled
  std::int64_t n_decode_rows_ = 0, n_prompt_rows_ = 0;
  std::vector<StepOutput> outputs_;
  std::vector<TokenLogprob> top_logprobs_;  // what outputs_ point into
  std::vector<std::uint64_t> mask_;
  std::vector<std::int32_t> rows_;  // tokens of one sequence with its guesses
  std::vector<Sequence*> order_;
  // For the prediction module.
  Batch module_batch_;
  std::vector<float> module_hidden_;
};

}  // namespace sputnik
