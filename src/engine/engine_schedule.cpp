// Which sequences run, and what the next forward pass computes.
#include <algorithm>
#include <limits>

#include "engine/sequence.h"

namespace sputnik {
namespace {

std::int64_t common_prefix(std::span<const std::int32_t> a, std::span<const std::int32_t> b) {
  const std::size_t n = std::min(a.size(), b.size());
  return std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(n), b.begin()).first -
         a.begin();
}

}  // namespace

// By priority, then by who was served less, then by who came first.
bool Engine::goes_before(const Sequence& a, const Sequence& b) const {
  if (a.background != b.background) return b.background;
  if (a.priority != b.priority) return a.priority > b.priority;
  if (a.tenant != b.tenant) {
    const double of_a = share_.served(a.tenant), of_b = share_.served(b.tenant);
    if (of_a != of_b) return of_a < of_b;
  }
  return a.id < b.id;
}

// Another sequence is reading a prompt that begins as this one does: better to wait and take its
// blocks than to compute the same twice.
bool Engine::shares_unread_prompt(const Sequence& sequence) const {
  std::int64_t cached = -1;
  for (const SequencePtr& other : running_) {
    if (other->decoding || other->salt != sequence.salt) continue;
    const std::int64_t common = common_prefix(other->tokens, sequence.tokens);
    if (common < kBlockTokens) continue;
    if (cached < 0) cached = cache_.match_length(sequence.salt, sequence.tokens);
    if (common / kBlockTokens > cached / kBlockTokens) return true;
  }
  return false;
}

// The one of the waiting sequences whose turn it is, apart from those that were passed over.
Engine::Sequence* Engine::next_waiting(std::vector<Sequence*>& passed_over) {
  for (;;) {
    Sequence* best = nullptr;
    for (const SequencePtr& sequence : waiting_) {
      if (std::find(passed_over.begin(), passed_over.end(), sequence.get()) != passed_over.end())
        continue;
      if (best == nullptr || goes_before(*sequence, *best)) best = sequence.get();
    }
    if (best == nullptr || !shares_unread_prompt(*best)) return best;
    passed_over.push_back(best);
  }
}

void Engine::admit() {
  // What is done in passing makes room for what somebody waits for.
  const auto in_passing = [](const SequencePtr& s) { return s->background; };
  if (!std::all_of(waiting_.begin(), waiting_.end(), in_passing)) {
    const auto it = std::find_if(running_.begin(), running_.end(), in_passing);
    if (it != running_.end()) preempt(**it);
  }
  order_.clear();  // those passed over
  while (!waiting_.empty() && static_cast<std::int64_t>(running_.size()) < max_sequences_) {
    Sequence* const next = next_waiting(order_);
    if (next == nullptr) return;
    if (next->background && !running_.empty()) return;
    const bool begins = find_cached(*next);
    const std::int64_t needed =
        blocks_for(next->size() + 1) - static_cast<std::int64_t>(next->block_table.size());
    if (!begins || (needed > n_free_blocks() && !running_.empty())) {
      release(*next);
      return;  // whoever comes later waits too, or a long prompt would never get its turn
    }
    if (next->n_hits < 0 && !next->loading) {
      next->n_hits = std::min(next->n_computed, next->n_prompt) / kBlockTokens * kBlockTokens;
      stats_.n_cache_hit_tokens += next->n_hits;
    }
    const auto it = std::find_if(waiting_.begin(), waiting_.end(),
                                 [&](const SequencePtr& s) { return s.get() == next; });
    running_.push_back(std::move(*it));
    waiting_.erase(it);
  }
}

// Blocks for the first n_tokens. Takes them from others where there are none: from sequences that
// come after this one and are not in the pass that is planned. False: there is nobody to take from.
bool Engine::grow(Sequence& sequence, std::int64_t n_tokens) {
  while (static_cast<std::int64_t>(sequence.block_table.size()) < blocks_for(n_tokens)) {
    if (allocate_block(sequence.block_table)) continue;
    Sequence* victim = nullptr;
    for (const SequencePtr& other : running_) {
      if (other.get() == &sequence || other->block_table.empty()) continue;
      const bool is_planned =
          std::any_of(scheduled_.begin(), scheduled_.end(),
                      [&](const Scheduled& s) { return s.sequence == other.get(); });
      if (is_planned || goes_before(*other, sequence)) continue;
      if (victim == nullptr || goes_before(*victim, *other)) victim = other.get();
    }
    if (victim == nullptr) return false;
    preempt(*victim);
  }
  return true;
}

