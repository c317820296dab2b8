#include "chat/tool_calls.h"

#include <algorithm>
#include <utility>

#include "chat/families.h"
#include "chat/ordered_json.h"

namespace sputnik::chat {
namespace {

std::string json_string(std::string_view text) {
  OrderedJson json;
  json.kind = OrderedJson::Kind::kString;
  json.text = text;
  return to_python_json(json);
}

std::string tool_text(const Tool& tool) {
  if (!tool.json.empty()) return tool.json;
  std::string text = "{\"type\": \"function\", \"function\": {\"name\": " + json_string(tool.name);
  if (!tool.description.empty()) text += ", \"description\": " + json_string(tool.description);
  text += ", \"parameters\": ";
  text += tool.parameters.empty() ? "{\"type\": \"object\", \"properties\": {}}" : tool.parameters;
  return text + "}}";
}

// How one call looks, for the preamble.
std::string example_of(const ToolCallFormat& format) {
  using Kind = ToolCallFormat::Kind;
  const auto mark = [](ToolMark which) { return std::string(text_of(which)); };
  switch (format.kind) {
    case Kind::kTagged:
      return mark(ToolMark::kTaggedBegin) + "\n{\"name\": NAME, \"arguments\": {...}}\n" +
             mark(ToolMark::kTaggedEnd);
    case Kind::kDeepseekFenced:
      return mark(ToolMark::kCallsBegin) + mark(ToolMark::kCallBegin) + "function" +
             mark(ToolMark::kSeparator) + "NAME\n```json\n{...}\n```" + mark(ToolMark::kCallEnd) +
             mark(ToolMark::kCallsEnd);
    case Kind::kDeepseek:
      return mark(ToolMark::kCallsBegin) + mark(ToolMark::kCallBegin) + "NAME" +
             mark(ToolMark::kSeparator) + "{...}" + mark(ToolMark::kCallEnd) +
             mark(ToolMark::kCallsEnd);
    case Kind::kLlama:
      return "{\"name\": NAME, \"parameters\": {...}}";
  }
  return {};
}

void add_paragraph(std::string& text, std::string_view more) {
  if (!text.empty() && !more.empty()) text += "\n\n";
  text += more;
}

// R1 reads the last system message alone, so that is where the preamble goes.
void add_preamble(std::vector<Message>& messages, const std::string& preamble) {
  for (auto message = messages.rbegin(); message != messages.rend(); ++message) {
    if (message->role != Role::kSystem) continue;
    std::string text = message->content.value_or("");
    add_paragraph(text, preamble);
    message->content = std::move(text);
    return;
  }
  messages.insert(messages.begin(), make_message(Role::kSystem, preamble));
}

// Calls as what the assistant wrote, results as what the user then said.
std::vector<Message> with_calls_as_text(std::span<const Message> messages) {
  std::vector<Message> result;
  bool follows_result = false;
  for (const Message& message : messages) {
    if (message.role == Role::kTool) {
      const std::string text =
          "<tool_response>\n" + message.content.value_or("") + "\n</tool_response>";
      if (follows_result) {
        *result.back().content += "\n" + text;
      } else {
        result.push_back(make_message(Role::kUser, text));
      }
      follows_result = true;
      continue;
    }
    follows_result = false;
    result.push_back(message);
    if (message.tool_calls.empty()) continue;
    std::string text = message.content.value_or("");
    for (const ToolCall& call : message.tool_calls) {
      if (!text.empty()) text += "\n";
      text += std::string(text_of(ToolMark::kTaggedBegin)) + "\n" + tagged_call(call) + "\n" +
              std::string(text_of(ToolMark::kTaggedEnd));
    }
    result.back().content = std::move(text);
    result.back().tool_calls.clear();
  }
  return result;
}

// V3's template drops calls that stand beside a content.
std::vector<Message> with_calls_alone(std::span<const Message> messages) {
  std::vector<Message> result;
  for (const Message& message : messages) {
    result.push_back(message);
    if (message.role != Role::kAssistant || message.tool_calls.empty()) continue;
    if (message.content.has_value() && !message.content->empty()) {
      result.back().tool_calls.clear();
      result.push_back(message);
    }
    result.back().content.reset();
  }
  return result;
}

}  // namespace

std::string_view text_of(ToolMark mark) {
  switch (mark) {
    case ToolMark::kTaggedBegin:
      return "<tool_call>";
    case ToolMark::kTaggedEnd:
      return "</tool_call>";
    case ToolMark::kCallsBegin:
      return "<｜tool▁calls▁begin｜>";
    case ToolMark::kCallsEnd:
      return "<｜tool▁calls▁end｜>";
    case ToolMark::kCallBegin:
      return "<｜tool▁call▁begin｜>";
    case ToolMark::kCallEnd:
      return "<｜tool▁call▁end｜>";
    case ToolMark::kSeparator:
      return "<｜tool▁sep｜>";
    case ToolMark::kPythonTag:
      return "<|python_tag|>";
  }
  return {};
}

std::vector<ToolMark> opening_marks() {
  return {ToolMark::kTaggedBegin, ToolMark::kCallsBegin, ToolMark::kCallBegin,
          ToolMark::kPythonTag};
}

std::vector<std::int32_t> ToolCallFormat::ids() const {
  std::vector<std::int32_t> ids;
  for (const auto& id : mark_ids) {
    if (id) ids.push_back(*id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

ToolCallFormat tool_call_format(const ChatTemplate& chat_template, const Tokenizer& tokenizer) {
  using Kind = ToolCallFormat::Kind;
  ToolCallFormat format;
  const std::string_view name = chat_template.name();
  if (name == "qwen2.5") {
    format.template_describes_tools = format.template_writes_calls = true;
  } else if (name == "llama-3.1-tools") {
    format.kind = Kind::kLlama;
    format.template_describes_tools = format.template_writes_calls = true;
    format.parallel = false;
  } else if (name == "deepseek-v3.1") {
    format.kind = Kind::kDeepseek;
    format.template_writes_calls = true;
  } else if (name == "deepseek-v3" || name == "deepseek-v3-0324" || name == "deepseek-r1-0528") {
    format.kind = Kind::kDeepseekFenced;
    format.template_writes_calls = true;
  }
  for (int i = 0; i < kNumToolMarks; ++i) {
    const auto id = tokenizer.id_of(text_of(static_cast<ToolMark>(i)));
    if (id && tokenizer.is_control(*id)) format.mark_ids[i] = id;
  }
  return format;
}

std::string tool_preamble(const ToolCallFormat& format, std::span<const Tool> tools) {
  if (tools.empty()) return {};
  std::string text =
      "# Tools\n\nYou can call these functions. Each line is one of them, as JSON:\n";
  for (const Tool& tool : tools) text += tool_text(tool) + "\n";
  text +=
      "\nTo call a function, write exactly this and nothing after it, with the function's name and "
      "its arguments as JSON:\n" +
      example_of(format) + "\n";
  if (format.parallel) text += "Several calls may follow one another. ";
  return text + "The results will be given to you. Call functions only where they help.";
}

std::vector<Message> messages_with_tools(const ToolCallFormat& format,
                                         std::span<const Message> messages,
                                         std::span<const Tool> tools) {
  std::vector<Message> result;
  if (!format.template_writes_calls) {
    result = with_calls_as_text(messages);
  } else if (format.kind == ToolCallFormat::Kind::kDeepseekFenced) {
    result = with_calls_alone(messages);
  } else {
    result.assign(messages.begin(), messages.end());
  }
  if (!format.template_describes_tools && !tools.empty())
    add_preamble(result, tool_preamble(format, tools));
  return result;
}

std::vector<std::string> tool_texts(std::span<const Tool> tools) {
  std::vector<std::string> texts;
  for (const Tool& tool : tools) texts.push_back(tool_text(tool));
  return texts;
}

std::string tagged_call(const ToolCall& call) {
  return "{\"name\": " + json_string(call.name) + ", \"arguments\": " + arguments_as_json(call) +
         "}";
}

}  // namespace sputnik::chat
