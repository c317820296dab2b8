// An answer while it comes: a list of events that only grows, which any number of clients may read
// from any place.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sputnik::service {

struct TokenChance {
  std::int32_t id = -1;
  std::string bytes;  // need not be UTF-8
  float logprob = 0;
};

struct TokenLogprobs {
  TokenChance token;
  std::vector<TokenChance> top;  // descending
};

enum class Finish {
  kStop,         // the model ended its answer, or a stop string came
  kLength,       // max_tokens or the context
  kToolCalls,    // the answer is calls of tools
  kRepetition,   // it repeated itself without end, and was ended
  kCancelled,    // by somebody, or because nobody listened
  kVoteDecided,  // the other answers had settled the vote
  kFailed,       // Event::error
};
const char* to_string(Finish finish);
std::optional<Finish> finish_of(std::string_view text);  // the other way round

// DeepSeek's accounting: prompt_tokens = hit + miss, hits in units of 64.
struct Usage {
  std::int64_t prompt_cache_hit_tokens = 0;
  std::int64_t prompt_cache_miss_tokens = 0;
  std::int64_t completion_tokens = 0;  // of all answers, thoughts included
  std::int64_t reasoning_tokens = 0;   // of these

  std::int64_t prompt_tokens() const { return prompt_cache_hit_tokens + prompt_cache_miss_tokens; }
  std::int64_t total_tokens() const { return prompt_tokens() + completion_tokens; }
};

// How long things took, in milliseconds.
struct Timing {
  double queued_ms = 0;
  double prompt_ms = 0;      // from its beginning to the first token
  double generation_ms = 0;  // from the first token to the last
};

struct VoteResult {
  std::string answer;  // normalised, as counted; empty: no answer could be extracted
  int n_votes = 0;     // for it
  int n_counted = 0;   // answers that had one
  int choice = 0;      // the first that agrees: the answer to show
};

// Why a thought ended other than by the model's own will.
enum class ThoughtEnd { kBudget, kAskedFor, kRepetition };
const char* to_string(ThoughtEnd end);

struct Event {
  enum class Kind {
    kProgress,       // of reading the prompt: n_done of n_total tokens; not numbered
    kReasoning,      // text
    kContent,        // text
    kThoughtEnded,   // thought_end: somebody or something closed the thought
    kToolCall,       // a call begins: tool_index, tool_id, text = its name
    kToolArguments,  // tool_index, text = a piece of its arguments
    kFinished,       // of one choice: finish, stop_string
    kDone,           // of the whole generation: usage, timing, receipt, vote. The last event
    kFailed,         // error. The last event, instead of kDone
  };
  Kind kind = Kind::kContent;
  int choice = 0;
  std::string text;
  std::vector<TokenLogprobs> logprobs;  // of the tokens that this text is made of, if asked for
  int tool_index = 0;
  std::string tool_id;
  ThoughtEnd thought_end = ThoughtEnd::kBudget;
  Finish finish = Finish::kStop;
  std::string stop_string;  // the one that ended it
  std::int64_t n_done = 0, n_total = 0;
  std::optional<Error> error;
};

// Of everything that can be known before the first token.
struct GenerationInfo {
  std::string id;              // unguessable; whoever knows it may read and end this generation
  std::string model;           // what is really loaded
  std::int64_t created_s = 0;  // Unix time
  std::string fingerprint;     // of model, template and kernels: equal fingerprints, equal answers
  std::int64_t n_prompt_tokens = 0;
};

// Any thread may call any function.
class Generation {
 public:
  virtual ~Generation() = default;

  virtual const GenerationInfo& info() const = 0;

  // Events from number `from` on, appended to out; event i is the same whoever asks, and whenever.
  // Returns the number to ask for next. Text of neighbouring events may be joined by the reader.
  virtual std::size_t events(std::size_t from, std::vector<Event>& out) const = 0;
  // The last event has come.
  virtual bool finished() const = 0;

  // What is known so far; final when finished.
  virtual Usage usage() const = 0;
  virtual Timing timing() const = 0;
  virtual std::optional<VoteResult> vote() const = 0;
  // JSON text by which `sputnik replay` computes the answer again. Only when finished.
  virtual std::string receipt() const = 0;
  // Phase and numbers for people: queue position (-1: not queued), tokens of the prompt read.
  struct Progress {
    std::int64_t queue_position = -1;
    std::int64_t prompt_done = 0, prompt_total = 0;
    std::int64_t n_tokens = 0;  // generated, all answers
    bool thinking = false;      // of the first answer
  };
  virtual Progress progress() const = 0;

  // wake is called, from the engine's thread, soon after something has changed, until the
  // subscription is dropped; after that, never. It must not block or call back into Generation.
  class Subscription {
   public:
    virtual ~Subscription() = default;
  };
  virtual std::unique_ptr<Subscription> subscribe(std::function<void()> wake) = 0;

  // A listener that counts: when the last of them is dropped, a generation that is not detached
  // is cancelled.
  virtual std::shared_ptr<void> attach() = 0;

  // All take effect before the next token.
  virtual void cancel() = 0;
  virtual void set_thinking_budget(std::int64_t tokens) = 0;  // of thoughts that still go on
  virtual void answer_now() = 0;                              // closes thoughts that still go on
};

}  // namespace sputnik::service
