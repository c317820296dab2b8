#include "engine/engine.h"

#include <sodium.h>

#include <algorithm>
#include <chrono>

#include "base/memory.h"
#include "engine/sequence.h"
#include "engine/vector_math.h"
#include "kernels/dispatch.h"

namespace sputnik {
namespace {

constexpr std::int64_t kDefaultContext = 32768;
constexpr std::int64_t kMinDefaultContext = 2048;
constexpr std::int64_t kMaxContext = std::int64_t{1} << 24;
constexpr std::int64_t kMaxSequences = 4096;
constexpr std::int64_t kMaxChunk = 65536;
constexpr std::int64_t kLogitsBytes = 64 << 20;  // of all rows that logits() computes at a time

Result<void> check_options(const EngineOptions& options) {
  if (options.n_threads < 0 || options.n_threads > 1024)
    return invalid_argument("{} threads: give 1 to 1024, or 0 for all processors",
                            options.n_threads);
  if (options.chunk < 1 || options.chunk > kMaxChunk)
    return invalid_argument("chunk is {}, it must be in 1..{}", options.chunk, kMaxChunk);
  if (options.max_sequences < 1 || options.max_sequences > kMaxSequences)
    return invalid_argument("{} sequences: give 1 to {}", options.max_sequences, kMaxSequences);
  if (options.context_length < 0 || options.context_length > kMaxContext)
    return invalid_argument("a context of {} tokens: give 1 to {}, or 0 for the model's",
                            options.context_length, kMaxContext);
  return ok_result();
}

// The context to use, once the memory for it is known to be there.
Result<std::int64_t> choose_context(const Model& model, const EngineOptions& options) {
  const std::int64_t available = options.ignore_memory_check ? 0 : available_memory_bytes();
  const bool automatic = options.context_length == 0;
  std::int64_t context = automatic ? std::min(model.max_position_embeddings(), kDefaultContext)
                                   : options.context_length;
  for (;;) {
    auto fits = check_memory(
        memory_need(model, context, options.cache_blocks == 0 ? options.max_sequences : 1,
                    options.chunk, options.precision),
        context, available);
    if (fits.ok()) return context;
    if (!automatic || context / 2 < kMinDefaultContext) return std::move(fits).error();
    context /= 2;
  }
}

// Names what cached numbers depend on beside the tokens.
BlockHash cache_key(const EngineOptions& options, const kernels::KernelTable& kernels,
                    const KvCache& cache) {
  const std::string text =
      fmt::format("{}\n{}\n{}\n{}\n{} {} {} {} {}", options.model_digest, kernels.name,
                  options.precision == Precision::kFast, static_cast<int>(options.mla_form),
                  static_cast<int>(cache.dtype), cache.shape.num_layers, cache.shape.num_kv_heads,
                  cache.shape.key_dim, cache.shape.value_dim);
  BlockHash key;
  crypto_generichash(key.data(), key.size(), reinterpret_cast<const unsigned char*>(text.data()),
                     text.size(), nullptr, 0);
  return key;
}

}  // namespace

const char* to_string(FinishReason reason) {
  switch (reason) {
    case FinishReason::kNone:
      return "none";
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kRepetition:
      return "repetition";
    case FinishReason::kPrefilled:
      return "prefilled";
    case FinishReason::kFailed:
      return "failed";
  }
  return "unknown";
}

Result<std::unique_ptr<Engine>> Engine::create(const Model& model, const EngineOptions& options) {
  SPUTNIK_CHECK_OK(check_options(options));
  SPUTNIK_TRY(const kernels::KernelTable* table, kernels::choose_table(options.isa));
  SPUTNIK_TRY(const std::int64_t context, choose_context(model, options));
  const std::int64_t n_blocks = options.cache_blocks == 0
                                    ? options.max_sequences * blocks_for(context)
                                    : options.cache_blocks;
  if (n_blocks < blocks_for(context)) {
    return invalid_argument(
        "a cache of {} blocks does not hold one context of {} tokens: {} are needed", n_blocks,
        context, blocks_for(context));
  }
  SPUTNIK_TRY(BlockPool blocks, BlockPool::create(model.cache_shape(),
                                                  cache_dtype(model, options.precision), n_blocks));
  EngineOptions resolved = options;
  if (resolved.n_threads == 0) resolved.n_threads = available_processors();
  std::unique_ptr<Engine> engine(new Engine(model, *table, resolved, context, std::move(blocks)));
  if (!options.disk_cache.empty()) {
    const KvCache& cache = engine->blocks_.view();
    DiskCacheOptions disk{options.disk_cache, options.disk_cache_bytes,
                          cache_key(options, *table, cache), cache.block_bytes()};
    SPUTNIK_TRY(engine->disk_, DiskCache::open(disk));
  }
  return engine;
}

Engine::Engine(const Model& model, const kernels::KernelTable& kernels,
               const EngineOptions& options, std::int64_t context_length, BlockPool blocks)
    : model_(model),
      kernels_(kernels),
      chunk_(options.chunk),
      context_length_(context_length),
      max_sequences_(options.max_sequences),
      speculate_(options.speculate),
      pool_(options.n_threads),
      blocks_(std::move(blocks)),
      cache_(blocks_),
      ops_(kernels, pool_, blocks_.view(),
           {options.precision == Precision::kFast, options.mla_form}),
      pace_(options.max_gap_ms),
      mask_(static_cast<std::size_t>(mask_words(model.vocab_size()))) {
  for (int i = 0; i < options.n_threads; ++i) samplers_.emplace_back(model.vocab_size());
  const auto n = static_cast<std::size_t>(options.max_sequences);
  early_.reserve(n);
  batch_.tokens.reserve(static_cast<std::size_t>(chunk_));
  batch_.positions.reserve(static_cast<std::size_t>(chunk_));
  batch_.output_rows.reserve(static_cast<std::size_t>(chunk_));
  batch_.sequences.reserve(n);
  scheduled_.reserve(n);
  order_.reserve(n);
  outputs_.reserve(n * (kMaxDraft + 1));
  // Every row of a pass gives at most one chosen token.
  top_logprobs_.reserve(std::min(n * (kMaxDraft + 1), static_cast<std::size_t>(chunk_)) *
                        kMaxTopLogprobs);
  rows_.reserve(static_cast<std::size_t>(chunk_));
}

Engine::~Engine() {
  running_.clear();
  waiting_.clear();
}

Result<void> Engine::check_tokens(std::span<const std::int32_t> tokens) const {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] < 0 || tokens[i] >= model_.vocab_size()) {
      return invalid_argument("token {} at position {} is outside the vocabulary of {}", tokens[i],
                              i, model_.vocab_size());
    }
  }
  return ok_result();
}

