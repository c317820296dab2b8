// How models are told of tools, and how they call them. docs/formats/tool-calls.md shows each form.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "chat/message.h"
#include "chat/template.h"
#include "tokenizer/tokenizer.h"

namespace sputnik::chat {

struct Tool {
  std::string name;
  std::string description;
  std::string parameters;  // JSON Schema as JSON text; empty: no parameters
  bool strict = false;     // arguments must satisfy the schema
  // The whole tool as templates print it, {"type": "function", "function": {...}}; empty: made of
  // the rest.
  std::string json;
};

// What the parts of a call are set off with.
enum class ToolMark {
  kTaggedBegin,  // <tool_call>
  kTaggedEnd,    // </tool_call>
  kCallsBegin,   // <｜tool▁calls▁begin｜>, and so on
  kCallsEnd,
  kCallBegin,
  kCallEnd,
  kSeparator,
  kPythonTag,  // <|python_tag|>
};
constexpr int kNumToolMarks = 8;
std::string_view text_of(ToolMark mark);

struct ToolCallFormat {
  enum class Kind {
    kTagged,          // <tool_call>{"name": N, "arguments": A}</tool_call>
    kDeepseekFenced,  // V3, V3-0324, R1-0528: the arguments in a fenced block
    kDeepseek,        // V3.1
    kLlama,           // the whole answer is {"name": N, "parameters": A}
  };
  Kind kind = Kind::kTagged;
  // The family's template describes the tools. Otherwise messages_with_tools() does.
  bool template_describes_tools = false;
  // The template writes earlier calls and what came of them. Otherwise messages_with_tools() does.
  bool template_writes_calls = false;
  bool parallel = true;  // an answer may hold several calls
  // The marks that are control tokens of this vocabulary; the others are spelled.
  std::optional<std::int32_t> mark_ids[kNumToolMarks];

  std::optional<std::int32_t> id_of(ToolMark mark) const {
    return mark_ids[static_cast<int>(mark)];
  }
  // All of them, sorted: ReasoningOptions::mark_ids.
  std::vector<std::int32_t> ids() const;
};

// Every family has one: a family whose template knows no tools gets kTagged.
ToolCallFormat tool_call_format(const ChatTemplate& chat_template, const Tokenizer& tokenizer);

// Marks with which a call of any form begins. Ordinary text of an answer contains none of them.
std::vector<ToolMark> opening_marks();

// What a model is told that does not know the tools from its template. "" without tools.
std::string tool_preamble(const ToolCallFormat& format, std::span<const Tool> tools);

// The conversation as the family's template can render it: the preamble in the system's message,
// calls and their results as text, as far as the template does not do these things itself.
std::vector<Message> messages_with_tools(const ToolCallFormat& format,
                                         std::span<const Message> messages,
                                         std::span<const Tool> tools);

// For templates that describe tools: their JSON texts.
std::vector<std::string> tool_texts(std::span<const Tool> tools);

// {"name": N, "arguments": A}, as kTagged writes it.
std::string tagged_call(const ToolCall& call);

}  // namespace sputnik::chat
