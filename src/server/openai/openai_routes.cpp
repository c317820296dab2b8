#include "server/openai/openai_routes.h"

#include <utility>

#include "server/common/request_parts.h"
#include "server/openai/chat_reply.h"
#include "server/openai/completion_reply.h"
#include "server/openai/completion_request.h"
#include "server/openai/embeddings.h"
#include "server/openai/models.h"
#include "server/openai/responses_reply.h"
#include "server/openai/responses_request.h"

namespace sputnik::server::openai {
namespace {

using service::Service;

Reply failed(const Service& service, const Error& error) {
  return error_reply(Protocol::kOpenAi, error, service.retry_after_s());
}

Reply json_reply(std::string body) {
  Reply reply;
  reply.body = std::move(body);
  return reply;
}

using ReadCall = Result<ChatCall> (*)(const HttpRequest&);
using ReplyTo = Reply (*)(std::shared_ptr<service::Generation>, ReplyOptions);

Reply generate(Service& service, const HttpRequest& http, ReadCall read, ReplyTo reply_to) {
  auto call = read(http);
  if (!call.ok()) return failed(service, call.error());
  apply_alias(call.value().request, service);
  auto generation = service.generate(std::move(call.value().request));
  if (!generation.ok()) return failed(service, generation.error());
  return reply_to(std::move(generation).value(), call.value().reply);
}

Reply respond(Service& service, const HttpRequest& http) {
  auto call = read_responses_request(http);
  if (!call.ok()) return failed(service, call.error());
  apply_alias(call.value().request, service);
  auto generation = service.generate(std::move(call.value().request));
  if (!generation.ok()) return failed(service, generation.error());
  return responses_reply(std::move(generation).value(), std::move(call.value().options));
}

Reply embed(Service& service, EmbedWorker& worker, const HttpRequest& http) {
  auto request = read_embeddings_request(http, service);
  if (!request.ok()) return failed(service, request.error());
  auto& [texts, model, as_base64] = request.value();
  const auto card = service.model(model);
  if (!card.ok()) return failed(service, card.error());
  return worker.reply(
      std::move(texts), model,
      [name = card.value().id,
       as_text = as_base64](const std::vector<service::Embedding>& embeddings) {
        return embeddings_json(embeddings, name, as_text);
      },
      Protocol::kOpenAi);
}

}  // namespace

std::vector<Route> openai_routes(Service& service,
                                 const std::shared_ptr<EmbedWorker>& embed_worker) {
  std::vector<Route> routes;
  for (const std::string prefix : {"/v1", "", "/beta", "/beta/v1"}) {
    routes.push_back({"POST", prefix + "/chat/completions", [&service](const HttpRequest& http) {
                        return generate(service, http, read_chat_request, chat_reply);
                      }});
    routes.push_back({"POST", prefix + "/completions", [&service](const HttpRequest& http) {
                        return generate(service, http, read_completion_request, completion_reply);
                      }});
    routes.push_back({"POST", prefix + "/responses",
                      [&service](const HttpRequest& http) { return respond(service, http); }});
    routes.push_back(
        {"POST", prefix + "/embeddings", [&service, embed_worker](const HttpRequest& http) {
           return embed(service, *embed_worker, http);
         }});
    routes.push_back({"GET", prefix + "/models", [&service](const HttpRequest&) {
                        return json_reply(model_list_json(service));
                      }});
    routes.push_back({"GET", prefix + "/models/{id...}", [&service](const HttpRequest& http) {
                        auto model = model_json(service, path_parameter(http, "id"));
                        if (!model.ok()) return failed(service, model.error());
                        return json_reply(std::move(model).value());
                      }});
    routes.push_back({"GET", prefix + "/user/balance",
                      [](const HttpRequest&) { return json_reply(balance_json()); }});
  }
  return routes;
}

}  // namespace sputnik::server::openai
