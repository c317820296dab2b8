#include "server/openai/chat_request.h"

#include <limits>

#include "formats/printable.h"
#include "server/common/request_parts.h"
#include "server/openai/chat_messages.h"

namespace sputnik::server::openai {
namespace {

using service::ResponseFormat;

Result<void> read_sampling(const JsonView& body, service::SamplingRequest& sampling) {
  SPUTNIK_TRY(sampling.temperature, body.get_float("temperature", 0, 2));
  SPUTNIK_TRY(sampling.top_p, body.get_float("top_p", 0, 1));
  SPUTNIK_TRY(sampling.min_p, body.get_float("min_p", 0, 1));
  SPUTNIK_TRY(const auto top_k, body.get_integer("top_k", -1, 1 << 20));
  if (top_k && *top_k > 0) sampling.top_k = static_cast<std::int32_t>(*top_k);
  SPUTNIK_TRY(sampling.frequency_penalty, body.get_float("frequency_penalty", -2, 2));
  SPUTNIK_TRY(sampling.presence_penalty, body.get_float("presence_penalty", -2, 2));
  SPUTNIK_TRY(sampling.repetition_penalty, body.get_float("repetition_penalty", 0.01f, 10));
  constexpr auto kLow = std::numeric_limits<std::int64_t>::min();
  constexpr auto kHigh = std::numeric_limits<std::int64_t>::max();
  SPUTNIK_TRY(const auto seed, body.get_integer("seed", kLow, kHigh));
  if (seed) sampling.seed = static_cast<std::uint64_t>(*seed);
  return ok_result();
}

Result<std::string> read_user(const JsonView& body) {
  SPUTNIK_TRY(const auto user_id, body.get_string("user_id"));
  SPUTNIK_TRY(const auto user, body.get_string("user"));
  if (user_id) {
    bool all_allowed = !user_id->empty() && user_id->size() <= 512;
    for (const char c : *user_id) {
      all_allowed = all_allowed && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                    (c >= '0' && c <= '9') || c == '_' || c == '-');
    }
    if (!all_allowed) {
      return invalid_argument("user_id: 1 to 512 letters, digits, '_' and '-' are possible");
    }
    return *user_id;
  }
  if (user && user->size() > 512) return invalid_argument("user: more than 512 bytes");
  return user.value_or("");
}

Result<void> read_max_tokens(const JsonView& body, std::int64_t& max_tokens) {
  SPUTNIK_TRY(const auto classic, body.get_integer("max_tokens", 1, kMaxTokens));
  SPUTNIK_TRY(const auto newer, body.get_integer("max_completion_tokens", 1, kMaxTokens));
  if (newer) {
    max_tokens = *newer;
  } else if (classic) {
    max_tokens = *classic;
  }
  return ok_result();
}

// true, or {"early_stop": bool}.
Result<void> read_vote(const JsonView& body, service::GenerateRequest& request) {
  const auto cons = body.find("cons");
  if (!cons) return ok_result();
  if (cons->is_bool()) {
    if (!cons->json().boolean) return ok_result();
    request.vote.emplace();
  } else if (cons->is_object()) {
    request.vote.emplace();
    SPUTNIK_TRY(const auto early_stop, cons->get_bool("early_stop"));
    request.vote->early_stop = early_stop.value_or(true);
  } else {
    return cons->wrong("a boolean or an object");
  }
  if (!body.has("n")) request.n = 8;
  if (request.n < 2) return cons->error("a vote needs n of 2 at least");
  return ok_result();
}

Result<void> read_logprobs(const JsonView& body, service::SamplingRequest& sampling) {
  SPUTNIK_TRY(const auto logprobs, body.get_bool("logprobs"));
  SPUTNIK_TRY(const auto top, body.get_integer("top_logprobs", 0, 20));
  sampling.logprobs = logprobs.value_or(false);
  if (top && *top > 0 && !sampling.logprobs) {
    return invalid_argument("top_logprobs: it needs \"logprobs\": true");
  }
  sampling.top_logprobs = static_cast<int>(top.value_or(0));
  return ok_result();
}

// What would change the answer must not be ignored in silence.
Result<void> refuse_what_cannot_be(const JsonView& body) {
  for (const std::string_view key : {"functions", "function_call"}) {
    if (body.has(key)) return unsupported("{}: use tools and tool_choice", key);
  }
  const auto bias = body.find("logit_bias");
  if (bias && !bias->json().members.empty()) return unsupported("logit_bias: it is not supported");
  SPUTNIK_TRY(const auto modalities, body.get_array("modalities"));
  for (const JsonView& modality : modalities) {
    SPUTNIK_TRY(const std::string name, modality.as_string());
    if (name != "text") return unsupported("{}: text alone is possible", modality.path());
  }
  return ok_result();
}

Result<ResponseFormat> read_schema(const JsonView& holder) {
  SPUTNIK_TRY(const JsonView schema, holder.require("schema"));
  if (!schema.is_object() && !schema.is_bool()) return schema.wrong("an object");
  return ResponseFormat{ResponseFormat::Kind::kJsonSchema, schema.text()};
}

Result<ResponseFormat> read_text_rule(const JsonView& format, ResponseFormat::Kind kind,
                                      std::string_view key) {
  SPUTNIK_TRY(std::string text, format.require_string(key));
  return ResponseFormat{kind, std::move(text)};
}

}  // namespace