Result<SequenceId> Engine::add(GenerationRequest request) {
  const auto n_prompt = static_cast<std::int64_t>(request.prompt.size());
  if (n_prompt == 0) return invalid_argument("the prompt is empty");
  SPUTNIK_CHECK_OK(check_tokens(request.prompt));
  SPUTNIK_CHECK_OK(check_tokens(request.answer));
  SPUTNIK_CHECK_OK(request.sampling.check());
  if (n_prompt >= context_length_) {
    return invalid_argument(
        "the prompt has {} tokens and the context holds {}: no room for an answer", n_prompt,
        context_length_);
  }
  if (request.max_tokens < -1 || request.max_tokens == 0) {
    return invalid_argument("max_tokens is {}, it must be positive, or -1 for as many as fit",
                            request.max_tokens);
  }
  const std::int64_t room = context_length_ - n_prompt;
  auto sequence = std::make_unique<Sequence>(std::move(request.thought));
  sequence->max_total =
      n_prompt + (request.max_tokens < 0 ? room : std::min(request.max_tokens, room));
  if (n_prompt + static_cast<std::int64_t>(request.answer.size()) >= sequence->max_total) {
    return invalid_argument("the answer has {} tokens already, of at most {}",
                            request.answer.size(), sequence->max_total - n_prompt);
  }
  sequence->id = next_id_++;
  sequence->n_prompt = n_prompt;
  sequence->tokens = std::move(request.prompt);
  sequence->tokens.reserve(static_cast<std::size_t>(sequence->max_total));
  sequence->block_table.reserve(static_cast<std::size_t>(blocks_for(sequence->max_total)));
  sequence->drafted.reserve(kMaxDraft);
  sequence->stop_tokens = std::move(request.stop_tokens);
  sequence->sampling = request.sampling;
  sequence->constraint = std::move(request.constraint);
  if (request.detect_loops) sequence->loops = std::make_unique<LoopDetector>();
  sequence->prefill_only = request.prefill_only;
  sequence->background = request.background;
  sequence->keep_off_disk = request.keep_off_disk;
  sequence->priority = request.priority;
  sequence->tenant = request.tenant;
  sequence->salt = request.cache_salt;
  for (const std::int32_t token : request.answer) take(*sequence, token);
  stats_.n_prompt_tokens += n_prompt;
  share_.arrive(sequence->tenant);
  waiting_.push_back(std::move(sequence));
  return waiting_.back()->id;
}

