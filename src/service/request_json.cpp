#include "service/request_json.h"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "service/json_fields.h"

namespace sputnik::service {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::pair<ToolChoice::Kind, const char*>, 4> kToolChoices = {
    {{ToolChoice::Kind::kAuto, "auto"},
     {ToolChoice::Kind::kNone, "none"},
     {ToolChoice::Kind::kRequired, "required"},
     {ToolChoice::Kind::kNamed, "named"}}};
constexpr std::array<std::pair<ResponseFormat::Kind, const char*>, 5> kFormats = {
    {{ResponseFormat::Kind::kText, "text"},
     {ResponseFormat::Kind::kJsonObject, "json_object"},
     {ResponseFormat::Kind::kJsonSchema, "json_schema"},
     {ResponseFormat::Kind::kRegex, "regex"},
     {ResponseFormat::Kind::kGrammar, "grammar"}}};
constexpr std::array<std::pair<chat::Role, const char*>, 4> kRoles = {
    {{chat::Role::kSystem, "system"},
     {chat::Role::kUser, "user"},
     {chat::Role::kAssistant, "assistant"},
     {chat::Role::kTool, "tool"}}};

template <class Enum, std::size_t n>
const char* name_of(Enum value, const std::array<std::pair<Enum, const char*>, n>& names) {
  for (const auto& [candidate, name] : names)
    if (candidate == value) return name;
  SPUTNIK_ASSERT(false);
  return "";
}

template <class Enum, std::size_t n>
Result<Enum> value_of(const Json& json, const char* key,
                      const std::array<std::pair<Enum, const char*>, n>& names) {
  SPUTNIK_TRY(const std::string text, string_field(json, key));
  for (const auto& [value, name] : names)
    if (text == name) return value;
  return corrupt("{}: \"{}\" is none of the known values", key, text);
}

template <class T>
void set(Json& json, const char* key, const std::optional<T>& value) {
  if (value) json[key] = *value;
}

Json message_to_json(const chat::Message& message) {
  Json json;
  json["role"] = name_of(message.role, kRoles);
  set(json, "content", message.content);
  json["reasoning"] = message.reasoning;
  json["name"] = message.name;
  json["tool_call_id"] = message.tool_call_id;
  json["tool_calls"] = Json::array();
  for (const chat::ToolCall& call : message.tool_calls) {
    json["tool_calls"].push_back(
        {{"id", call.id}, {"type", call.type}, {"name", call.name}, {"arguments", call.arguments}});
  }
  return json;
}

Result<chat::Message> message_from_json(const Json& json) {
  chat::Message message;
  SPUTNIK_TRY(message.role, value_of(json, "role", kRoles));
  SPUTNIK_TRY(message.content, optional_string(json, "content"));
  SPUTNIK_TRY(message.reasoning, string_field(json, "reasoning"));
  SPUTNIK_TRY(message.name, string_field(json, "name"));
  SPUTNIK_TRY(message.tool_call_id, string_field(json, "tool_call_id"));
  SPUTNIK_TRY(const Json* calls, array_field(json, "tool_calls"));
  for (const Json& item : *calls) {
    chat::ToolCall& call = message.tool_calls.emplace_back();
    SPUTNIK_TRY(call.id, string_field(item, "id"));
    SPUTNIK_TRY(call.type, string_field(item, "type"));
    SPUTNIK_TRY(call.name, string_field(item, "name"));
    SPUTNIK_TRY(call.arguments, string_field(item, "arguments"));
  }
  return message;
}

Json chat_to_json(const ChatInput& chat) {
  Json json;
  json["messages"] = Json::array();
  for (const chat::Message& message : chat.messages)
    json["messages"].push_back(message_to_json(message));
  json["tools"] = Json::array();
  for (const Tool& tool : chat.tools) {
    json["tools"].push_back({{"name", tool.name},
                             {"description", tool.description},
                             {"parameters", tool.parameters},
                             {"strict", tool.strict},
                             {"json", tool.json}});
  }
  json["tool_choice"] = name_of(chat.tool_choice.kind, kToolChoices);
  json["tool_choice_name"] = chat.tool_choice.name;
  json["parallel_tool_calls"] = chat.parallel_tool_calls;
  json["continue_last"] = chat.continue_last;
  return json;
}

Result<ChatInput> chat_from_json(const Json& json) {
  ChatInput chat;
  SPUTNIK_TRY(const Json* messages, array_field(json, "messages"));
  for (const Json& item : *messages) {
    SPUTNIK_TRY(chat::Message message, message_from_json(item));
    chat.messages.push_back(std::move(message));
  }
  SPUTNIK_TRY(const Json* tools, array_field(json, "tools"));
  for (const Json& item : *tools) {
    Tool& tool = chat.tools.emplace_back();
    SPUTNIK_TRY(tool.name, string_field(item, "name"));
    SPUTNIK_TRY(tool.description, string_field(item, "description"));
    SPUTNIK_TRY(tool.parameters, string_field(item, "parameters"));
    SPUTNIK_TRY(tool.strict, bool_field(item, "strict"));
    SPUTNIK_TRY(tool.json, string_field(item, "json"));
  }
  SPUTNIK_TRY(chat.tool_choice.kind, value_of(json, "tool_choice", kToolChoices));
  SPUTNIK_TRY(chat.tool_choice.name, string_field(json, "tool_choice_name"));
  SPUTNIK_TRY(chat.parallel_tool_calls, bool_field(json, "parallel_tool_calls"));
  SPUTNIK_TRY(chat.continue_last, bool_field(json, "continue_last"));
  return chat;
}

Json sampling_to_json(const SamplingRequest& sampling) {
  Json json = Json::object();
  set(json, "temperature", sampling.temperature);
  set(json, "top_p", sampling.top_p);
  set(json, "min_p", sampling.min_p);
  set(json, "top_k", sampling.top_k);
  set(json, "frequency_penalty", sampling.frequency_penalty);
  set(json, "presence_penalty", sampling.presence_penalty);
  set(json, "repetition_penalty", sampling.repetition_penalty);
  set(json, "seed", sampling.seed);
  json["logprobs"] = sampling.logprobs;
  json["top_logprobs"] = sampling.top_logprobs;
  return json;
}

Result<SamplingRequest> sampling_from_json(const Json& json) {
  SamplingRequest sampling;
  SPUTNIK_TRY(sampling.temperature, optional_number<float>(json, "temperature"));
  SPUTNIK_TRY(sampling.top_p, optional_number<float>(json, "top_p"));
  SPUTNIK_TRY(sampling.min_p, optional_number<float>(json, "min_p"));
  SPUTNIK_TRY(sampling.top_k, optional_number<std::int32_t>(json, "top_k"));
  SPUTNIK_TRY(sampling.frequency_penalty, optional_number<float>(json, "frequency_penalty"));
  SPUTNIK_TRY(sampling.presence_penalty, optional_number<float>(json, "presence_penalty"));
  SPUTNIK_TRY(sampling.repetition_penalty, optional_number<float>(json, "repetition_penalty"));
  SPUTNIK_TRY(sampling.seed, optional_number<std::uint64_t>(json, "seed"));
  SPUTNIK_TRY(sampling.logprobs, bool_field(json, "logprobs"));
  SPUTNIK_TRY(sampling.top_logprobs, number_field<int>(json, "top_logprobs"));
  return sampling;
}

}  // namespace