Result<ResponseFormat> read_format(const JsonView& format) {
  SPUTNIK_TRY(const JsonView object, format.as_object());
  SPUTNIK_TRY(const std::string type, object.require_string("type"));
  if (type == "text") return ResponseFormat{};
  if (type == "json_object") return ResponseFormat{ResponseFormat::Kind::kJsonObject, {}};
  if (type == "json_schema") {
    SPUTNIK_TRY(const auto holder, object.get_object("json_schema"));
    return read_schema(holder.value_or(object));
  }
  if (type == "regex") return read_text_rule(object, ResponseFormat::Kind::kRegex, "regex");
  if (type == "grammar") return read_text_rule(object, ResponseFormat::Kind::kGrammar, "grammar");
  return invalid_argument("{}: \"{}\" is none of text, json_object, json_schema, regex, grammar",
                          object.path_of("type"), printable(type, 40));
}

Result<service::ThinkingRequest> read_thinking(const JsonView& body) {
  service::ThinkingRequest result;
  if (const auto effort = body.find("reasoning_effort")) {
    SPUTNIK_TRY(result, thinking_of_effort(*effort));
  }
  SPUTNIK_TRY(const auto thinking, body.get_object("thinking"));
  if (!thinking) return result;
  if (const auto type = thinking->find("type")) {
    SPUTNIK_TRY(const std::string word, type->as_string());
    if (word == "enabled") {
      result.enabled = true;
    } else if (word == "disabled") {
      result.enabled = false;
    } else if (word != "adaptive" && word != "auto") {
      return type->error(
          fmt::format("\"{}\" is none of enabled, disabled, adaptive", printable(word, 40)));
    }
  }
  SPUTNIK_TRY(const auto budget, thinking->get_integer("budget_tokens", 0, kMaxTokens));
  if (budget) result.budget = *budget;
  return result;
}

Result<void> read_shared_fields(const JsonView& body, const HttpRequest& http, ChatCall& call) {
  service::GenerateRequest& request = call.request;
  SPUTNIK_TRY(const auto model, body.get_string("model"));
  request.model = model.value_or("");
  SPUTNIK_CHECK_OK(read_sampling(body, request.sampling));
  SPUTNIK_CHECK_OK(read_max_tokens(body, request.max_tokens));
  SPUTNIK_TRY(request.stop, body.get_strings("stop", kMaxStops));
  SPUTNIK_TRY(const auto n, body.get_integer("n", 1, 64));
  request.n = static_cast<int>(n.value_or(1));
  SPUTNIK_TRY(const std::string user, read_user(body));
  request.user = cache_owner(http, user);
  request.key_id = http.principal.id;
  SPUTNIK_TRY(const auto priority, body.get_integer("priority", -10, 10));
  request.priority = static_cast<int>(priority.value_or(0));
  SPUTNIK_TRY(const auto detached, body.get_bool("detached"));
  request.detached = detached.value_or(false);

  SPUTNIK_TRY(const auto stream, body.get_bool("stream"));
  call.reply.stream = stream.value_or(false);
  SPUTNIK_TRY(const auto stream_options, body.get_object("stream_options"));
  if (stream_options) {
    if (!call.reply.stream) {
      return invalid_argument("stream_options: it needs \"stream\": true");
    }
    SPUTNIK_TRY(const auto usage, stream_options->get_bool("include_usage"));
    call.reply.include_usage = usage.value_or(false);
  }
  SPUTNIK_TRY(const auto receipt, body.get_bool("receipt"));
  call.reply.receipt = receipt.value_or(false);
  return ok_result();
}

Result<ChatCall> read_chat_request(const HttpRequest& http) {
  SPUTNIK_TRY(const chat::OrderedJson json, parse_body(http.body));
  const JsonView body(json);
  ChatCall call;
  SPUTNIK_CHECK_OK(refuse_what_cannot_be(body));
  SPUTNIK_CHECK_OK(read_shared_fields(body, http, call));
  SPUTNIK_CHECK_OK(read_logprobs(body, call.request.sampling));
  SPUTNIK_CHECK_OK(read_vote(body, call.request));
  SPUTNIK_TRY(call.request.thinking, read_thinking(body));
  if (const auto format = body.find("response_format")) {
    SPUTNIK_TRY(call.request.format, read_format(*format));
  }
  SPUTNIK_TRY(service::ChatInput input, read_chat_input(body));
  call.request.input = std::move(input);
  return call;
}

}  // namespace sputnik::server::openai
