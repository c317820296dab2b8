// What the routes of the assistant share.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "server/assistant/answering.h"
#include "server/assistant/app.h"
#include "server/assistant/app_json.h"
#include "server/common/route.h"

namespace sputnik::server::app {

inline constexpr std::string_view kRoot = "/api/app/v1/";

using AppPtr = std::shared_ptr<App>;
using Work = Result<Reply> (*)(App&, const HttpRequest&);

Reply json_reply(const Json& json, int status = 200);
Reply deleted_reply();
// Adds a route below kRoot whose errors become replies.
void add_route(std::vector<Route>& routes, const AppPtr& app, std::string method,
               std::string_view path, Work work);

// The {id} of the path.
Result<App::Place> place_of(App& app, const HttpRequest& http, std::string_view what);
Result<int> integer_parameter(const HttpRequest& http, std::string_view name, int low, int high,
                              int otherwise);
// Of a body that may be absent altogether.
Result<chat::OrderedJson> body_or_empty(const HttpRequest& http);
// A member that names something: absent, null, or an id of the same kind as `place`.
Result<std::optional<std::optional<std::int64_t>>> reference(App& app, const JsonView& body,
                                                             std::string_view key,
                                                             bool is_temporary);
bool is_null(const JsonView& body, std::string_view key);

std::vector<Route> conversation_routes(const AppPtr& app);
std::vector<Route> message_routes(const AppPtr& app);
std::vector<Route> library_routes(const AppPtr& app);

// The stream of a running answer, from event number `from` on; of another the end alone.
Reply events_reply(const AppPtr& app, const App::Place& message, std::size_t from);
// Ends what is being written of these messages.
void stop_all(App& app, const assistant::Store& store,
              const std::vector<std::int64_t>& message_ids);

}  // namespace sputnik::server::app
