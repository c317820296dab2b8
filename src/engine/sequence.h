// Private to Engine: a sequence and how far it has come.
#pragma once

#include "engine/engine.h"
#include "engine/loop_detector.h"
#include "engine/speculation.h"

namespace sputnik {

struct Engine::Sequence {
  explicit Sequence(ThoughtOptions options) : thought(std::move(options)) {}

  SequenceId id = 0;
  std::vector<std::int32_t> tokens;  // prompt and answer
  std::int64_t n_prompt = 0;
  std::int64_t max_total = 0;  // tokens: prompt, max_tokens and context considered
  std::vector<std::int32_t> stop_tokens;
  SamplingParams sampling;
  ThoughtTracker thought;
  std::shared_ptr<TokenConstraint> constraint;
  std::unique_ptr<LoopDetector> loops;
  bool prefill_only = false, background = false, keep_off_disk = false;
  int priority = 0;
  std::uint64_t tenant = 0, salt = 0;

  // In the cache.
  std::vector<std::int32_t> block_table;
  std::int64_t n_computed = 0;   // the first so many of tokens
  std::int64_t n_published = 0;  // of these, in full blocks that the prefix cache knows
  std::int64_t n_hits = -1;      // see SequenceState::n_cache_hits
  bool loading = false;          // more of it lies on disk

  bool decoding = false;  // the prompt has been read
  bool finished = false;
  std::vector<std::int32_t> drafted;  // guesses behind tokens in this pass
  std::int32_t module_draft = -1;     // the prediction module's guess of the next token
  DraftLength lookup_length, module_length;
  bool drafted_by_module = false;

  std::int64_t size() const { return static_cast<std::int64_t>(tokens.size()); }
  std::int64_t n_missing() const { return size() - n_computed; }
  std::int32_t last_node() const {
    return n_published == 0 ? PrefixCache::kRoot : block_table[n_published / kBlockTokens - 1];
  }
  // Templates leave thoughts out when a conversation goes on: nobody will look for what comes after
  // the prompt of an answer that was thought about.
  std::int64_t n_worth_storing() const {
    return thought.in_thought() || thought.n_thought_tokens() > 0 ? n_prompt : size();
  }
};

}  // namespace sputnik