// ------------------------------------------------------------------------------------------------
// the end of a sequence

// The sequence's cache is kept for later; the sequence itself is for the caller to erase.
void Engine::end(Sequence& sequence) {
  if (!sequence.block_table.empty()) keep_partial(sequence);
  release(sequence);
  share_.leave(sequence.tenant);
}

void Engine::cancel(SequenceId id) {
  for (auto* const sequences : {&running_, &waiting_}) {
    std::erase_if(*sequences, [&](const SequencePtr& sequence) {
      if (sequence->id == id) end(*sequence);
      return sequence->id == id;
    });
  }
}

void Engine::fail(Sequence& sequence, Error error) {
  StepOutput& output = outputs_.emplace_back();
  output.sequence = sequence.id;
  output.finish_reason = FinishReason::kFailed;
  output.error = std::move(error);
  sequence.finished = true;
}

void Engine::weights_changed() {
  SPUTNIK_ASSERT(idle() && disk_ == nullptr);
  cache_.clear();
}

// ------------------------------------------------------------------------------------------------
// tokens

// A token of the answer, wherever it comes from.
void Engine::take(Sequence& sequence, std::int32_t token) {
  const bool was_thought = sequence.thought.in_thought() ||
                           (sequence.thought.undecided() && token == sequence.thought.begin_id());
  sequence.thought.feed(token);
  sequence.tokens.push_back(token);
  if (sequence.constraint && !was_thought) sequence.constraint->accept(token);
  if (!sequence.loops) return;
  if (was_thought != sequence.thought.in_thought()) {
    sequence.loops->reset();
  } else {
    sequence.loops->feed(sequence.tokens);
  }
}

bool Engine::ends_answer(const Sequence& sequence, std::int32_t token) {
  const auto& stops = sequence.stop_tokens;
  return std::find(stops.begin(), stops.end(), token) != stops.end();
}

// True: the sequence goes on.
bool Engine::deliver(Sequence& sequence, const SampledToken& token, ThoughtClosed forced) {
  StepOutput& output = outputs_.emplace_back();
  output.sequence = sequence.id;
  output.token = token;
  output.forced = forced;
  output.n_cache_hits = sequence.n_hits;
  const std::size_t n_before = top_logprobs_.size();
  top_logprobs_.insert(top_logprobs_.end(), token.top.begin(), token.top.end());
  output.token.top = std::span(top_logprobs_).subspan(n_before);  // reserved: never moves
  ++stats_.n_generated_tokens;
  share_.charge(sequence.tenant, 1);
  const bool was_answer = !sequence.thought.in_thought();
  take(sequence, token.id);
  if (ends_answer(sequence, token.id)) {
    output.finish_reason = FinishReason::kStop;
  } else if (sequence.size() >= sequence.max_total) {
    output.finish_reason = FinishReason::kLength;
  } else if (was_answer && sequence.loops && sequence.loops->looping()) {
    output.finish_reason = FinishReason::kRepetition;
  }
  sequence.finished = output.finish_reason != FinishReason::kNone;
  return !sequence.finished;
}

void Engine::close_thought_if_due(Sequence& sequence) {
  const ThoughtClosed why =
      sequence.thought.must_close(sequence.loops && sequence.loops->looping());
  if (why == ThoughtClosed::kNot || sequence.finished) return;
  SampledToken token;
  for (const std::int32_t id : sequence.thought.closing(why)) {
    token.id = id;
    if (!deliver(sequence, token, why)) return;
  }
}

// What somebody asked for since the last step, or what a budget demands of an answer that has not
// begun.
void Engine::close_thoughts() {
  for (auto* const sequences : {&running_, &waiting_})
    for (const SequencePtr& sequence : *sequences)
      if (!sequence->prefill_only) close_thought_if_due(*sequence);
}

