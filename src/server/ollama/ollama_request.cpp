#include "server/ollama/ollama_request.h"

#include <limits>

#include "formats/printable.h"
#include "server/common/request_parts.h"

namespace sputnik::server::ollama {
namespace {

using chat::Message;
using chat::Role;
using service::ResponseFormat;

Result<void> read_options(const JsonView& body, service::GenerateRequest& request) {
  SPUTNIK_TRY(const auto options, body.get_object("options"));
  if (!options) return ok_result();
  service::SamplingRequest& sampling = request.sampling;
  SPUTNIK_TRY(sampling.temperature, options->get_float("temperature", 0, 2));
  SPUTNIK_TRY(sampling.top_p, options->get_float("top_p", 0, 1));
  SPUTNIK_TRY(sampling.min_p, options->get_float("min_p", 0, 1));
  SPUTNIK_TRY(const auto top_k, options->get_integer("top_k", -1, 1 << 20));
  if (top_k && *top_k > 0) sampling.top_k = static_cast<std::int32_t>(*top_k);
  SPUTNIK_TRY(sampling.repetition_penalty, options->get_float("repeat_penalty", 0.01f, 10));
  SPUTNIK_TRY(sampling.presence_penalty, options->get_float("presence_penalty", -2, 2));
  SPUTNIK_TRY(sampling.frequency_penalty, options->get_float("frequency_penalty", -2, 2));
  SPUTNIK_TRY(const auto seed,
              options->get_integer("seed", std::numeric_limits<std::int64_t>::min(),
                                   std::numeric_limits<std::int64_t>::max()));
  if (seed) sampling.seed = static_cast<std::uint64_t>(*seed);
  // Negative: as many as there is room for.
  SPUTNIK_TRY(const auto most, options->get_integer("num_predict", -2, kMaxTokens));
  if (most && *most > 0) request.max_tokens = *most;
  SPUTNIK_TRY(request.stop, options->get_strings("stop", kMaxStops));
  return ok_result();
}

// A boolean, or a word for how long.
Result<void> read_think(const JsonView& body, service::ThinkingRequest& thinking) {
  const auto think = body.find("think");
  if (!think) return ok_result();
  if (think->is_bool()) {
    thinking.enabled = think->json().boolean;
    return ok_result();
  }
  if (!think->is_string()) return think->wrong("a boolean or a string");
  SPUTNIK_TRY(thinking, thinking_of_effort(*think));
  return ok_result();
}

// "json", a schema, or "" for nothing.
Result<void> read_format(const JsonView& body, ResponseFormat& format) {
  const auto value = body.find("format");
  if (!value) return ok_result();
  if (value->is_object()) {
    format = {ResponseFormat::Kind::kJsonSchema, value->text()};
    return ok_result();
  }
  SPUTNIK_TRY(const std::string word, value->as_string());
  if (word == "json") {
    format.kind = ResponseFormat::Kind::kJsonObject;
  } else if (!word.empty()) {
    return value->error(fmt::format("\"{}\" is neither json nor a schema", printable(word, 40)));
  }
  return ok_result();
}

Result<bool> keeps_nothing(const JsonView& body) {
  const auto keep_alive = body.find("keep_alive");
  if (!keep_alive) return false;
  if (!keep_alive->is_number() && !keep_alive->is_string()) {
    return keep_alive->wrong("a number or a string");
  }
  const std::string& text = keep_alive->json().text;
  return text == "0" || text == "0s" || text == "0m";
}

Result<void> refuse_images(const JsonView& json) {
  SPUTNIK_TRY(const auto images, json.get_array("images"));
  if (images.empty()) return ok_result();
  return unsupported("{}: this model reads text alone", json.path_of("images"));
}

Result<OllamaCall> read_shared(const JsonView& body, const HttpRequest& http) {
  OllamaCall call;
  SPUTNIK_TRY(call.request.model, read_model(body));
  call.request.user = cache_owner(http);
  call.request.key_id = http.principal.id;
  SPUTNIK_CHECK_OK(read_options(body, call.request));
  SPUTNIK_CHECK_OK(read_think(body, call.request.thinking));
  SPUTNIK_CHECK_OK(read_format(body, call.request.format));
  SPUTNIK_TRY(const auto stream, body.get_bool("stream"));
  call.stream = stream.value_or(true);
  SPUTNIK_TRY(call.is_unload, keeps_nothing(body));
  SPUTNIK_TRY(const auto logprobs, body.get_bool("logprobs"));
  SPUTNIK_TRY(const auto top_logprobs, body.get_integer("top_logprobs", 0, 20));
  call.request.sampling.logprobs = logprobs.value_or(false);
  call.request.sampling.top_logprobs = static_cast<int>(top_logprobs.value_or(0));
  return call;
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
  SPUTNIK_CHECK_OK(arguments.as_object());
  call.arguments = arguments.text();
  return call;
}

Result<Message> read_message(const JsonView& json) {
  if (!json.is_object()) return json.wrong("an object");
  SPUTNIK_CHECK_OK(refuse_images(json));
  Message message;
  SPUTNIK_TRY(const std::string role, json.require_string("role"));
  if (role == "system") {
    message.role = Role::kSystem;
  } else if (role == "user") {
    message.role = Role::kUser;
  } else if (role == "assistant") {
    message.role = Role::kAssistant;
  } else if (role == "tool") {
    message.role = Role::kTool;
  } else {
    return invalid_argument("{}: \"{}\" is none of system, user, assistant, tool",
                            json.path_of("role"), printable(role, 40));
  }
  SPUTNIK_TRY(const auto content, json.get_string("content"));
  SPUTNIK_TRY(const auto calls, json.get_array("tool_calls"));
  for (const JsonView& call : calls) {
    SPUTNIK_TRY(chat::ToolCall read, read_tool_call(call));
    message.tool_calls.push_back(std::move(read));
  }
  if (content || message.tool_calls.empty()) message.content = content.value_or("");
  SPUTNIK_TRY(const auto thinking, json.get_string("thinking"));
  message.reasoning = thinking.value_or("");
  SPUTNIK_TRY(const auto call_id, json.get_string("tool_call_id"));
  message.tool_call_id = call_id.value_or("");
  SPUTNIK_TRY(const auto tool_name, json.get_string("tool_name"));
  message.name = tool_name.value_or("");
  return message;
}

// As OpenAI's, but for the description and the parameters, which may be null.
Result<service::Tool> read_tool(const JsonView& json) {
  if (!json.is_object()) return json.wrong("an object");
  SPUTNIK_TRY(const JsonView member, json.require("function"));
  SPUTNIK_TRY(const JsonView function, member.as_object());
  SPUTNIK_TRY(const JsonView name_view, function.require("name"));
  SPUTNIK_TRY(std::string name, tool_name(name_view));
  SPUTNIK_TRY(const auto description, function.get_string("description"));
  SPUTNIK_TRY(const auto parameters, function.get_object("parameters"));
  service::Tool tool = make_tool(std::move(name), description.value_or(""),
                                 parameters ? &parameters->json() : nullptr, /*strict=*/false);
  if (json.has("type")) tool.json = json.text();
  return tool;
}

Result<service::CompletionInput> read_raw(const JsonView& body, std::string prompt) {
  service::CompletionInput input;
  input.prompt = std::move(prompt);
  SPUTNIK_TRY(input.suffix, body.get_string("suffix"));
  if (input.suffix && input.suffix->empty()) input.suffix.reset();
  return input;
}

}  // namespace

Result<std::string> read_model(const JsonView& body) {
  SPUTNIK_TRY(auto model, body.get_string("model"));
  if (!model) {
    SPUTNIK_TRY(model, body.get_string("name"));
  }
  std::string name = model.value_or("");
  constexpr std::string_view kLatest = ":latest";
  if (name.ends_with(kLatest)) name.resize(name.size() - kLatest.size());
  return name;
}

Result<OllamaCall> read_chat_request(const HttpRequest& http) {
  SPUTNIK_TRY(const chat::OrderedJson json, parse_body(http.body));
  const JsonView body(json);
  SPUTNIK_TRY(OllamaCall call, read_shared(body, http));
  service::ChatInput input;
  SPUTNIK_TRY(const auto messages, body.get_array("messages"));
  for (const JsonView& message : messages) {
    SPUTNIK_TRY(Message read, read_message(message));
    input.messages.push_back(std::move(read));
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
  SPUTNIK_CHECK_OK(check_tools(input));
  call.is_load = input.messages.empty();
  call.request.input = std::move(input);
  return call;
}

Result<OllamaCall> read_generate_request(const HttpRequest& http) {
  SPUTNIK_TRY(const chat::OrderedJson json, parse_body(http.body));
  const JsonView body(json);
  SPUTNIK_TRY(OllamaCall call, read_shared(body, http));
  SPUTNIK_CHECK_OK(refuse_images(body));
  SPUTNIK_TRY(const auto context, body.get_array("context"));
  if (!context.empty()) return unsupported("context: send the conversation to /api/chat");
  SPUTNIK_TRY(const auto chat_template, body.get_string("template"));
  if (chat_template && !chat_template->empty()) {
    return unsupported("template: the model's own is used; \"raw\": true uses none");
  }
  SPUTNIK_TRY(const auto prompt, body.get_string("prompt"));
  SPUTNIK_TRY(const auto suffix, body.get_string("suffix"));
  SPUTNIK_TRY(const auto raw, body.get_bool("raw"));
  call.is_load = prompt.value_or("").empty();
  if (raw.value_or(false) || !suffix.value_or("").empty()) {
    SPUTNIK_TRY(service::CompletionInput input, read_raw(body, prompt.value_or("")));
    call.request.input = std::move(input);
    return call;
  }
  service::ChatInput input;
  SPUTNIK_TRY(const auto system, body.get_string("system"));
  if (system && !system->empty()) {
    input.messages.push_back(chat::make_message(Role::kSystem, *system));
  }
  input.messages.push_back(chat::make_message(Role::kUser, prompt.value_or("")));
  call.request.input = std::move(input);
  return call;
}

}  // namespace sputnik::server::ollama
