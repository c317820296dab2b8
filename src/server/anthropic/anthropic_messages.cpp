#include "server/anthropic/anthropic_messages.h"

#include "formats/printable.h"
#include "server/common/request_parts.h"

namespace sputnik::server::anthropic {
namespace {

using chat::Message;
using chat::Role;

Error unreadable(const JsonView& block, std::string_view type) {
  return unsupported("{}: a block of type \"{}\" is nothing that this model can read", block.path(),
                     printable(type, 40));
}

void append_line(std::optional<std::string>& text, const std::string& more) {
  if (text) {
    *text += "\n" + more;
  } else {
    text = more;
  }
}

Result<Message> read_tool_result(const JsonView& block) {
  Message message;
  message.role = Role::kTool;
  SPUTNIK_TRY(message.tool_call_id, block.require_string("tool_use_id"));
  std::string text;
  if (const auto content = block.find("content")) {
    SPUTNIK_TRY(text, text_content(*content));
  }
  SPUTNIK_TRY(const auto is_error, block.get_bool("is_error"));
  message.content = is_error.value_or(false) ? "Error: " + text : text;
  return message;
}

Result<void> read_user(const JsonView& content, std::vector<Message>& messages) {
  if (content.is_string()) {
    messages.push_back(chat::make_message(Role::kUser, content.json().text));
    return ok_result();
  }
  SPUTNIK_TRY(const auto blocks, content.as_array());
  if (blocks.empty()) return content.error("it is empty");
  std::optional<std::string> text;
  for (const JsonView& block : blocks) {
    if (!block.is_object()) return block.wrong("an object");
    SPUTNIK_TRY(const std::string type, block.require_string("type"));
    if (type == "text") {
      SPUTNIK_TRY(const std::string part, block.require_string("text"));
      append_line(text, part);
    } else if (type == "tool_result") {
      SPUTNIK_TRY(Message result, read_tool_result(block));
      messages.push_back(std::move(result));
    } else {
      return unreadable(block, type);
    }
  }
  if (text) messages.push_back(chat::make_message(Role::kUser, *text));
  return ok_result();
}

Result<void> read_assistant_block(const JsonView& block, Message& message) {
  if (!block.is_object()) return block.wrong("an object");
  SPUTNIK_TRY(const std::string type, block.require_string("type"));
  if (type == "text") {
    SPUTNIK_TRY(const std::string part, block.require_string("text"));
    append_line(message.content, part);
  } else if (type == "thinking") {
    SPUTNIK_TRY(const std::string thought, block.require_string("thinking"));
    message.reasoning += thought;
  } else if (type == "tool_use") {
    chat::ToolCall call;
    SPUTNIK_TRY(call.id, block.require_string("id"));
    SPUTNIK_TRY(call.name, block.require_string("name"));
    SPUTNIK_TRY(const JsonView arguments, block.require("input"));
    SPUTNIK_CHECK_OK(arguments.as_object());
    call.arguments = arguments.text();
    message.tool_calls.push_back(std::move(call));
  } else if (type != "redacted_thinking") {  // which says nothing
    return unreadable(block, type);
  }
  return ok_result();
}

Result<Message> read_assistant(const JsonView& content) {
  if (content.is_string()) return chat::make_message(Role::kAssistant, content.json().text);
  SPUTNIK_TRY(const auto blocks, content.as_array());
  Message message;
  message.role = Role::kAssistant;
  for (const JsonView& block : blocks) SPUTNIK_CHECK_OK(read_assistant_block(block, message));
  if (!message.content && message.tool_calls.empty()) message.content = "";
  return message;
}

}  // namespace

Result<void> read_messages(const JsonView& body, service::ChatInput& input) {
  if (const auto system = body.find("system")) {
    SPUTNIK_TRY(std::string text, text_content(*system));
    input.messages.push_back(chat::make_message(Role::kSystem, std::move(text)));
  }
  SPUTNIK_TRY(const JsonView member, body.require("messages"));
  SPUTNIK_TRY(const auto messages, member.as_array());
  if (messages.empty()) return member.error("there must be at least one");
  for (const JsonView& json : messages) {
    if (!json.is_object()) return json.wrong("an object");
    SPUTNIK_TRY(const std::string role, json.require_string("role"));
    SPUTNIK_TRY(const JsonView content, json.require("content"));
    if (role == "user") {
      SPUTNIK_CHECK_OK(read_user(content, input.messages));
    } else if (role == "assistant") {
      SPUTNIK_TRY(Message message, read_assistant(content));
      input.messages.push_back(std::move(message));
    } else {
      return invalid_argument("{}: \"{}\" is none of user, assistant", json.path_of("role"),
                              printable(role, 40));
    }
  }
  merge_neighbours(input.messages);
  const Message& last = input.messages.back();
  input.continue_last = last.role == Role::kAssistant && last.tool_calls.empty();
  return ok_result();
}

}  // namespace sputnik::server::anthropic