Json request_to_json(const GenerateRequest& request) {
  Json json;
  if (const auto* chat = std::get_if<ChatInput>(&request.input)) {
    json["chat"] = chat_to_json(*chat);
  } else {
    const auto& completion = std::get<CompletionInput>(request.input);
    Json& text = json["completion"];
    text["prompt"] = completion.prompt;
    set(text, "suffix", completion.suffix);
    text["tokens"] = completion.tokens;
    text["echo"] = completion.echo;
  }
  json["model"] = request.model;
  json["sampling"] = sampling_to_json(request.sampling);
  Json& thinking = json["thinking"] = Json::object();
  set(thinking, "enabled", request.thinking.enabled);
  set(thinking, "budget", request.thinking.budget);
  json["max_tokens"] = request.max_tokens;
  json["stop"] = request.stop;
  json["format"] = name_of(request.format.kind, kFormats);
  json["format_text"] = request.format.text;
  json["n"] = request.n;
  if (request.vote) json["vote_early_stop"] = request.vote->early_stop;
  json["user"] = request.user;
  json["key_id"] = request.key_id;
  json["priority"] = request.priority;
  json["keep_off_disk"] = request.keep_off_disk;
  json["detached"] = request.detached;
  return json;
}

Result<GenerateRequest> request_from_json(const Json& json) {
  GenerateRequest request;
  if (json.contains("chat")) {
    SPUTNIK_TRY(request.input, chat_from_json(json["chat"]));
  } else {
    CompletionInput completion;
    SPUTNIK_TRY(const Json* text, object_field(json, "completion"));
    SPUTNIK_TRY(completion.prompt, string_field(*text, "prompt"));
    SPUTNIK_TRY(completion.suffix, optional_string(*text, "suffix"));
    SPUTNIK_TRY(completion.tokens, token_array(*text, "tokens"));
    SPUTNIK_TRY(completion.echo, bool_field(*text, "echo"));
    request.input = std::move(completion);
  }
  SPUTNIK_TRY(request.model, string_field(json, "model"));
  SPUTNIK_TRY(const Json* sampling, object_field(json, "sampling"));
  SPUTNIK_TRY(request.sampling, sampling_from_json(*sampling));
  SPUTNIK_TRY(const Json* thinking, object_field(json, "thinking"));
  SPUTNIK_TRY(request.thinking.enabled, optional_bool(*thinking, "enabled"));
  SPUTNIK_TRY(request.thinking.budget, optional_number<std::int64_t>(*thinking, "budget"));
  SPUTNIK_TRY(request.max_tokens, number_field<std::int64_t>(json, "max_tokens"));
  SPUTNIK_TRY(const Json* stop, array_field(json, "stop"));
  for (const Json& item : *stop) {
    if (!item.is_string()) return corrupt("stop: not a string");
    request.stop.push_back(item.get<std::string>());
  }
  SPUTNIK_TRY(request.format.kind, value_of(json, "format", kFormats));
  SPUTNIK_TRY(request.format.text, string_field(json, "format_text"));
  SPUTNIK_TRY(request.n, number_field<int>(json, "n"));
  SPUTNIK_TRY(const auto early_stop, optional_bool(json, "vote_early_stop"));
  if (early_stop) request.vote = VoteRequest{*early_stop};
  SPUTNIK_TRY(request.user, string_field(json, "user"));
  SPUTNIK_TRY(request.key_id, string_field(json, "key_id"));
  SPUTNIK_TRY(request.priority, number_field<int>(json, "priority"));
  SPUTNIK_TRY(const auto off_disk, optional_bool(json, "keep_off_disk"));
  request.keep_off_disk = off_disk.value_or(false);
  SPUTNIK_TRY(request.detached, bool_field(json, "detached"));
  return request;
}

}  // namespace sputnik::service
