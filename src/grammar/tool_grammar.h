// What an answer may be when there are tools: text, calls, or both, in the form of the family.
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "chat/tool_calls.h"
#include "grammar/constraint.h"

namespace sputnik::grammar {

struct ToolChoice {
  enum class Kind {
    kAuto,      // text, calls, or text and then calls
    kRequired,  // one call or more
    kNamed,     // one call of the tool `name`
  };
  Kind kind = Kind::kAuto;
  std::string name;
};

// Arguments satisfy the tool's schema where the tool is strict or the choice forces a call, and are
// any JSON object otherwise. A schema that is not supported is an error for a strict tool; a forced
// call of another one has any object as its arguments. What this allows, chat::ToolCallParser reads
// as calls of these tools and nothing else.
//
// kInvalidArgument: no tools, a name that is none, an unknown name in the choice, a schema that is
// none. Errors name the tool.
Result<GrammarPtr> tool_call_grammar(const chat::ToolCallFormat& format,
                                     std::span<const chat::Tool> tools, const ToolChoice& choice,
                                     bool parallel);

}  // namespace sputnik::grammar
