#include "engine/engine.h"

#include <algorithm>

#include "base/memory.h"
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
        memory_need(model, context, options.max_sequences, options.chunk, options.precision),
        context, available);
    if (fits.ok()) return context;
    if (!automatic || context / 2 < kMinDefaultContext) return std::move(fits).error();
    context /= 2;
  }
}

std::int64_t common_prefix(std::span<const std::int32_t> a, std::span<const std::int32_t> b) {
  const std::size_t n = std::min(a.size(), b.size());
  return std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(n), b.begin()).first -
         a.begin();
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
    case FinishReason::kFailed:
      return "failed";
  }
  return "unknown";
}

struct Engine::Sequence {
  SequenceId id = 0;
  CachedTokens cached;  // tokens: prompt and answer
  std::int64_t n_prompt = 0;
  std::int64_t max_total = 0;  // tokens: prompt, max_tokens and context considered
  std::vector<std::int32_t> stop_tokens;
  SamplingParams sampling;

  std::int64_t size() const { return static_cast<std::int64_t>(cached.tokens.size()); }
  std::int64_t n_missing() const { return size() - cached.n_computed; }
};

Result<std::unique_ptr<Engine>> Engine::create(const Model& model, const EngineOptions& options) {
  SPUTNIK_CHECK_OK(check_options(options));
  SPUTNIK_TRY(const kernels::KernelTable* table, kernels::choose_table(options.isa));
  SPUTNIK_TRY(const std::int64_t context, choose_context(model, options));
  SPUTNIK_TRY(BlockPool blocks,
              BlockPool::create(model.cache_shape(), cache_dtype(model, options.precision),
                                options.max_sequences * blocks_for(context)));
  EngineOptions resolved = options;
  if (resolved.n_threads == 0) resolved.n_threads = available_processors();
  return std::unique_ptr<Engine>(new Engine(model, *table, resolved, context, std::move(blocks)));
}

Engine::Engine(const Model& model, const kernels::KernelTable& kernels,
               const EngineOptions& options, std::int64_t context_length, BlockPool blocks)
    : model_(model),
      kernels_(kernels),
      chunk_(options.chunk),
      context_length_(context_length),
      pool_(options.n_threads),
      blocks_(std::move(blocks)),
      ops_(kernels, pool_, blocks_.view(),
           {options.precision == Precision::kFast, options.mla_form}),
      sampler_(model.vocab_size()),
      max_ended_(static_cast<std::size_t>(options.max_sequences)) {
  const auto n = static_cast<std::size_t>(options.max_sequences);
  batch_.tokens.reserve(static_cast<std::size_t>(chunk_));
  batch_.positions.reserve(static_cast<std::size_t>(chunk_));
  batch_.output_rows.reserve(static_cast<std::size_t>(chunk_));
  batch_.sequences.reserve(n);
  scheduled_.reserve(n);
  outputs_.reserve(n);
  top_logprobs_.reserve(n * kMaxTopLogprobs);
}

Engine::~Engine() = default;

Result<void> Engine::check_tokens(std::span<const std::int32_t> tokens) const {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] < 0 || tokens[i] >= model_.vocab_size()) {
      return invalid_argument("token {} at position {} is outside the vocabulary of {}", tokens[i],
                              i, model_.vocab_size());
    }
  }
  return ok_result();
}

// ------------------------------------------------------------------------------------------------
// cache blocks

std::int64_t Engine::n_free_blocks() const {
  std::int64_t n = blocks_.n_free();
  for (const CachedTokens& ended : ended_) n += static_cast<std::int64_t>(ended.block_table.size());
  return n;
}

// The cache of the ended sequence that agrees longest with a prompt; empty if none does. At least
// the last token of the prompt is left to compute: its logits are wanted.
Engine::CachedTokens Engine::take_longest_prefix(std::span<const std::int32_t> prompt) {
  std::int64_t longest = 0;
  auto best = ended_.end();
  for (auto it = ended_.begin(); it != ended_.end(); ++it) {
    const std::int64_t n = std::min({common_prefix(it->tokens, prompt), it->n_computed,
                                     static_cast<std::int64_t>(prompt.size()) - 1});
    if (n > longest) {
      longest = n;
      best = it;
    }
  }
  if (best == ended_.end()) return {};
  CachedTokens taken = std::move(*best);
  ended_.erase(best);
  taken.n_computed = longest;
  while (static_cast<std::int64_t>(taken.block_table.size()) > blocks_for(longest)) {
    blocks_.release(taken.block_table.back());
    taken.block_table.pop_back();
  }
  return taken;
}

// Takes blocks from ended sequences, oldest first, if there are not enough.
Result<void> Engine::allocate_blocks(std::int64_t n, std::vector<std::int32_t>& block_table) {
  while (n > blocks_.n_free() && !ended_.empty()) {
    blocks_.release_all(ended_.front().block_table);
    ended_.erase(ended_.begin());
  }
  return blocks_.allocate(n, block_table);
}

// The sequence's cache is kept for later; the sequence itself is for the caller to erase.
void Engine::end(Sequence& sequence) {
  if (ended_.size() == max_ended_) {
    blocks_.release_all(ended_.front().block_table);
    ended_.erase(ended_.begin());
  }
  CachedTokens& cached = sequence.cached;
  while (static_cast<std::int64_t>(cached.block_table.size()) > blocks_for(cached.n_computed)) {
    blocks_.release(cached.block_table.back());
    cached.block_table.pop_back();
  }
  if (cached.n_computed > 0) ended_.push_back(std::move(cached));
}

// ------------------------------------------------------------------------------------------------
// sequences

