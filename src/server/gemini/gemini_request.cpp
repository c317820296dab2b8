#include "server/gemini/gemini_request.h"

#include <limits>

#include "formats/printable.h"
#include "server/common/request_parts.h"
#include "server/gemini/gemini_contents.h"
#include "server/gemini/gemini_schema.h"

namespace sputnik::server::gemini {
namespace {

using service::ResponseFormat;

constexpr std::size_t kMaxTexts = 2048;

Result<void> read_sampling(const JsonView& config, service::GenerateRequest& request) {
  service::SamplingRequest& sampling = request.sampling;
  SPUTNIK_TRY(sampling.temperature, config.get_float("temperature", 0, 2));
  SPUTNIK_TRY(sampling.top_p, config.get_float(field(config, "topP"), 0, 1));
  SPUTNIK_TRY(const auto top_k, config.get_number(field(config, "topK"), 0, 1 << 20));
  if (top_k && *top_k >= 1) sampling.top_k = static_cast<std::int32_t>(*top_k);
  SPUTNIK_TRY(sampling.presence_penalty, config.get_float(field(config, "presencePenalty"), -2, 2));
  SPUTNIK_TRY(sampling.frequency_penalty,
              config.get_float(field(config, "frequencyPenalty"), -2, 2));
  SPUTNIK_TRY(const auto seed, config.get_integer("seed", std::numeric_limits<std::int64_t>::min(),
                                                  std::numeric_limits<std::int64_t>::max()));
  if (seed) sampling.seed = static_cast<std::uint64_t>(*seed);
  SPUTNIK_TRY(const auto logprobs, config.get_bool(field(config, "responseLogprobs")));
  SPUTNIK_TRY(const auto top_logprobs, config.get_integer("logprobs", 0, 20));
  sampling.logprobs = logprobs.value_or(false);
  if (top_logprobs && !sampling.logprobs) {
    return invalid_argument("{}: it needs \"responseLogprobs\": true", config.path_of("logprobs"));
  }
  sampling.top_logprobs = static_cast<int>(top_logprobs.value_or(0));
  SPUTNIK_TRY(const auto most, config.get_integer(field(config, "maxOutputTokens"), 1, kMaxTokens));
  request.max_tokens = most.value_or(-1);
  SPUTNIK_TRY(const auto n, config.get_integer(field(config, "candidateCount"), 1, 64));
  request.n = static_cast<int>(n.value_or(1));
  SPUTNIK_TRY(request.stop, config.get_strings(field(config, "stopSequences"), kMaxStops));
  return ok_result();
}

// -1: as the model likes; 0: no thought at all.
Result<void> read_thinking(const JsonView& config, ContentCall& call) {
  SPUTNIK_TRY(const auto thinking, config.get_object(field(config, "thinkingConfig")));
  if (!thinking) return ok_result();
  SPUTNIK_TRY(const auto include, thinking->get_bool(field(*thinking, "includeThoughts")));
  call.include_thoughts = include.value_or(false);
  if (const auto level = thinking->find(field(*thinking, "thinkingLevel"))) {
    SPUTNIK_TRY(std::string word, level->as_string());
    for (char& c : word) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    chat::OrderedJson lower;
    lower.kind = chat::OrderedJson::Kind::kString;
    lower.text = word;
    if (word != "thinking_level_unspecified") {
      SPUTNIK_TRY(call.request.thinking, thinking_of_effort(JsonView(lower, level->path())));
    }
  }
  SPUTNIK_TRY(const auto budget,
              thinking->get_integer(field(*thinking, "thinkingBudget"), -1, kMaxTokens));
  if (budget == 0) {
    call.request.thinking = {false, std::nullopt};
  } else if (budget == -1) {
    call.request.thinking = {};
  } else if (budget) {
    call.request.thinking = {true, *budget};
  }
  return ok_result();
}

Result<void> read_format(const JsonView& config, ResponseFormat& format) {
  SPUTNIK_TRY(const auto mime, config.get_string(field(config, "responseMimeType")));
  SPUTNIK_TRY(const auto googles, config.get_object(field(config, "responseSchema")));
  auto plain = config.find(field(config, "responseJsonSchema"));
  if (!plain) plain = config.find("_responseJsonSchema");
  const std::string type = mime.value_or("text/plain");
  if (type == "text/plain") {
    if (googles || plain) {
      return invalid_argument("{}: a schema needs \"responseMimeType\": \"application/json\"",
                              config.path());
    }
    return ok_result();
  }
  if (type != "application/json") {
    return unsupported("{}: \"{}\" is none of text/plain, application/json",
                       config.path_of("responseMimeType"), printable(type, 40));
  }
  format.kind = ResponseFormat::Kind::kJsonObject;
  if (plain) {
    format = {ResponseFormat::Kind::kJsonSchema, plain->text()};
  } else if (googles) {
    format = {ResponseFormat::Kind::kJsonSchema,
              chat::to_python_json(json_schema_of(googles->json()))};
  }
  return ok_result();
}

Result<void> read_config(const JsonView& body, ContentCall& call) {
  SPUTNIK_TRY(const auto config, body.get_object(field(body, "generationConfig")));
  if (!config) return ok_result();
  SPUTNIK_CHECK_OK(read_sampling(*config, call.request));
  SPUTNIK_CHECK_OK(read_thinking(*config, call));
  SPUTNIK_CHECK_OK(read_format(*config, call.request.format));
  SPUTNIK_TRY(const auto modalities, config->get_array(field(*config, "responseModalities")));
  for (const JsonView& modality : modalities) {
    SPUTNIK_TRY(const std::string name, modality.as_string());
    if (name != "TEXT" && name != "MODALITY_UNSPECIFIED") {
      return unsupported("{}: text alone is possible", modality.path());
    }
  }
  return ok_result();
}

Result<ContentCall> read_request(const JsonView& body, const HttpRequest& http,
                                 std::string_view model) {
  ContentCall call;
  call.request.model = bare_model(model);
  call.request.user = cache_owner(http);
  call.request.key_id = http.principal.id;
  SPUTNIK_CHECK_OK(read_config(body, call));
  if (body.has(field(body, "cachedContent"))) {
    return unsupported("cachedContent: beginnings of prompts are found again by themselves");
  }
  SPUTNIK_TRY(service::ChatInput input, read_chat_input(body));
  call.request.input = std::move(input);
  return call;
}

}  // namespace

std::string field(const JsonView& json, std::string_view camel) {
  std::string snake;
  for (const char c : camel) {
    if (c >= 'A' && c <= 'Z') {
      snake += '_';
      snake += static_cast<char>(c - 'A' + 'a');
    } else {
      snake += c;
    }
  }
  return !json.has(camel) && json.has(snake) ? snake : std::string(camel);
}

std::string_view bare_model(std::string_view model) {
  constexpr std::string_view kFolder = "models/";
  return model.starts_with(kFolder) ? model.substr(kFolder.size()) : model;
}

Result<ContentCall> read_content_request(const HttpRequest& http, std::string_view model) {
  SPUTNIK_TRY(const chat::OrderedJson json, parse_body(http.body));
  return read_request(JsonView(json), http, model);
}

Result<ContentCall> read_count_request(const HttpRequest& http, std::string_view model) {
  SPUTNIK_TRY(const chat::OrderedJson json, parse_body(http.body));
  const JsonView body(json);
  SPUTNIK_TRY(const auto whole, body.get_object(field(body, "generateContentRequest")));
  return read_request(whole.value_or(body), http, model);
}

Result<std::vector<std::string>> read_embed_request(const HttpRequest& http) {
  SPUTNIK_TRY(const chat::OrderedJson json, parse_body(http.body));
  const JsonView body(json);
  std::vector<std::string> texts;
  if (body.has("content")) {
    SPUTNIK_TRY(const JsonView content, body.require("content"));
    SPUTNIK_TRY(std::string text, read_text(content));
    texts.push_back(std::move(text));
    return texts;
  }
  SPUTNIK_TRY(const auto requests, body.get_array("requests"));
  if (requests.empty()) return invalid_argument("content: it is missing");
  if (requests.size() > kMaxTexts) {
    return invalid_argument("requests: {} of them, at most {} are possible", requests.size(),
                            kMaxTexts);
  }
  for (const JsonView& request : requests) {
    if (!request.is_object()) return request.wrong("an object");
    SPUTNIK_TRY(const JsonView content, request.require("content"));
    SPUTNIK_TRY(std::string text, read_text(content));
    texts.push_back(std::move(text));
  }
  return texts;
}

}  // namespace sputnik::server::gemini
