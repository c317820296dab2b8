// A request -> what the engine is given and how its tokens are to be read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "chat/reasoning_parser.h"
#include "chat/stop_strings.h"
#include "chat/tool_calls.h"
#include "engine/engine.h"
#include "grammar/constraint.h"
#include "service/request.h"
#include "service/served_model.h"

namespace sputnik::service {

struct Prepared {
  std::vector<std::int32_t> prompt;
  chat::ReasoningOptions parsing;  // of the answer
  chat::StopStrings stop;
  ThoughtOptions thought;
  SamplingParams sampling;  // of the first answer; the others count the seed up
  std::vector<std::int32_t> stop_tokens;
  grammar::GrammarPtr grammar;  // null: anything may be written
  std::int64_t max_tokens = -1;
  std::string echo;                                 // text that comes before the answer's own
  std::optional<chat::ToolCallFormat> tool_format;  // the answer may call tools
  bool detect_loops = false;

  // What the engine is to do for answer number `choice`.
  GenerationRequest engine_request(const ServedModel& model, int choice) const;
};

// sampling.seed must have been chosen. kInvalidArgument: names the field, or the numbers of a
// prompt that does not fit; kUnsupported: the model cannot do that.
Result<Prepared> prepare(const ServedModel& model, const GenerateRequest& request);

// The conversation as its next turn's prompt will begin: with this answer and without its thought.
// Empty if nothing is gained by computing it beforehand.
Result<std::vector<std::int32_t>> prompt_with_answer(const ServedModel& model,
                                                     const GenerateRequest& request,
                                                     const std::string& answer);

}  // namespace sputnik::service