Result<SequenceId> Engine::add(GenerationRequest request) {
  const auto n_prompt = static_cast<std::int64_t>(request.prompt.size());
  if (n_prompt == 0) return invalid_argument("the prompt is empty");
  SPUTNIK_CHECK_OK(check_tokens(request.prompt));
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
  auto sequence = std::make_unique<Sequence>();
  sequence->max_total =
      n_prompt + (request.max_tokens < 0 ? room : std::min(request.max_tokens, room));
  sequence->cached = take_longest_prefix(request.prompt);
  // All blocks at once: a sequence that has begun can always be finished.
  std::vector<std::int32_t>& block_table = sequence->cached.block_table;
  auto allocated = allocate_blocks(
      blocks_for(sequence->max_total) - static_cast<std::int64_t>(block_table.size()), block_table);
  if (!allocated.ok()) {
    blocks_.release_all(block_table);
    return std::move(allocated).error();
  }
  sequence->id = next_id_++;
  sequence->n_prompt = n_prompt;
  sequence->cached.tokens = std::move(request.prompt);
  sequence->cached.tokens.reserve(static_cast<std::size_t>(sequence->max_total));
  sequence->stop_tokens = std::move(request.stop_tokens);
  sequence->sampling = request.sampling;
  sequences_.push_back(std::move(sequence));
  return sequences_.back()->id;
}

void Engine::cancel(SequenceId id) {
  std::erase_if(sequences_, [&](const std::unique_ptr<Sequence>& sequence) {
    if (sequence->id == id) end(*sequence);
    return sequence->id == id;
  });
}

void Engine::weights_changed() {
  SPUTNIK_ASSERT(idle());
  for (CachedTokens& ended : ended_) blocks_.release_all(ended.block_table);
  ended_.clear();
}

void Engine::plan_batch() {
  batch_.clear();
  scheduled_.clear();
  std::int64_t room = chunk_;
  for (const bool decoding : {true, false}) {
    for (const std::unique_ptr<Sequence>& sequence : sequences_) {
      const std::int64_t missing = sequence->n_missing();
      if ((missing == 1) != decoding || room == 0) continue;
      const std::int64_t n = std::min(missing, room);
      const CachedTokens& cached = sequence->cached;
      const auto tokens =
          std::span(cached.tokens)
              .subspan(static_cast<std::size_t>(cached.n_computed), static_cast<std::size_t>(n));
      batch_.add(tokens, cached.n_computed, cached.block_table, n == missing ? n - 1 : n);
      scheduled_.push_back(sequence.get());
      room -= n;
    }
  }
}

void Engine::collect(Sequence& sequence, std::span<const float> logits) {
  StepOutput& output = outputs_.emplace_back();
  output.sequence = sequence.id;
  auto sampled =
      sampler_.sample(logits, sequence.cached.tokens, sequence.n_prompt, sequence.sampling);
  if (!sampled.ok()) {
    output.finish_reason = FinishReason::kFailed;
    output.error = std::move(sampled).error();
    return;
  }
  output.token = sampled.value();
  const std::size_t n_before = top_logprobs_.size();
  top_logprobs_.insert(top_logprobs_.end(), output.token.top.begin(), output.token.top.end());
  output.token.top = std::span(top_logprobs_).subspan(n_before);  // reserved: never moves
  sequence.cached.tokens.push_back(output.token.id);
  const auto& stops = sequence.stop_tokens;
  if (std::find(stops.begin(), stops.end(), output.token.id) != stops.end()) {
    output.finish_reason = FinishReason::kStop;
  } else if (sequence.size() >= sequence.max_total) {
    output.finish_reason = FinishReason::kLength;
  }
}

std::span<const StepOutput> Engine::step() {
  outputs_.clear();
  top_logprobs_.clear();
  if (sequences_.empty()) return {};
  plan_batch();
  const Tensor logits = model_.forward(ops_, batch_);
  n_computed_tokens_ += batch_.n_tokens();
  std::int64_t row = 0;
  for (std::size_t i = 0; i < scheduled_.size(); ++i) {
    Sequence& sequence = *scheduled_[i];
    sequence.cached.n_computed += batch_.sequences[i].n_tokens;
    if (sequence.n_missing() > 0) continue;  // the prompt goes on in the next pass
    collect(sequence, {logits.row(row++), static_cast<std::size_t>(logits.dim)});
  }
  for (const StepOutput& output : outputs_) {
    if (output.finish_reason != FinishReason::kNone) cancel(output.sequence);
  }
  return outputs_;
}

Result<void> Engine::logits(std::span<const std::int32_t> tokens, LogitsCallback callback) {
  SPUTNIK_CHECK_OK(check_tokens(tokens));
  const auto n = static_cast<std::int64_t>(tokens.size());
  if (n > context_length_)
    return invalid_argument("{} tokens do not fit into the context of {}", n, context_length_);
  std::vector<std::int32_t> block_table;
  SPUTNIK_CHECK_OK(allocate_blocks(blocks_for(n), block_table));
  const std::int64_t rows =
      std::clamp<std::int64_t>(kLogitsBytes / (model_.vocab_size() * 4), 1, chunk_);
  Result<void> result;
  for (std::int64_t begin = 0; begin < n && result.ok(); begin += rows) {
    const std::int64_t size = std::min(rows, n - begin);
    batch_.clear();
    batch_.add(tokens.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(size)),
               begin, block_table, 0);
    const Tensor computed = model_.forward(ops_, batch_);
    for (std::int64_t i = 0; i < size && result.ok(); ++i)
      result = callback({computed.row(i), static_cast<std::size_t>(computed.dim)});
  }
  blocks_.release_all(block_table);
  return result;
}

}  // namespace sputnik
