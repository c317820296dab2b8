// What anybody may ask of a model, whatever protocol they speak. Protocols translate into this and
// back; no field is theirs alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "chat/message.h"

namespace sputnik::service {

// Values that a client left out stay empty: the service fills in what suits the model.
struct SamplingRequest {
  std::optional<float> temperature, top_p, min_p;
  std::optional<std::int32_t> top_k;
  std::optional<float> frequency_penalty, presence_penalty, repetition_penalty;
  std::optional<std::uint64_t> seed;  // otherwise a random one, which the receipt names
  bool logprobs = false;
  int top_logprobs = 0;  // 0..20
};

// How long an answer may be thought about. Tokens of the thought, its closing mark included, are
// never more than the budget.
struct ThinkingRequest {
  std::optional<bool> enabled;         // otherwise as the model's family does by itself
  std::optional<std::int64_t> budget;  // tokens; otherwise what max_tokens and the context leave
};

struct Tool {
  std::string name;
  std::string description;
  std::string parameters;  // JSON Schema as JSON text; empty: an object without properties
  bool strict = false;     // arguments are constrained to the schema
  // The whole tool as the client sent it, in the form {"type":"function","function":{...}}, with
  // its keys in the client's order: what templates print.
  std::string json;
};

struct ToolChoice {
  enum class Kind { kAuto, kNone, kRequired, kNamed };
  Kind kind = Kind::kAuto;
  std::string name;  // kNamed
};

// What the answer, never the thought, must look like.
struct ResponseFormat {
  enum class Kind { kText, kJsonObject, kJsonSchema, kRegex, kGrammar };
  Kind kind = Kind::kText;
  std::string text;  // the schema as JSON text, the regular expression or the grammar
};

struct ChatInput {
  std::vector<chat::Message> messages;
  std::vector<Tool> tools;
  ToolChoice tool_choice;
  bool parallel_tool_calls = true;
  // The last message is the assistant's and is to be gone on with: its content if it has any,
  // otherwise its reasoning.
  bool continue_last = false;
};

// A text to go on with, without a chat template.
struct CompletionInput {
  std::string prompt;
  std::optional<std::string> suffix;  // what is to follow: the middle is asked for
  std::vector<std::int32_t> tokens;   // instead of prompt, if not empty
  bool echo = false;                  // the answer's text begins with the prompt
};

// Several answers to one prompt, computed together, and the one that most of them agree on.
struct VoteRequest {
  bool early_stop = true;  // end the others as soon as they cannot change the outcome
};

struct GenerateRequest {
  std::variant<ChatInput, CompletionInput> input;
  std::string model;  // as the client named it: an alias or the model's own name
  SamplingRequest sampling;
  ThinkingRequest thinking;
  std::int64_t max_tokens = -1;   // thought included; -1: as many as the context holds
  std::vector<std::string> stop;  // looked for in the answer, not in the thought
  ResponseFormat format;
  int n = 1;  // answers, 1..64. Each with its own seed: seed + index
  std::optional<VoteRequest> vote;
  std::string user;    // who asks: what is cached for one is never reused for another
  std::string key_id;  // of the API key: who shares fairly with whom, and whose limits are spent
  int priority = 0;    // higher goes first; -10..10
  bool keep_off_disk = false;  // nothing of it may be written anywhere
  bool detached = false;       // goes on when nobody listens any more
};

}  // namespace sputnik::service
