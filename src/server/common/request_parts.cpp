#include "server/common/request_parts.h"

#include <set>

#include "formats/printable.h"

namespace sputnik::server {
namespace {

using chat::OrderedJson;

OrderedJson json_string(std::string text) {
  OrderedJson json;
  json.kind = OrderedJson::Kind::kString;
  json.text = std::move(text);
  return json;
}

OrderedJson json_object(std::vector<chat::OrderedJsonMember> members) {
  OrderedJson json;
  json.kind = OrderedJson::Kind::kObject;
  json.members = std::move(members);
  return json;
}

bool is_plain(const chat::Message& message) {
  return message.name.empty() && message.content.has_value() &&
         (message.role == chat::Role::kUser || message.role == chat::Role::kSystem);
}

Result<std::string> text_part(const JsonView& part, const std::vector<std::string_view>& types) {
  if (part.is_string()) return part.as_string();
  if (!part.is_object()) return part.wrong("an object");
  SPUTNIK_TRY(const std::string type, part.require_string("type"));
  for (const std::string_view text_type : types) {
    if (type == text_type) return part.require_string("text");
  }
  return unsupported("{}: a part of type \"{}\" is nothing that this model can read: text alone is",
                     part.path(), printable(type, 40));
}

}  // namespace

std::string cache_owner(const HttpRequest& request, std::string_view user) {
  if (user.empty()) return request.principal.id;
  return fmt::format("{}/{}", request.principal.id, user);
}

Result<std::string> text_content(const JsonView& content,
                                 const std::vector<std::string_view>& types) {
  if (content.is_string()) return content.as_string();
  if (!content.is_array()) return content.wrong("a string or an array of text parts");
  SPUTNIK_TRY(const auto parts, content.as_array());
  std::string joined;
  for (const JsonView& part : parts) {
    SPUTNIK_TRY(const std::string text, text_part(part, types));
    if (&part != &parts.front()) joined += '\n';
    joined += text;
  }
  return joined;
}

void merge_neighbours(std::vector<chat::Message>& messages) {
  std::vector<chat::Message> merged;
  for (chat::Message& message : messages) {
    if (!merged.empty() && merged.back().role == message.role && is_plain(message) &&
        is_plain(merged.back())) {
      *merged.back().content += "\n\n" + *message.content;
    } else {
      merged.push_back(std::move(message));
    }
  }
  messages = std::move(merged);
}

Result<std::string> tool_name(const JsonView& name) {
  SPUTNIK_TRY(std::string text, name.as_string());
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == ':';
  };
  bool all_allowed = !text.empty() && text.size() <= 64;
  for (const char c : text) all_allowed = all_allowed && is_allowed(c);
  if (!all_allowed) {
    return name.error(fmt::format(
        "\"{}\" is no name of a tool: 1 to 64 letters, digits, '_' and '-'", printable(text, 80)));
  }
  return text;
}

service::Tool make_tool(std::string name, std::string description, const OrderedJson* parameters,
                        bool strict) {
  service::Tool tool;
  std::vector<chat::OrderedJsonMember> function = {{"name", json_string(name)}};
  if (!description.empty()) function.push_back({"description", json_string(description)});
  if (parameters != nullptr) {
    function.push_back({"parameters", *parameters});
    tool.parameters = chat::to_python_json(*parameters);
  }
  tool.json = chat::to_python_json(json_object(
      {{"type", json_string("function")}, {"function", json_object(std::move(function))}}));
  tool.name = std::move(name);
  tool.description = std::move(description);
  tool.strict = strict;
  return tool;
}

Result<void> check_tools(const service::ChatInput& input) {
  std::set<std::string_view> names;
  for (const service::Tool& tool : input.tools) {
    if (!names.insert(tool.name).second) {
      return invalid_argument("tools: there are two of the name \"{}\"", tool.name);
    }
  }
  const service::ToolChoice& choice = input.tool_choice;
  if (choice.kind == service::ToolChoice::Kind::kRequired && names.empty()) {
    return invalid_argument("tool_choice: a call is required, but there are no tools");
  }
  if (choice.kind == service::ToolChoice::Kind::kNamed && !names.contains(choice.name)) {
    return invalid_argument("tool_choice: there is no tool of the name \"{}\"",
                            printable(choice.name, 80));
  }
  return ok_result();
}

Result<service::ThinkingRequest> thinking_of_effort(const JsonView& effort) {
  struct Level {
    std::string_view word;
    std::int64_t budget;  // 0: off; -1: no limit
  };
  // Each step is four times the one before it: a thought of a few lines, of a page, of five, ...
  constexpr Level kLevels[] = {{"none", 0},     {"minimal", 256}, {"low", 1024}, {"medium", 4096},
                               {"high", 16384}, {"xhigh", 65536}, {"max", -1},   {"ultra", -1}};
  SPUTNIK_TRY(const std::string word, effort.as_string());
  for (const Level& level : kLevels) {
    if (word != level.word) continue;
    service::ThinkingRequest thinking;
    thinking.enabled = level.budget != 0;
    if (level.budget > 0) thinking.budget = level.budget;
    return thinking;
  }
  return effort.error(
      fmt::format("\"{}\" is none of none, minimal, low, medium, high, xhigh, max, ultra",
                  printable(word, 40)));
}

void apply_alias(service::GenerateRequest& request, const service::Service& service) {
  if (request.thinking.enabled) return;
  const bool is_chat = request.model == "deepseek-chat";
  if (!is_chat && request.model != "deepseek-reasoner") return;
  const auto card = service.model(request.model);
  if (!card.ok()) return;  // generate() will say it
  if (is_chat && card.value().can_turn_thinking_off) request.thinking.enabled = false;
  if (!is_chat && card.value().thinks) request.thinking.enabled = true;
}

}  // namespace sputnik::server
