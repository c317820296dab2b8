#include "server/assistant/assistant_routes.h"

#include <charconv>
#include <iterator>

#include "formats/printable.h"
#include "server/assistant/route_parts.h"
#include "server/common/api_error.h"

namespace sputnik::server {
namespace app {

Reply json_reply(const Json& json, int status) {
  Reply reply;
  reply.head.status = status;
  reply.head.headers.emplace_back("cache-control", "no-store");
  reply.body = dump(json);
  return reply;
}

Reply deleted_reply() {
  return json_reply({{"deleted", true}});
}

void add_route(std::vector<Route>& routes, const AppPtr& app, std::string method,
               std::string_view path, Work work) {
  routes.push_back({std::move(method), std::string(kRoot) + std::string(path),
                    [app, work](const HttpRequest& http) {
                      auto reply = work(*app, http);
                      if (reply.ok()) return std::move(reply).value();
                      return error_reply(Protocol::kOpenAi, reply.error(),
                                         app->service().retry_after_s());
                    }});
}

Result<App::Place> place_of(App& app, const HttpRequest& http, std::string_view what) {
  return app.place(path_parameter(http, "id"), what);
}

Result<int> integer_parameter(const HttpRequest& http, std::string_view name, int low, int high,
                              int otherwise) {
  const auto text = http.parameter(name);
  if (!text) return otherwise;
  int value = 0;
  const auto [end, failure] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (failure != std::errc() || end != text->data() + text->size() || value < low || value > high)
    return invalid_argument("{}: \"{}\" is no number from {} to {}", name, printable(*text, 40),
                            low, high);
  return value;
}

Result<chat::OrderedJson> body_or_empty(const HttpRequest& http) {
  return parse_body(http.body.empty() ? std::string_view("{}") : std::string_view(http.body));
}

bool is_null(const JsonView& body, std::string_view key) {
  const chat::OrderedJson* value = body.json().find(key);
  return value != nullptr && value->is_null();
}

Result<std::optional<std::optional<std::int64_t>>> reference(App& app, const JsonView& body,
                                                             std::string_view key,
                                                             bool is_temporary) {
  using Reference = std::optional<std::optional<std::int64_t>>;
  if (is_null(body, key)) return Reference(std::optional<std::int64_t>());
  SPUTNIK_TRY(const auto text, body.get_string(key));
  if (!text) return Reference();
  SPUTNIK_TRY(const App::Place place, app.place(*text, key));
  if (place.is_temporary != is_temporary)
    return invalid_argument("{}: temporary conversations and others do not mix", key);
  return Reference(std::optional<std::int64_t>(place.id));
}

void stop_all(App& app, const assistant::Store& store,
              const std::vector<std::int64_t>& message_ids) {
  for (const std::int64_t id : message_ids)
    if (const auto recording = app.recorder().find(store, id)) recording->generation().cancel();
}

namespace {

Json card_json(const service::ModelCard& card) {
  return {{"id", card.id},
          {"architecture", card.architecture},
          {"family", card.family},
          {"quantization", card.quantization},
          {"n_parameters", card.n_parameters},
          {"n_active_parameters", card.n_active_parameters},
          {"file_bytes", card.file_bytes},
          {"memory_bytes", card.memory_bytes},
          {"context_length", card.context_length},
          {"digest", card.digest},
          {"is_distill", card.is_distill},
          {"thinks", card.thinks},
          {"can_turn_thinking_off", card.can_turn_thinking_off},
          {"has_tools", card.has_tools},
          {"notice", card.notice}};
}

Result<Reply> status(App& app, const HttpRequest&) {
  Json models = Json::array(), running = Json::array();
  for (const service::ModelCard& card : app.service().models()) models.push_back(card_json(card));
  for (const auto& recording : app.recorder().running()) {
    const bool is_temporary = &recording->store() == &app.temporary();
    for (const std::int64_t id : recording->message_ids()) {
      const auto message = recording->store().message(id);
      if (!message.ok()) continue;
      running.push_back(
          {{"conversation_id", public_id(message.value().conversation_id, is_temporary)},
           {"message_id", public_id(id, is_temporary)},
           {"generation_id", recording->generation().info().id}});
    }
  }
  return json_reply({{"version", SPUTNIK_VERSION},
                     {"persistent", app.is_persistent()},
                     {"models", std::move(models)},
                     {"running", std::move(running)}});
}

}  // namespace
}  // namespace app

std::vector<Route> assistant_routes(const std::shared_ptr<app::App>& app) {
  std::vector<Route> routes;
  app::add_route(routes, app, "GET", "status", app::status);
  const auto add = [&](std::vector<Route> more) {
    routes.insert(routes.end(), std::make_move_iterator(more.begin()),
                  std::make_move_iterator(more.end()));
  };
  add(app::conversation_routes(app));
  add(app::message_routes(app));
  add(app::library_routes(app));
  return routes;
}

RouteRules assistant_rules() {
  RouteRules rules;
  rules.access = Access::kManage;
  return rules;
}

}  // namespace sputnik::server
