#include "server/gemini/gemini_routes.h"

#include <utility>

#include "server/common/request_parts.h"
#include "server/gemini/gemini_reply.h"
#include "server/gemini/gemini_request.h"

namespace sputnik::server::gemini {
namespace {

using service::Service;

Reply failed(const Service& service, const Error& error) {
  return error_reply(Protocol::kGemini, error, service.retry_after_s());
}

Reply json_reply(std::string body) {
  Reply reply;
  reply.body = std::move(body);
  return reply;
}

Reply generate(Service& service, const HttpRequest& http, bool stream) {
  const std::string_view alt = http.parameter("alt").value_or("json");
  if (alt != "json" && alt != "sse") {
    return failed(service, invalid_argument("alt: it is none of json, sse"));
  }
  auto call = read_content_request(http, path_parameter(http, "model"));
  if (!call.ok()) return failed(service, call.error());
  const bool include_thoughts = call.value().include_thoughts;
  apply_alias(call.value().request, service);
  auto generation = service.generate(std::move(call.value().request));
  if (!generation.ok()) return failed(service, generation.error());
  if (!stream) return content_reply(std::move(generation).value(), include_thoughts);
  return stream_content_reply(std::move(generation).value(), include_thoughts, alt == "sse");
}

Reply count(Service& service, const HttpRequest& http) {
  auto call = read_count_request(http, path_parameter(http, "model"));
  if (!call.ok()) return failed(service, call.error());
  const auto n_tokens = service.count_tokens(call.value().request);
  if (!n_tokens.ok()) return failed(service, n_tokens.error());
  return json_reply(count_json(n_tokens.value()));
}

Reply embed(Service& service, EmbedWorker& worker, const HttpRequest& http,
            EmbedWorker::Render render) {
  auto texts = read_embed_request(http);
  if (!texts.ok()) return failed(service, texts.error());
  return worker.reply(std::move(texts).value(),
                      std::string(bare_model(path_parameter(http, "model"))), std::move(render),
                      Protocol::kGemini);
}

Reply model(const Service& service, const HttpRequest& http) {
  const auto card = service.model(bare_model(path_parameter(http, "model")));
  if (!card.ok()) return failed(service, card.error());
  return json_reply(model_json(card.value()));
}

}  // namespace

std::vector<Route> gemini_routes(Service& service,
                                 const std::shared_ptr<EmbedWorker>& embed_worker) {
  std::vector<Route> routes;
  for (const std::string prefix : {"/v1beta", "/v1"}) {
    const auto add = [&](const char* verb, Handler handler) {
      routes.push_back({"POST", prefix + "/models/{model...}:" + verb, std::move(handler)});
    };
    add("generateContent",
        [&service](const HttpRequest& http) { return generate(service, http, /*stream=*/false); });
    add("streamGenerateContent",
        [&service](const HttpRequest& http) { return generate(service, http, /*stream=*/true); });
    add("countTokens", [&service](const HttpRequest& http) { return count(service, http); });
    add("embedContent", [&service, embed_worker](const HttpRequest& http) {
      return embed(service, *embed_worker, http, embedding_json);
    });
    add("batchEmbedContents", [&service, embed_worker](const HttpRequest& http) {
      return embed(service, *embed_worker, http, embeddings_json);
    });
  }
  routes.push_back({"GET", "/v1beta/models", [&service](const HttpRequest&) {
                      return json_reply(models_json(service.models()));
                    }});
  routes.push_back({"GET", "/v1beta/models/{model...}",
                    [&service](const HttpRequest& http) { return model(service, http); }});
  return routes;
}

}  // namespace sputnik::server::gemini
