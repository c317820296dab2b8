#include "server/openai/responses_request.h"

#include <algorithm>

#include "formats/printable.h"
#include "server/common/json_out.h"
#include "server/common/request_parts.h"
#include "server/openai/chat_request.h"

namespace sputnik::server::openai {
namespace {

using chat::Message;
using chat::Role;
using service::ToolChoice;

const std::vector<std::string_view> kTextParts = {"input_text", "output_text", "text",
                                                  "reasoning_text", "summary_text"};

// The assistant's turn comes as several items: thought, text and calls. They become one message.
class Conversation {
 public:
  void add(Message message) {
    flush();
    messages_.push_back(std::move(message));
  }
  void add_reasoning(const std::string& text) {
    if (pending_ && (pending_->content || !pending_->tool_calls.empty())) flush();
    pending().reasoning += text;
  }
  void add_text(std::string text) {
    if (pending_ && (pending_->content || !pending_->tool_calls.empty())) flush();
    pending().content = std::move(text);
  }
  void add_call(chat::ToolCall call) { pending().tool_calls.push_back(std::move(call)); }

  std::vector<Message> take() {
    flush();
    merge_neighbours(messages_);
    return std::move(messages_);
  }

 private:
  Message& pending() {
    if (!pending_) {
      pending_.emplace();
      pending_->role = Role::kAssistant;
    }
    return *pending_;
  }
  void flush() {
    if (pending_) messages_.push_back(*std::exchange(pending_, std::nullopt));
  }