void Engine::set_thought_budget(SequenceId id, std::int64_t tokens) {
  for (auto* const sequences : {&running_, &waiting_})
    for (const SequencePtr& sequence : *sequences)
      if (sequence->id == id) sequence->thought.set_budget(tokens);
}

void Engine::close_thought(SequenceId id) {
  for (auto* const sequences : {&running_, &waiting_})
    for (const SequencePtr& sequence : *sequences)
      if (sequence->id == id) sequence->thought.ask_to_close();
}

// Empty: any token may come.
std::span<const std::uint64_t> Engine::mask_for(Sequence& sequence) {
  if (!sequence.constraint || sequence.thought.in_thought()) return {};
  sequence.constraint->allowed(mask_);
  if (sequence.thought.undecided()) {
    const std::int32_t id = *sequence.thought.begin_id();
    mask_[static_cast<std::size_t>(id / 64)] |= std::uint64_t{1} << (id % 64);
  }
  return mask_;
}

Result<SampledToken> Engine::sample(int sampler, const Sequence& sequence, const Tensor& logits,
                                    std::int64_t row, std::span<const std::uint64_t> mask) {
  return samplers_[static_cast<std::size_t>(sampler)].sample(
      {logits.row(row), static_cast<std::size_t>(logits.dim)}, sequence.tokens, sequence.n_prompt,
      sequence.sampling, mask);
}

// The next token of each sequence that needs one, several at a time: choosing among 150 thousand
// takes a millisecond. What depends on a token before it, or on a constraint, waits for its turn.
void Engine::sample_ahead(const Tensor& logits) {
  early_.resize(scheduled_.size());
  std::int64_t row = 0;
  for (std::size_t i = 0; i < scheduled_.size(); ++i) {
    const Sequence& sequence = *scheduled_[i].sequence;
    const bool wants_logits =
        sequence.n_missing() == scheduled_[i].n_known && !sequence.prefill_only;
    const bool is_free = !sequence.constraint || sequence.thought.in_thought();
    early_[i].row = wants_logits && is_free ? row : -1;
    if (wants_logits) row += 1 + static_cast<std::int64_t>(sequence.drafted.size());
  }
  pool_.parallel_for(
      static_cast<std::int64_t>(early_.size()), 1,
      [&](std::int64_t begin, std::int64_t end, int worker) {
        for (std::int64_t i = begin; i < end; ++i) {
          Early& early = early_[static_cast<std::size_t>(i)];
          if (early.row < 0) continue;
          auto sampled = sample(worker, *scheduled_[static_cast<std::size_t>(i)].sequence, logits,
                                early.row, {});
          early.error = std::nullopt;
          if (!sampled.ok()) {
            early.error = std::move(sampled).error();
            continue;
          }
          early.token = sampled.value();
          std::copy(early.token.top.begin(), early.token.top.end(), early.top.begin());
          early.token.top = {early.top.data(), early.token.top.size()};
        }
      });
}

// The tokens after the last known one and after each guess that was right.
void Engine::collect(Sequence& sequence, const Tensor& logits, std::int64_t& row, Early& early) {
  const std::int64_t first_row = row;
  const auto n_drafted = static_cast<std::int64_t>(sequence.drafted.size());
  row += n_drafted + 1;
  std::int64_t n_right = 0;
  for (std::int64_t i = 0; i <= n_drafted; ++i) {
    auto sampled = i > 0 || early.row < 0
                       ? sample(0, sequence, logits, first_row + i, mask_for(sequence))
                   : early.error ? Result<SampledToken>(std::move(*early.error))
                                 : Result<SampledToken>(early.token);
    if (!sampled.ok()) {
      fail(sequence, std::move(sampled).error());
      break;
    }
    SampledToken token = sampled.value();
    // An answer that ends within its thought would be none: it is the thought that ends.
    if (sequence.thought.in_thought() && ends_answer(sequence, token.id))
      token.id = *sequence.thought.end_id();
    const std::int32_t id = token.id;
    const bool goes_on = deliver(sequence, token, ThoughtClosed::kNot);
    if (goes_on) close_thought_if_due(sequence);
    const bool right = i < n_drafted && id == sequence.drafted[static_cast<std::size_t>(i)];
    n_right += right ? 1 : 0;
    // What follows a wrong guess, or a thought that was closed, is not what the guesses assumed.
    if (!right || sequence.finished || sequence.n_missing() != i + 1) break;
  }
  sequence.n_computed += n_right;
  if (n_drafted == 0) return;
  stats_.n_drafted += n_drafted;
  stats_.n_accepted += n_right;
  (sequence.drafted_by_module ? sequence.module_length : sequence.lookup_length)
      .observe(n_drafted, n_right);
}

