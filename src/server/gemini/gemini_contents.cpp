#include "server/gemini/gemini_contents.h"

#include <algorithm>

#include "formats/printable.h"
#include "server/common/request_parts.h"
#include "server/gemini/gemini_request.h"
#include "server/gemini/gemini_schema.h"

namespace sputnik::server::gemini {
namespace {

using chat::Message;
using chat::Role;
using service::ToolChoice;

void append(std::optional<std::string>& text, const std::string& more) {
  if (!text) text.emplace();
  *text += more;
}

// Google's calls need no ids; ours get one of the name, so that call and result find each other.
Result<std::string> read_call_id(const JsonView& json, const std::string& name) {
  SPUTNIK_TRY(const auto id, json.get_string("id"));
  return id.value_or(name);
}

Result<void> read_function_call(const JsonView& json, Message& message) {
  SPUTNIK_CHECK_OK(json.as_object());
  chat::ToolCall call;
  SPUTNIK_TRY(call.name, json.require_string("name"));
  SPUTNIK_TRY(call.id, read_call_id(json, call.name));
  SPUTNIK_TRY(const auto arguments, json.get_object("args"));
  call.arguments = arguments ? arguments->text() : "{}";
  message.tool_calls.push_back(std::move(call));
  return ok_result();
}

Result<Message> read_function_response(const JsonView& json) {
  SPUTNIK_CHECK_OK(json.as_object());
  Message message;
  message.role = Role::kTool;
  SPUTNIK_TRY(message.name, json.require_string("name"));
  SPUTNIK_TRY(message.tool_call_id, read_call_id(json, message.name));
  SPUTNIK_TRY(const JsonView response, json.require("response"));
  message.content = response.text();
  return message;
}

// Adds the messages that one content is.
Result<void> read_content(const JsonView& content, std::vector<Message>& messages) {
  if (!content.is_object()) return content.wrong("an object");
  SPUTNIK_TRY(const auto role, content.get_string("role"));
  Message message;
  if (role == "model") {
    message.role = Role::kAssistant;
  } else if (role && *role != "user" && *role != "function" && !role->empty()) {
    return invalid_argument("{}: \"{}\" is none of user, model, function", content.path_of("role"),
                            printable(*role, 40));
  }
  SPUTNIK_TRY(const auto parts, content.get_array("parts"));
  if (parts.empty()) return invalid_argument("{}: it is empty", content.path_of("parts"));
  for (const JsonView& part : parts) {
    if (!part.is_object()) return part.wrong("an object");
    const auto call = part.find(field(part, "functionCall"));
    const auto response = part.find(field(part, "functionResponse"));
    SPUTNIK_TRY(const auto is_thought, part.get_bool("thought"));
    if (call) {
      SPUTNIK_CHECK_OK(read_function_call(*call, message));
    } else if (response) {
      SPUTNIK_TRY(Message result, read_function_response(*response));
      messages.push_back(std::move(result));
    } else if (part.has("text")) {
      SPUTNIK_TRY(const std::string text, part.require_string("text"));
      if (is_thought.value_or(false)) {
        message.reasoning += text;
      } else {
        append(message.content, text);
      }
    } else {
      return unsupported("{}: this model reads text and calls of functions alone", part.path());
    }
  }
  const bool has_more = message.content || !message.tool_calls.empty();
  if (!has_more && message.role == Role::kAssistant) message.content = "";
  if (message.content || !message.tool_calls.empty()) messages.push_back(std::move(message));
  return ok_result();
}

Result<service::Tool> read_declaration(const JsonView& json) {
  if (!json.is_object()) return json.wrong("an object");
  SPUTNIK_TRY(const JsonView name_view, json.require("name"));
  SPUTNIK_TRY(std::string name, tool_name(name_view));
  SPUTNIK_TRY(const auto description, json.get_string("description"));
  SPUTNIK_TRY(const auto plain, json.get_object(field(json, "parametersJsonSchema")));
  SPUTNIK_TRY(const auto googles, json.get_object("parameters"));
  if (plain) {
    return make_tool(std::move(name), description.value_or(""), &plain->json(), /*strict=*/false);
  }
  if (!googles) return make_tool(std::move(name), description.value_or(""), nullptr, false);
  const chat::OrderedJson schema = json_schema_of(googles->json());
  return make_tool(std::move(name), description.value_or(""), &schema, /*strict=*/false);
}

Result<void> read_tools(const JsonView& body, service::ChatInput& input) {
  SPUTNIK_TRY(const auto tools, body.get_array("tools"));
  for (const JsonView& tool : tools) {
    if (!tool.is_object()) return tool.wrong("an object");
    const std::string key = field(tool, "functionDeclarations");
    for (const auto& [name, value] : tool.json().members) {
      if (name != key && !value.is_null()) {
        return unsupported("{}: it runs on Google's machines alone", tool.path_of(name));
      }
    }
    SPUTNIK_TRY(const auto declarations, tool.get_array(key));
    if (input.tools.size() + declarations.size() > kMaxTools) {
      return invalid_argument("tools: more than {} functions", kMaxTools);
    }
    for (const JsonView& declaration : declarations) {
      SPUTNIK_TRY(service::Tool read, read_declaration(declaration));
      input.tools.push_back(std::move(read));
    }
  }
  return ok_result();
}

Result<void> keep_allowed(const JsonView& config, service::ChatInput& input) {
  SPUTNIK_TRY(const auto names, config.get_array(field(config, "allowedFunctionNames")));
  if (names.empty()) return ok_result();
  if (names.size() > kMaxTools) return config.error("more names than there can be functions");
  std::vector<service::Tool> kept;
  for (const JsonView& view : names) {
    SPUTNIK_TRY(const std::string name, view.as_string());
    const auto found = std::find_if(input.tools.begin(), input.tools.end(),
                                    [&](const service::Tool& tool) { return tool.name == name; });
    if (found == input.tools.end()) return view.error("there is no such function");
    kept.push_back(*found);
  }
  input.tools = std::move(kept);
  return ok_result();
}

Result<void> read_tool_config(const JsonView& body, service::ChatInput& input) {
  SPUTNIK_TRY(const auto tool_config, body.get_object(field(body, "toolConfig")));
  if (!tool_config) return ok_result();
  SPUTNIK_TRY(const auto config,
              tool_config->get_object(field(*tool_config, "functionCallingConfig")));
  if (!config) return ok_result();
  SPUTNIK_TRY(const auto mode, config->get_string("mode"));
  // In both modes Google promises that calls fit their schemas.
  if (mode == "ANY" || mode == "VALIDATED") {
    for (service::Tool& tool : input.tools) tool.strict = true;
  }
  if (mode == "ANY") {
    input.tool_choice.kind = ToolChoice::Kind::kRequired;
  } else if (mode == "NONE") {
    input.tool_choice.kind = ToolChoice::Kind::kNone;
  } else if (mode && *mode != "AUTO" && *mode != "VALIDATED" && *mode != "MODE_UNSPECIFIED") {
    return invalid_argument("{}: \"{}\" is none of AUTO, ANY, NONE, VALIDATED",
                            config->path_of("mode"), printable(*mode, 40));
  }
  return keep_allowed(*config, input);
}

}  // namespace

Result<std::string> read_text(const JsonView& content) {
  if (content.is_string()) return content.as_string();
  if (!content.is_object()) return content.wrong("an object");
  SPUTNIK_TRY(const auto parts, content.get_array("parts"));
  std::string text;
  for (const JsonView& part : parts) {
    if (!part.is_object()) return part.wrong("an object");
    SPUTNIK_TRY(const std::string piece, part.require_string("text"));
    text += piece;
  }
  return text;
}

Result<service::ChatInput> read_chat_input(const JsonView& body) {
  service::ChatInput input;
  if (const auto system = body.find(field(body, "systemInstruction"))) {
    SPUTNIK_TRY(std::string text, read_text(*system));
    if (!text.empty()) {
      input.messages.push_back(chat::make_message(Role::kSystem, std::move(text)));
    }
  }
  SPUTNIK_TRY(const auto contents, body.get_array("contents"));
  if (contents.empty()) return invalid_argument("contents: there must be at least one");
  for (const JsonView& content : contents) {
    SPUTNIK_CHECK_OK(read_content(content, input.messages));
  }
  if (input.messages.empty()) return invalid_argument("contents: there is no text in them");
  merge_neighbours(input.messages);
  SPUTNIK_CHECK_OK(read_tools(body, input));
  SPUTNIK_CHECK_OK(read_tool_config(body, input));
  SPUTNIK_CHECK_OK(check_tools(input));
  return input;
}

}  // namespace sputnik::server::gemini