// Back to the queue. What it has computed stays in the cache for as long as nobody needs the room.
void Engine::preempt(Sequence& sequence) {
  ++stats_.n_preemptions;
  keep_partial(sequence);
  release(sequence);
  sequence.drafted.clear();
  sequence.decoding = false;
  const auto it = std::find_if(running_.begin(), running_.end(),
                               [&](const SequencePtr& s) { return s.get() == &sequence; });
  const auto place = std::find_if(waiting_.begin(), waiting_.end(),
                                  [&](const SequencePtr& s) { return s->id > sequence.id; });
  waiting_.insert(place, std::move(*it));
  running_.erase(it);
}

// Guesses of what comes next, for this pass to check.
void Engine::draft(Sequence& sequence) {
  sequence.drafted.clear();
  if (!speculate_ || sequence.n_missing() != 1) return;
  // A constraint decides token by token.
  if (sequence.constraint && !sequence.thought.in_thought()) return;
  const std::int64_t room = sequence.max_total - sequence.size() - 1;
  if (room <= 0) return;
  const double share =
      pace_.decode_cost().share_of_a_row(static_cast<std::int64_t>(running_.size()));
  const std::int64_t n = std::min(room, sequence.lookup_length.choose(share));
  if (n > 0) lookup_draft(sequence.tokens, n, sequence.drafted);
  sequence.drafted_by_module = false;
  if (!sequence.drafted.empty() || sequence.module_draft < 0) return;
  if (sequence.module_length.choose(share) == 0) return;
  sequence.drafted.push_back(sequence.module_draft);
  sequence.drafted_by_module = true;
}

void Engine::plan_decoding(Sequence& sequence, std::int64_t& room) {
  draft(sequence);
  if (static_cast<std::int64_t>(sequence.drafted.size()) + 1 > room) sequence.drafted.clear();
  if (!sequence.drafted.empty() &&
      !grow(sequence, sequence.size() + static_cast<std::int64_t>(sequence.drafted.size())))
    sequence.drafted.clear();
  const std::int64_t n_known = std::min(sequence.n_missing(), room);
  if (!grow(sequence, sequence.n_computed + n_known)) return;
  rows_.assign(sequence.tokens.begin() + sequence.n_computed,
               sequence.tokens.begin() + sequence.n_computed + n_known);
  rows_.insert(rows_.end(), sequence.drafted.begin(), sequence.drafted.end());
  batch_.add(rows_, sequence.n_computed, sequence.block_table,
             n_known == sequence.n_missing() ? n_known - 1 : n_known);
  scheduled_.push_back({&sequence, n_known});
  room -= static_cast<std::int64_t>(rows_.size());
  n_decode_rows_ += static_cast<std::int64_t>(rows_.size());
}

void Engine::plan_batch() {
  batch_.clear();
  scheduled_.clear();
  n_decode_rows_ = n_prompt_rows_ = 0;
  for (const SequencePtr& sequence : running_) {
    if (!sequence->loading) continue;
    sequence->loading = load_from_disk(*sequence);
    if (sequence->loading || sequence->n_hits >= 0) continue;
    sequence->n_hits =
        std::min(sequence->n_computed, sequence->n_prompt) / kBlockTokens * kBlockTokens;
    stats_.n_cache_hit_tokens += sequence->n_hits;
  }

  const auto collect_running = [&](bool decoding) {
    order_.clear();
    for (const SequencePtr& sequence : running_)
      if (sequence->decoding == decoding && !sequence->loading) order_.push_back(sequence.get());
    std::sort(order_.begin(), order_.end(),
              [this](const Sequence* a, const Sequence* b) { return goes_before(*a, *b); });
  };
  // A sequence may be sent back to the queue by one that comes before it.
  const auto still_runs = [&](const Sequence* sequence) {
    return std::any_of(running_.begin(), running_.end(),
                       [&](const SequencePtr& s) { return s.get() == sequence; });
  };

  std::int64_t room = chunk_;
  collect_running(/*decoding=*/true);
  for (Sequence* const sequence : order_)
    if (room > 0 && still_runs(sequence)) plan_decoding(*sequence, room);

  if (!scheduled_.empty()) room = std::min(room, pace_.tokens(chunk_));
  collect_running(/*decoding=*/false);
  for (Sequence* const sequence : order_) {
    if (room <= 0) break;
    if (!still_runs(sequence) || (sequence->background && !scheduled_.empty())) continue;
    const std::int64_t missing = sequence->n_missing();
    const std::int64_t n = std::min(missing, room);
    if (!grow(*sequence, sequence->n_computed + n)) continue;
    const auto tokens =
        std::span(sequence->tokens)
            .subspan(static_cast<std::size_t>(sequence->n_computed), static_cast<std::size_t>(n));
    const bool wants_logits = n == missing && !sequence->prefill_only;
    batch_.add(tokens, sequence->n_computed, sequence->block_table, wants_logits ? n - 1 : n);
    scheduled_.push_back({sequence, n});
    room -= n;
    n_prompt_rows_ += n;
  }
}

}  // namespace sputnik