std::span<const StepOutput> Engine::step() {
  outputs_.clear();
  top_logprobs_.clear();
  if (idle()) return {};
  close_thoughts();
  admit();
  plan_batch();
  if (!scheduled_.empty()) {
    const auto begin = std::chrono::steady_clock::now();
    const bool drafts = speculate_ && model_.num_nextn_predict_layers() > 0;
    Tensor final_hidden;
    const Tensor logits = model_.forward(ops_, batch_, drafts ? &final_hidden : nullptr);
    sample_ahead(logits);
    stats_.n_computed_tokens += batch_.n_tokens();
    std::int64_t row = 0;
    for (std::size_t i = 0; i < scheduled_.size(); ++i)
      take_pass(scheduled_[i], logits, row, early_[i]);
    if (drafts) draft_by_module(final_hidden);
    pace_.observe(
        n_decode_rows_, n_prompt_rows_,
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
            .count());
  }
  for (auto* const sequences : {&running_, &waiting_}) {
    std::erase_if(*sequences, [&](const SequencePtr& sequence) {
      if (sequence->finished) end(*sequence);
      return sequence->finished;
    });
  }
  return outputs_;
}

// What a pass means for one of its sequences.
void Engine::take_pass(const Scheduled& scheduled, const Tensor& logits, std::int64_t& row,
                       Early& early) {
  Sequence& sequence = *scheduled.sequence;
  sequence.n_computed += scheduled.n_known;
  share_.charge(sequence.tenant, sequence.decoding ? 0.0 : static_cast<double>(scheduled.n_known));
  if (sequence.n_missing() == 0 && sequence.prefill_only) {
    StepOutput& output = outputs_.emplace_back();
    output.sequence = sequence.id;
    output.finish_reason = FinishReason::kPrefilled;
    sequence.finished = true;
  } else if (sequence.n_missing() == 0) {
    if (!sequence.decoding) {
      sequence.decoding = true;
      publish(sequence);
      if (const std::int64_t rest = sequence.n_prompt - sequence.n_published;
          rest > 0 && sequence.n_worth_storing() == sequence.n_prompt)
        store_on_disk(sequence, sequence.n_published / kBlockTokens, rest);
    }
    collect(sequence, logits, row, early);
  }
  publish(sequence);
}

// The prediction module's guess for each sequence that decodes: DeepSeek-V3 report, section 2.2.
// It reads what the main model computed for each position together with the token that followed.
void Engine::draft_by_module(const Tensor& final_hidden) {
  module_batch_.clear();
  module_hidden_.clear();
  order_.clear();
  for (std::size_t i = 0; i < scheduled_.size(); ++i) {
    Sequence& sequence = *scheduled_[i].sequence;
    const BatchSequence& rows = batch_.sequences[i];
    sequence.module_draft = -1;
    const std::int64_t n = std::min(
        {rows.n_tokens, sequence.n_computed - rows.n_past, sequence.size() - 1 - rows.n_past});
    if (n <= 0 || sequence.finished) continue;
    const bool wants_guess = sequence.decoding && sequence.n_missing() == 1;
    module_batch_.add(
        std::span(sequence.tokens)
            .subspan(static_cast<std::size_t>(rows.n_past + 1), static_cast<std::size_t>(n)),
        rows.n_past, sequence.block_table, wants_guess ? n - 1 : n);
    for (std::int64_t r = 0; r < n; ++r) {
      const float* row = final_hidden.row(rows.first_row + r);
      module_hidden_.insert(module_hidden_.end(), row, row + final_hidden.dim);
    }
    if (wants_guess) order_.push_back(&sequence);
  }
  if (module_batch_.tokens.empty()) return;
  const std::int64_t dim = final_hidden.dim;
  const Tensor hidden{module_hidden_.data(), module_batch_.n_tokens(), 1, dim, dim, dim};
  const Tensor logits = model_.mtp_forward(ops_, module_batch_, hidden);
  for (std::size_t i = 0; i < order_.size(); ++i) {
    order_[i]->module_draft =
        argmax({logits.row(static_cast<std::int64_t>(i)), static_cast<std::size_t>(logits.dim)});
  }
}

