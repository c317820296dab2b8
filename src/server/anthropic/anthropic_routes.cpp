#include "server/anthropic/anthropic_routes.h"

#include <utility>

#include "server/anthropic/anthropic_reply.h"
#include "server/anthropic/anthropic_request.h"
#include "server/common/api_error.h"
#include "server/common/request_parts.h"

namespace sputnik::server::anthropic {
namespace {

using service::Service;

Reply failed(const Service& service, const Error& error) {
  return error_reply(Protocol::kAnthropic, error, service.retry_after_s());
}

Reply create(Service& service, const HttpRequest& http) {
  auto call = read_messages_request(http);
  if (!call.ok()) return failed(service, call.error());
  apply_alias(call.value().request, service);
  auto generation = service.generate(std::move(call.value().request));
  if (!generation.ok()) return failed(service, generation.error());
  return messages_reply(std::move(generation).value(), call.value().stream, call.value().receipt);
}

Reply count(Service& service, const HttpRequest& http) {
  auto call = read_messages_request(http);
  if (!call.ok()) return failed(service, call.error());
  apply_alias(call.value().request, service);
  const auto n_tokens = service.count_tokens(call.value().request);
  if (!n_tokens.ok()) return failed(service, n_tokens.error());
  Reply reply;
  reply.body = token_count_json(n_tokens.value());
  return reply;
}

}  // namespace

std::vector<Route> anthropic_routes(Service& service) {
  std::vector<Route> routes;
  for (const std::string prefix : {"/v1", "/anthropic/v1"}) {
    routes.push_back({"POST", prefix + "/messages",
                      [&service](const HttpRequest& http) { return create(service, http); }});
    routes.push_back({"POST", prefix + "/messages/count_tokens",
                      [&service](const HttpRequest& http) { return count(service, http); }});
  }
  return routes;
}

}  // namespace sputnik::server::anthropic
