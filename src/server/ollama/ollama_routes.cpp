#include "server/ollama/ollama_routes.h"

#include <utility>

#include "server/common/request_parts.h"
#include "server/ollama/ollama_models.h"
#include "server/ollama/ollama_reply.h"
#include "server/ollama/ollama_request.h"

namespace sputnik::server::ollama {
namespace {

using service::Service;

Reply failed(const Service& service, const Error& error) {
  return error_reply(Protocol::kOllama, error, service.retry_after_s());
}

Reply json_reply(std::string body) {
  Reply reply;
  reply.body = std::move(body);
  return reply;
}

using ReadCall = Result<OllamaCall> (*)(const HttpRequest&);

Reply generate(Service& service, const HttpRequest& http, ReadCall read, Form form) {
  auto call = read(http);
  if (!call.ok()) return failed(service, call.error());
  service::GenerateRequest& request = call.value().request;
  if (call.value().is_load) {
    const auto card = service.model(request.model);
    if (!card.ok()) return failed(service, card.error());
    return json_reply(load_json(card.value().id, form, call.value().is_unload ? "unload" : "load"));
  }
  apply_alias(request, service);
  auto generation = service.generate(std::move(request));
  if (!generation.ok()) return failed(service, generation.error());
  return ollama_reply(std::move(generation).value(), form, call.value().stream);
}

Reply show(const Service& service, const HttpRequest& http) {
  const auto json = parse_body(http.body);
  if (!json.ok()) return failed(service, json.error());
  const auto model = read_model(JsonView(json.value()));
  if (!model.ok()) return failed(service, model.error());
  const auto card = service.model(model.value());
  if (!card.ok()) return failed(service, card.error());
  return json_reply(show_json(card.value()));
}

struct EmbedCall {
  std::string model;
  std::vector<std::string> texts;
};

// /api/embed has "input", one text or many; /api/embeddings "prompt", one.
Result<EmbedCall> read_embed(const HttpRequest& http, std::string_view key, std::size_t most) {
  SPUTNIK_TRY(const chat::OrderedJson json, parse_body(http.body));
  const JsonView body(json);
  EmbedCall call;
  SPUTNIK_TRY(call.model, read_model(body));
  SPUTNIK_TRY(call.texts, body.get_strings(key, most));
  if (call.texts.empty()) return invalid_argument("{}: it is missing", key);
  return call;
}

Reply embed(Service& service, EmbedWorker& worker, const HttpRequest& http, bool is_old) {
  auto call = read_embed(http, is_old ? "prompt" : "input", is_old ? 1 : 2048);
  if (!call.ok()) return failed(service, call.error());
  const auto card = service.model(call.value().model);
  if (!card.ok()) return failed(service, card.error());
  return worker.reply(
      std::move(call.value().texts), call.value().model,
      [is_old, name = card.value().id](const std::vector<service::Embedding>& embeddings) {
        return is_old ? embedding_json(embeddings) : embed_json(embeddings, name);
      },
      Protocol::kOllama);
}

}  // namespace

std::vector<Route> ollama_routes(Service& service,
                                 const std::shared_ptr<EmbedWorker>& embed_worker) {
  return {
      {"POST", "/api/chat",
       [&service](const HttpRequest& http) {
         return generate(service, http, read_chat_request, Form::kChat);
       }},
      {"POST", "/api/generate",
       [&service](const HttpRequest& http) {
         return generate(service, http, read_generate_request, Form::kGenerate);
       }},
      {"GET", "/api/tags",
       [&service](const HttpRequest&) { return json_reply(tags_json(service.models())); }},
      {"GET", "/api/ps",
       [&service](const HttpRequest&) { return json_reply(ps_json(service.models())); }},
      {"POST", "/api/show", [&service](const HttpRequest& http) { return show(service, http); }},
      {"GET", "/api/version", [](const HttpRequest&) { return json_reply(version_json()); }},
      {"POST", "/api/embed",
       [&service, embed_worker](const HttpRequest& http) {
         return embed(service, *embed_worker, http, /*is_old=*/false);
       }},
      {"POST", "/api/embeddings",
       [&service, embed_worker](const HttpRequest& http) {
         return embed(service, *embed_worker, http, /*is_old=*/true);
       }},
  };
}

}  // namespace sputnik::server::ollama