  std::vector<Message> messages_;
  std::optional<Message> pending_;
};

Result<void> add_message(const JsonView& item, Conversation& conversation) {
  SPUTNIK_TRY(const std::string role, item.require_string("role"));
  SPUTNIK_TRY(const JsonView content, item.require("content"));
  SPUTNIK_TRY(std::string text, text_content(content, kTextParts));
  if (role == "assistant") {
    conversation.add_text(std::move(text));
  } else if (role == "user") {
    conversation.add(chat::make_message(Role::kUser, std::move(text)));
  } else if (role == "system" || role == "developer") {
    conversation.add(chat::make_message(Role::kSystem, std::move(text)));
  } else {
    return invalid_argument("{}: \"{}\" is none of system, developer, user, assistant",
                            item.path_of("role"), printable(role, 40));
  }
  return ok_result();
}

Result<void> add_item(const JsonView& item, Conversation& conversation) {
  if (!item.is_object()) return item.wrong("an object");
  SPUTNIK_TRY(const auto type, item.get_string("type"));
  if (!type || *type == "message") return add_message(item, conversation);
  if (*type == "function_call") {
    chat::ToolCall call;
    SPUTNIK_TRY(call.id, item.require_string("call_id"));
    SPUTNIK_TRY(call.name, item.require_string("name"));
    SPUTNIK_TRY(call.arguments, item.require_string("arguments"));
    conversation.add_call(std::move(call));
    return ok_result();
  }
  if (*type == "function_call_output") {
    Message message;
    message.role = Role::kTool;
    SPUTNIK_TRY(message.tool_call_id, item.require_string("call_id"));
    SPUTNIK_TRY(const JsonView output, item.require("output"));
    SPUTNIK_TRY(message.content, text_content(output, kTextParts));
    conversation.add(std::move(message));
    return ok_result();
  }
  if (*type == "reasoning") {
    const auto content = item.find("content");
    if (content) {
      SPUTNIK_TRY(const std::string text, text_content(*content, kTextParts));
      conversation.add_reasoning(text);
    }
    return ok_result();
  }
  return unsupported("{}: an item of type \"{}\" is nothing that can be read here",
                     item.path_of("type"), printable(*type, 40));
}

Result<std::vector<Message>> read_input(const JsonView& body) {
  Conversation conversation;
  SPUTNIK_TRY(const auto instructions, body.get_string("instructions"));
  if (instructions) conversation.add(chat::make_message(Role::kSystem, *instructions));
  SPUTNIK_TRY(const JsonView input, body.require("input"));
  if (input.is_string()) {
    conversation.add(chat::make_message(Role::kUser, input.json().text));
    return conversation.take();
  }
  SPUTNIK_TRY(const auto items, input.as_array());
  if (items.empty()) return input.error("there must be at least one item");
  for (const JsonView& item : items) SPUTNIK_CHECK_OK(add_item(item, conversation));
  return conversation.take();
}

Result<service::Tool> read_tool(const JsonView& json) {
  if (!json.is_object()) return json.wrong("an object");
  SPUTNIK_TRY(const std::string type, json.require_string("type"));
  if (type != "function") {
    return unsupported("{}: \"{}\" is not function", json.path_of("type"), printable(type, 40));
  }
  SPUTNIK_TRY(const JsonView name_view, json.require("name"));
  SPUTNIK_TRY(std::string name, tool_name(name_view));
  SPUTNIK_TRY(const auto description, json.get_string("description"));
  SPUTNIK_TRY(const auto parameters, json.get_object("parameters"));
  SPUTNIK_TRY(const auto strict, json.get_bool("strict"));
  return make_tool(std::move(name), description.value_or(""),
                   parameters ? &parameters->json() : nullptr, strict.value_or(false));
}

Result<ToolChoice::Kind> choice_of_word(const JsonView& word) {
  SPUTNIK_TRY(const std::string text, word.as_string());
  if (text == "auto") return ToolChoice::Kind::kAuto;
  if (text == "none") return ToolChoice::Kind::kNone;
  if (text == "required") return ToolChoice::Kind::kRequired;
  return word.error(fmt::format("\"{}\" is none of none, auto, required", printable(text, 40)));
}

Result<void> read_tool_choice(const JsonView& choice, service::ChatInput& input) {
  if (!choice.is_object()) {
    SPUTNIK_TRY(input.tool_choice.kind, choice_of_word(choice));
    return ok_result();
  }
  SPUTNIK_TRY(const std::string type, choice.require_string("type"));
  if (type == "function") {
    input.tool_choice.kind = ToolChoice::Kind::kNamed;
    SPUTNIK_TRY(input.tool_choice.name, choice.require_string("name"));
    return ok_result();
  }
  if (type != "allowed_tools") {
    return invalid_argument("{}: \"{}\" is none of function, allowed_tools", choice.path_of("type"),
                            printable(type, 40));
  }
  SPUTNIK_TRY(const JsonView mode, choice.require("mode"));
  SPUTNIK_TRY(input.tool_choice.kind, choice_of_word(mode));
  SPUTNIK_TRY(const auto allowed, choice.get_array("tools"));
  if (allowed.size() > kMaxTools) return choice.error("more names than there can be tools");
  std::vector<service::Tool> kept;
  for (const JsonView& tool : allowed) {
    SPUTNIK_TRY(const std::string name, tool.require_string("name"));
    const auto found = std::find_if(input.tools.begin(), input.tools.end(),
                                    [&](const service::Tool& t) { return t.name == name; });
    if (found == input.tools.end()) return tool.error("there is no such tool");
    kept.push_back(*found);
  }
  input.tools = std::move(kept);
  return ok_result();
}

Result<void> refuse_what_cannot_be(const JsonView& body) {
  for (const std::string_view key : {"previous_response_id", "conversation", "prompt"}) {
    if (body.has(key)) {
      return unsupported("{}: nothing is kept here between requests; send the whole conversation",
                         key);
    }
  }
  SPUTNIK_TRY(const auto background, body.get_bool("background"));
  if (background.value_or(false)) {
    return unsupported("background: use \"detached\": true and /v1/generations");
  }
  return ok_result();
}

// What the reply repeats; most SDKs expect it there.
std::string echo_of(const JsonView& body) {
  Json echo = Json::object();
  const auto copy = [&](const char* key, Json otherwise) {
    const auto member = body.find(key);
    echo[key] = member ? parsed_or_string(member->text()) : std::move(otherwise);
  };
  copy("instructions", nullptr);
  copy("max_output_tokens", nullptr);
  copy("metadata", Json::object());
  copy("parallel_tool_calls", true);
  copy("reasoning", {{"effort", nullptr}, {"summary", nullptr}});
  copy("temperature", nullptr);
  copy("text", {{"format", {{"type", "text"}}}});
  copy("tool_choice", "auto");
  copy("tools", Json::array());
  copy("top_p", nullptr);
  copy("user", nullptr);
  echo["previous_response_id"] = nullptr;
  echo["store"] = false;
  echo["truncation"] = "disabled";
  return dump(echo);
}

}  // namespace

Result<ResponsesCall> read_responses_request(const HttpRequest& http) {
  SPUTNIK_TRY(const chat::OrderedJson json, parse_body(http.body));
  const JsonView body(json);
  SPUTNIK_CHECK_OK(refuse_what_cannot_be(body));
  ChatCall shared;
  SPUTNIK_CHECK_OK(read_shared_fields(body, http, shared));
  ResponsesCall call;
  call.request = std::move(shared.request);
  if (call.request.n != 1) return unsupported("n: a response is one answer");
  SPUTNIK_TRY(const auto most, body.get_integer("max_output_tokens", 1, kMaxTokens));
  if (most) call.request.max_tokens = *most;
  SPUTNIK_TRY(const auto top_logprobs, body.get_integer("top_logprobs", 0, 20));
  call.request.sampling.top_logprobs = static_cast<int>(top_logprobs.value_or(0));
  call.request.sampling.logprobs = call.request.sampling.top_logprobs > 0;

  SPUTNIK_TRY(const auto reasoning, body.get_object("reasoning"));
  if (const auto effort = reasoning ? reasoning->find("effort") : std::nullopt) {
    SPUTNIK_TRY(call.request.thinking, thinking_of_effort(*effort));
  }
  if (body.has("thinking")) {
    SPUTNIK_TRY(call.request.thinking, read_thinking(body));
  }
  SPUTNIK_TRY(const auto text, body.get_object("text"));
  if (const auto format = text ? text->find("format") : std::nullopt) {
    SPUTNIK_TRY(call.request.format, read_format(*format));
  }

  service::ChatInput input;
  SPUTNIK_TRY(input.messages, read_input(body));
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
  call.request.input = std::move(input);

  call.options.stream = shared.reply.stream;
  call.options.receipt = shared.reply.receipt;
  call.options.echo = echo_of(body);
  return call;
}

}  // namespace sputnik::server::openai
