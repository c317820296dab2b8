#include "server/openai/chat_messages.h"

#include <algorithm>

#include "formats/printable.h"
#include "server/common/request_parts.h"

namespace sputnik::server::openai {
namespace {

using chat::Role;
using service::ToolChoice;

Result<Role> read_role(const JsonView& message) {
  SPUTNIK_TRY(const std::string role, message.require_string("role"));
  if (role == "system" || role == "developer") return Role::kSystem;
  if (role == "user") return Role::kUser;
  if (role == "assistant") return Role::kAssistant;
  if (role == "tool") return Role::kTool;
  return invalid_argument("{}: \"{}\" is none of system, developer, user, assistant, tool",
                          message.path_of("role"), printable(role, 40));
}

Result<chat::ToolCall> read_tool_call(const JsonView& json) {
  if (!json.is_object()) return json.wrong("an object");
  chat::ToolCall call;
  SPUTNIK_TRY(const auto id, json.get_string("id"));
  call.id = id.value_or("");
  SPUTNIK_TRY(const JsonView member, json.require("function"));
  SPUTNIK_TRY(const JsonView function, member.as_object());
  SPUTNIK_TRY(call.name, function.require_string("name"));
  SPUTNIK_TRY(const JsonView arguments, function.require("arguments"));
  // A string by the API; an object is what some clients send.
  if (!arguments.is_string() && !arguments.is_object()) return arguments.wrong("a string");
  call.arguments = arguments.is_string() ? arguments.json().text : arguments.text();
  return call;
}

Result<void> read_content(const JsonView& json, chat::Message& message) {
  const auto content = json.find("content");
  if (content) {
    SPUTNIK_TRY(message.content, text_content(*content));
    return ok_result();
  }
  const bool may_be_missing = message.role == Role::kAssistant &&
                              (!message.tool_calls.empty() || !message.reasoning.empty());
  if (may_be_missing) return ok_result();
  return invalid_argument("{}: it is missing", json.path_of("content"));
}

Result<chat::Message> read_message(const JsonView& json) {
  if (!json.is_object()) return json.wrong("an object");
  chat::Message message;
  SPUTNIK_TRY(message.role, read_role(json));
  SPUTNIK_TRY(const auto name, json.get_string("name"));
  message.name = name.value_or("");
  if (message.role == Role::kAssistant) {
    SPUTNIK_TRY(auto reasoning, json.get_string("reasoning_content"));
    if (!reasoning) {
      SPUTNIK_TRY(reasoning, json.get_string("reasoning"));
    }
    message.reasoning = reasoning.value_or("");
    SPUTNIK_TRY(const auto calls, json.get_array("tool_calls"));
    for (const JsonView& call : calls) {
      SPUTNIK_TRY(chat::ToolCall read, read_tool_call(call));
      message.tool_calls.push_back(std::move(read));
    }
  }
  if (message.role == Role::kTool) {
    SPUTNIK_TRY(message.tool_call_id, json.require_string("tool_call_id"));
  }
  SPUTNIK_CHECK_OK(read_content(json, message));
  return message;
}

// The last message alone may be a beginning that the answer goes on with.
Result<bool> read_prefix(const JsonView& json, const chat::Message& message, bool is_last) {
  SPUTNIK_TRY(const auto prefix, json.get_bool("prefix"));
  if (!prefix.value_or(false)) return false;
  if (!is_last || message.role != Role::kAssistant) {
    return invalid_argument("{}: only the last message can be a prefix, and only the assistant's",
                            json.path_of("prefix"));
  }
  return true;
}

Result<service::Tool> read_tool(const JsonView& json) {
  if (!json.is_object()) return json.wrong("an object");
  SPUTNIK_TRY(const std::string type, json.require_string("type"));
  if (type != "function") {
    return unsupported("{}: \"{}\" is not function", json.path_of("type"), printable(type, 40));
  }
  SPUTNIK_TRY(const JsonView member, json.require("function"));
  SPUTNIK_TRY(const JsonView function, member.as_object());
  service::Tool tool;
  SPUTNIK_TRY(const JsonView name, function.require("name"));
  SPUTNIK_TRY(tool.name, tool_name(name));
  SPUTNIK_TRY(const auto description, function.get_string("description"));
  tool.description = description.value_or("");
  SPUTNIK_TRY(const auto parameters, function.get_object("parameters"));
  if (parameters) tool.parameters = parameters->text();
  SPUTNIK_TRY(const auto strict, function.get_bool("strict"));
  tool.strict = strict.value_or(false);
  tool.json = json.text();
  return tool;
}

Result<std::string> named_function(const JsonView& choice) {
  SPUTNIK_TRY(const JsonView member, choice.require("function"));
  SPUTNIK_TRY(const JsonView function, member.as_object());
  return function.require_string("name");
}

Result<ToolChoice> choice_of_word(const JsonView& word) {
  SPUTNIK_TRY(const std::string text, word.as_string());
  if (text == "auto") return ToolChoice{ToolChoice::Kind::kAuto, {}};
  if (text == "none") return ToolChoice{ToolChoice::Kind::kNone, {}};
  if (text == "required") return ToolChoice{ToolChoice::Kind::kRequired, {}};
  return word.error(fmt::format("\"{}\" is none of none, auto, required", printable(text, 40)));
}

// {"mode": "auto", "tools": [{"type": "function", "function": {"name": ...}}]}: the others are left
// out of the prompt.
Result<void> keep_allowed(const JsonView& allowed, service::ChatInput& input) {
  SPUTNIK_TRY(const JsonView mode, allowed.require("mode"));
  SPUTNIK_TRY(input.tool_choice, choice_of_word(mode));
  SPUTNIK_TRY(const auto tools, allowed.get_array("tools"));
  if (tools.size() > kMaxTools) return allowed.error("more names than there can be tools");
  std::vector<service::Tool> kept;
  for (const JsonView& tool : tools) {
    if (!tool.is_object()) return tool.wrong("an object");
    SPUTNIK_TRY(const std::string name, named_function(tool));
    const auto found = std::find_if(input.tools.begin(), input.tools.end(),
                                    [&](const service::Tool& t) { return t.name == name; });
    if (found == input.tools.end()) return tool.error("there is no such tool");
    kept.push_back(*found);
  }
  input.tools = std::move(kept);
  return ok_result();
}

Result<void> read_tool_choice(const JsonView& choice, service::ChatInput& input) {
  if (choice.is_string()) {
    SPUTNIK_TRY(input.tool_choice, choice_of_word(choice));
    return ok_result();
  }
  if (!choice.is_object()) return choice.wrong("a string or an object");
  SPUTNIK_TRY(const std::string type, choice.require_string("type"));
  if (type == "allowed_tools") {
    SPUTNIK_TRY(const auto allowed, choice.get_object("allowed_tools"));
    return keep_allowed(allowed.value_or(choice), input);
  }
  if (type != "function") {
    return invalid_argument("{}: \"{}\" is none of function, allowed_tools", choice.path_of("type"),
                            printable(type, 40));
  }
  input.tool_choice.kind = ToolChoice::Kind::kNamed;
  SPUTNIK_TRY(input.tool_choice.name, named_function(choice));
  return ok_result();
}

}  // namespace

Result<service::ChatInput> read_chat_input(const JsonView& body) {
  service::ChatInput input;
  SPUTNIK_TRY(const JsonView member, body.require("messages"));
  SPUTNIK_TRY(const auto messages, member.as_array());
  if (messages.empty()) return member.error("there must be at least one");
  for (std::size_t i = 0; i < messages.size(); ++i) {
    SPUTNIK_TRY(chat::Message message, read_message(messages[i]));
    SPUTNIK_TRY(input.continue_last, read_prefix(messages[i], message, i + 1 == messages.size()));
    input.messages.push_back(std::move(message));
  }
  merge_neighbours(input.messages);

  SPUTNIK_TRY(const auto tools, body.get_array("tools"));
  if (tools.size() > kMaxTools) {
    return invalid_argument("tools: {} of them, at most {} are possible", tools.size(), kMaxTools);
  }
  for (const JsonView& tool : tools) {
    SPUTNIK_TRY(service::Tool read, read_tool(tool));
    input.tools.push_back(std::move(read));
  }
  if (const auto choice = body.find("tool_choice")) {
    SPUTNIK_CHECK_OK(read_tool_choice(*choice, input));
  }
  SPUTNIK_TRY(const auto parallel, body.get_bool("parallel_tool_calls"));
  input.parallel_tool_calls = parallel.value_or(true);
  SPUTNIK_CHECK_OK(check_tools(input));
  return input;
}

}  // namespace sputnik::server::openai
