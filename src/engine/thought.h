// Where in its answer a sequence is: in the thought or behind it, and when the thought must end.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace sputnik {

struct ThoughtOptions {
  // Ids of the marks. Without end_id a sequence has no thought.
  std::optional<std::int32_t> begin_id, end_id;
  bool starts_in_thought = false;  // the prompt has opened it
  // Most tokens of the thought, its closing mark included; -1: no limit.
  std::int64_t budget = -1;
  // What is written when a thought is closed from outside: some words, end_id, and the line breaks
  // that the family puts behind it. Without it: end_id alone.
  std::vector<std::int32_t> closing;
};

enum class ThoughtClosed {
  kNot,  // by the model itself, or not at all
  kBudget,
  kAskedFor,
  kRepetition,  // it went round in circles
};

// Follows a sequence token by token. A thought is at the beginning or nowhere, and the first
// closing mark ends it: the rules of chat::ReasoningParser.
class ThoughtTracker {
 public:
  explicit ThoughtTracker(ThoughtOptions options);

  void feed(std::int32_t token);

  bool in_thought() const { return phase_ == Phase::kThought; }
  // A thought may begin with the next token.
  bool undecided() const { return phase_ == Phase::kUndecided; }
  std::optional<std::int32_t> begin_id() const { return options_.begin_id; }
  std::optional<std::int32_t> end_id() const { return options_.end_id; }
  std::int64_t n_thought_tokens() const { return n_thought_; }

  void set_budget(std::int64_t tokens) { options_.budget = tokens; }
  void ask_to_close() { asked_ = true; }

  // Whether the thought must be closed now, and why. looping: the thought repeats itself.
  ThoughtClosed must_close(bool looping) const;
  // The tokens to write then. Within the budget wherever it leaves room for one token.
  std::span<const std::int32_t> closing(ThoughtClosed why) const;

 private:
  enum class Phase { kUndecided, kThought, kAnswer };

  ThoughtOptions options_;
  Phase phase_;
  std::int64_t n_thought_ = 0;
  std::int64_t n_closing_thought_ = 0;  // of closing, up to the mark: what counts as thought
  std::int64_t mark_at_ = 0;            // in closing
  bool asked_ = false;
};

}  // namespace sputnik
