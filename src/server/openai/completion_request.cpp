#include "server/openai/completion_request.h"

#include <limits>

#include "server/common/request_parts.h"

namespace sputnik::server::openai {
namespace {

// What /completions has answered with for years when it was told nothing.
constexpr std::int64_t kDefaultMaxTokens = 16;

Result<void> read_tokens(const JsonView& prompt, std::vector<std::int32_t>& tokens) {
  SPUTNIK_TRY(const auto items, prompt.as_array());
  for (const JsonView& item : items) {
    SPUTNIK_TRY(const auto id, item.as_integer(0, std::numeric_limits<std::int32_t>::max()));
    tokens.push_back(static_cast<std::int32_t>(id));
  }
  return ok_result();
}

// A string, an array of token ids, or an array with one of either in it.
Result<void> read_prompt(const JsonView& prompt, service::CompletionInput& input) {
  if (prompt.is_string()) {
    input.prompt = prompt.json().text;
    return ok_result();
  }
  if (!prompt.is_array()) return prompt.wrong("a string or an array");
  const auto& items = prompt.json().items;
  if (items.empty()) return prompt.error("it is empty");
  if (items[0].kind == chat::OrderedJson::Kind::kNumber) return read_tokens(prompt, input.tokens);
  if (items.size() > 1) return unsupported("{}: one prompt at a time is possible", prompt.path());
  const JsonView only(items[0], prompt.path() + "[0]");
  if (!only.is_array()) {
    SPUTNIK_TRY(input.prompt, only.as_string());
    return ok_result();
  }
  if (only.json().items.empty()) return only.error("it is empty");
  return read_tokens(only, input.tokens);
}

// The old form: how many alternatives to name. true counts as none, for clients of the newer API.
Result<void> read_logprobs(const JsonView& body, service::SamplingRequest& sampling) {
  const auto logprobs = body.find("logprobs");
  if (!logprobs) return ok_result();
  if (logprobs->is_bool()) {
    sampling.logprobs = logprobs->json().boolean;
    return ok_result();
  }
  SPUTNIK_TRY(const auto top, logprobs->as_integer(0, 20));
  sampling.logprobs = true;
  sampling.top_logprobs = static_cast<int>(top);
  return ok_result();
}

}  // namespace

Result<ChatCall> read_completion_request(const HttpRequest& http) {
  SPUTNIK_TRY(const chat::OrderedJson json, parse_body(http.body));
  const JsonView body(json);
  ChatCall call;
  call.request.max_tokens = kDefaultMaxTokens;
  SPUTNIK_CHECK_OK(read_shared_fields(body, http, call));
  SPUTNIK_CHECK_OK(read_logprobs(body, call.request.sampling));
  SPUTNIK_TRY(const auto best_of, body.get_integer("best_of", 1, 64));
  if (best_of && *best_of != call.request.n) {
    return unsupported("best_of: {} is not n; as many answers as are made are returned", *best_of);
  }
  const auto bias = body.find("logit_bias");
  if (bias && !bias->json().members.empty()) return unsupported("logit_bias: it is not supported");

  service::CompletionInput input;
  SPUTNIK_TRY(const JsonView prompt, body.require("prompt"));
  SPUTNIK_CHECK_OK(read_prompt(prompt, input));
  SPUTNIK_TRY(input.suffix, body.get_string("suffix"));
  SPUTNIK_TRY(const auto echo, body.get_bool("echo"));
  input.echo = echo.value_or(false);
  if (const auto format = body.find("response_format")) {
    SPUTNIK_TRY(call.request.format, read_format(*format));
  }
  call.request.input = std::move(input);
  return call;
}

}  // namespace sputnik::server::openai
