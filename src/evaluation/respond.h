// Many questions through an engine at once, and what a model said to each, taken apart.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/thread_pool.h"
#include "chat/template.h"
#include "engine/engine.h"
#include "tokenizer/tokenizer.h"

namespace sputnik::evaluation {

struct Question {
  std::string_view text;  // what a user says
  std::uint64_t seed = 0;
};

struct Response {
  std::string thought;                // without its marks
  std::string answer;                 // what stands behind the thought
  std::int64_t n_thought_tokens = 0;  // the marks that it wrote included
  std::int64_t n_answer_tokens = 0;   // the token that ended it included
  bool truncated = false;             // by max_tokens, or the end of the context
  // It thought, closed the thought, answered and ended by itself; and there is no mark of thoughts
  // in its answer.
  bool well_formed = false;

  std::int64_t n_tokens() const { return n_thought_tokens + n_answer_tokens; }
};

struct RespondOptions {
  std::int64_t max_tokens = 512;                   // of a response, thought and answer
  SamplingParams sampling;                         // the seed is each question's own
  bool thinking = true;                            // for templates that can do both
  const std::atomic<bool>* interrupted = nullptr;  // looked at after every forward pass

  RespondOptions() { sampling.temperature = 0; }
};

// Whether a model that is asked with this template can think in tokens of its own; if not, no
// response is well formed.
bool can_think(const Tokenizer& tokenizer, const chat::ChatTemplate& chat_template);

// Tokens of a question as the model reads it.
Result<std::int64_t> n_prompt_tokens(const Tokenizer& tokenizer,
                                     const chat::ChatTemplate& chat_template, std::string_view text,
                                     bool thinking);

// Puts every question to the model and calls done(index, response) as responses end, in whatever
// order. As many sequences run at once as the engine's cache and its max_sequences allow; what is
// said does not depend on that, bit for bit. The engine must be idle; it is idle afterwards,
// whatever happened.
// kCancelled: interrupted. kInvalidArgument: a question that leaves no room in the context (the
// message names it). kCorrupt: the model computes no numbers. An error of done ends it.
using ResponseCallback = FunctionRef<Result<void>(std::size_t, const Response&)>;
Result<void> respond(Engine& engine, const Tokenizer& tokenizer,
                     const chat::ChatTemplate& chat_template, std::span<const Question> questions,
                     const RespondOptions& options, ResponseCallback done);

}  // namespace sputnik::evaluation
