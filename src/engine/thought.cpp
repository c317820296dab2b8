#include "engine/thought.h"

#include <algorithm>
#include <utility>

namespace sputnik {

ThoughtTracker::ThoughtTracker(ThoughtOptions options) : options_(std::move(options)) {
  if (!options_.end_id) {
    phase_ = Phase::kAnswer;
  } else if (options_.starts_in_thought) {
    phase_ = Phase::kThought;
  } else {
    phase_ = options_.begin_id ? Phase::kUndecided : Phase::kAnswer;
  }
  if (!options_.end_id) return;
  auto& closing = options_.closing;
  if (std::find(closing.begin(), closing.end(), *options_.end_id) == closing.end())
    closing = {*options_.end_id};
  mark_at_ = std::find(closing.begin(), closing.end(), *options_.end_id) - closing.begin();
  n_closing_thought_ = mark_at_ + 1;
}

void ThoughtTracker::feed(std::int32_t token) {
  if (phase_ == Phase::kUndecided) {
    phase_ = token == *options_.begin_id ? Phase::kThought : Phase::kAnswer;
    return;
  }
  if (phase_ != Phase::kThought) return;
  ++n_thought_;
  if (token == *options_.end_id) phase_ = Phase::kAnswer;
}

ThoughtClosed ThoughtTracker::must_close(bool looping) const {
  if (phase_ != Phase::kThought) return ThoughtClosed::kNot;
  if (asked_) return ThoughtClosed::kAskedFor;
  if (options_.budget >= 0) {
    // The words where they fill the budget, otherwise the mark as its last token.
    const std::int64_t left = options_.budget - n_thought_;
    if (left == n_closing_thought_ || left <= 1) return ThoughtClosed::kBudget;
  }
  return looping ? ThoughtClosed::kRepetition : ThoughtClosed::kNot;
}

std::span<const std::int32_t> ThoughtTracker::closing(ThoughtClosed why) const {
  const std::span<const std::int32_t> all = options_.closing;
  if (why == ThoughtClosed::kBudget && options_.budget - n_thought_ < n_closing_thought_)
    return all.subspan(static_cast<std::size_t>(mark_at_));
  return all;
}

}  // namespace sputnik