// ------------------------------------------------------------------------------------------------
// what can be asked

std::optional<SequenceState> Engine::state(SequenceId id) const {
  for (const auto* const sequences : {&running_, &waiting_}) {
    for (std::size_t i = 0; i < sequences->size(); ++i) {
      const Sequence& sequence = *(*sequences)[i];
      if (sequence.id != id) continue;
      return SequenceState{sequences == &waiting_ ? static_cast<std::int64_t>(i) : -1,
                           sequence.n_prompt, sequence.n_computed, sequence.n_hits};
    }
  }
  return std::nullopt;
}

EngineStats Engine::stats() const {
  EngineStats stats = stats_;
  stats.n_running = static_cast<std::int64_t>(running_.size());
  stats.n_waiting = static_cast<std::int64_t>(waiting_.size());
  stats.n_blocks = blocks_.n_blocks();
  stats.n_free_blocks = n_free_blocks();
  stats.n_cached_blocks = cache_.n_blocks();
  stats.n_prompt_chunk = pace_.tokens(chunk_);
  if (disk_) {
    stats.disk_bytes = disk_->bytes();
    stats.n_disk_blocks = disk_->n_blocks();
    stats.n_disk_rejected = disk_->n_rejected();
  }
  return stats;
}

std::optional<Error> Engine::disk_error() {
  return disk_ ? disk_->error() : std::nullopt;
}

void Engine::flush_disk_cache() {
  if (disk_) disk_->flush();
}

Result<void> Engine::logits(std::span<const std::int32_t> tokens, LogitsCallback callback) {
  const std::int64_t rows =
      std::clamp<std::int64_t>(kLogitsBytes / (model_.vocab_size() * 4), 1, chunk_);
  return run_alone(
      tokens, rows, /*with_logits=*/true, [&](const Tensor& logits, const Tensor&) -> Result<void> {
        for (std::int64_t i = 0; i < logits.n_tokens; ++i) {
          SPUTNIK_CHECK_OK(callback({logits.row(i), static_cast<std::size_t>(logits.dim)}));
        }
        return ok_result();
      });
}

Result<std::vector<float>> Engine::mean_hidden(std::span<const std::int32_t> tokens) {
  if (tokens.empty()) return invalid_argument("there is no text");
  std::vector<double> sum(static_cast<std::size_t>(model_.hidden_size()));
  SPUTNIK_CHECK_OK(
      run_alone(tokens, chunk_, /*with_logits=*/false, [&](const Tensor&, const Tensor& hidden) {
        for (std::int64_t t = 0; t < hidden.n_tokens; ++t)
          for (std::size_t i = 0; i < sum.size(); ++i)
            sum[i] += static_cast<double>(hidden.row(t)[i]);
        return ok_result();
      }));
  std::vector<float> mean;
  for (const double s : sum)
    mean.push_back(static_cast<float>(s / static_cast<double>(tokens.size())));
  return mean;
}

// Tokens as a sequence that nobody else shares, so many at a time.
Result<void> Engine::run_alone(std::span<const std::int32_t> tokens, std::int64_t rows,
                               bool with_logits, PassCallback callback) {
  SPUTNIK_CHECK_OK(check_tokens(tokens));
  const auto n = static_cast<std::int64_t>(tokens.size());
  if (n > context_length_)
    return invalid_argument("{} tokens do not fit into the context of {}", n, context_length_);
  std::vector<std::int32_t> block_table;
  Result<void> result;
  while (result.ok() && static_cast<std::int64_t>(block_table.size()) < blocks_for(n)) {
    if (!allocate_block(block_table)) {
      result = exhausted("the cache has no room for {} tokens beside the sequences that run", n);
    }
  }
  for (std::int64_t begin = 0; begin < n && result.ok(); begin += rows) {
    const std::int64_t size = std::min(rows, n - begin);
    batch_.clear();
    batch_.add(tokens.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(size)),
               begin, block_table, with_logits ? 0 : size);
    Tensor hidden;
    const Tensor logits = model_.forward(ops_, batch_, with_logits ? nullptr : &hidden);
    result = callback(logits, hidden);
  }
  blocks_.release_all(block_table);
  return result;
}

}  // namespace sputnik
