// Messages: ask, answer again, edit, go on, think otherwise, stop, listen, remove.
#include <charconv>

#include "formats/printable.h"
#include "server/assistant/route_parts.h"
#include "server/common/api_error.h"
#include "server/common/request_parts.h"

namespace sputnik::server::app {
namespace {

using assistant::MessageState;
using assistant::Role;

Json asked_json(const Asked& asked, bool is_temporary) {
  return {
      {"conversation", conversation_json(asked.conversation, is_temporary)},
      {"question", asked.question ? message_json(*asked.question, is_temporary) : Json(nullptr)},
      {"answers", messages_json(asked.answers, is_temporary)}};
}

Asker asker_of(const HttpRequest& http) {
  return {http.principal.id, cache_owner(http)};
}

Result<void> read_attachments(App& app, const JsonView& body, bool is_temporary,
                              assistant::NewMessage& message) {
  SPUTNIK_TRY(const auto list, body.get_array("attachments"));
  for (const JsonView& one : list) {
    SPUTNIK_TRY(const JsonView object, one.as_object());
    SPUTNIK_TRY(const auto id, reference(app, object, "id", is_temporary));
    if (id && *id) {
      message.attachment_ids.push_back(**id);
      continue;
    }
    assistant::NewAttachment made;
    SPUTNIK_TRY(made.name, object.require_string("name"));
    SPUTNIK_TRY(made.text, object.require_string("text"));
    SPUTNIK_TRY(const auto type, object.get_string("media_type"));
    if (type) made.media_type = *type;
    message.attachments.push_back(std::move(made));
  }
  return ok_result();
}

// The message of the path, and where its conversation is.
struct Found {
  App::Place conversation;
  assistant::Message message;
};
Result<Found> find(App& app, const HttpRequest& http) {
  SPUTNIK_TRY(App::Place place, place_of(app, http, "message"));
  SPUTNIK_TRY(assistant::Message message, place.store->message(place.id));
  place.id = message.conversation_id;
  return Found{place, std::move(message)};
}

Result<void> must_be(const Found& found, Role role, std::string_view what) {
  if (found.message.role == role) return ok_result();
  return invalid_argument("only {} can be {}", role == Role::kUser ? "a question" : "an answer",
                          what);
}

Result<Reply> ask(App& app, const HttpRequest& http) {
  SPUTNIK_TRY(const App::Place place, place_of(app, http, "conversation"));
  SPUTNIK_TRY(const chat::OrderedJson json, parse_body(http.body));
  const JsonView body(json);
  assistant::NewMessage question;
  SPUTNIK_TRY(question.content, body.require_string("content"));
  SPUTNIK_CHECK_OK(read_attachments(app, body, place.is_temporary, question));
  SPUTNIK_TRY(const auto options, options_text(body));
  SPUTNIK_TRY(const auto wants_answer, body.get_bool("answer"));
  SPUTNIK_TRY(const auto parent, reference(app, body, "parent_id", place.is_temporary));
  if (parent) {
    question.parent_id = *parent;
  } else {
    SPUTNIK_TRY(const auto conversation, place.store->conversation(place.id));
    question.parent_id = conversation.active_leaf_id;
  }
  Answering answering(app, place, asker_of(http));
  SPUTNIK_TRY(const Asked asked, answering.ask(std::move(question), options.value_or(""),
                                               wants_answer.value_or(true)));
  return json_reply(asked_json(asked, place.is_temporary), 201);
}

Result<Reply> regenerate(App& app, const HttpRequest& http) {
  SPUTNIK_TRY(const Found found, find(app, http));
  SPUTNIK_TRY(const chat::OrderedJson json, body_or_empty(http));
  SPUTNIK_TRY(const auto options, options_text(JsonView(json)));
  const std::optional<std::int64_t> parent = found.message.role == Role::kAssistant
                                                 ? found.message.parent_id
                                                 : std::optional(found.message.id);
  if (!parent) return invalid_argument("there is no question above this answer");
  Answering answering(app, found.conversation, asker_of(http));
  SPUTNIK_TRY(const Asked asked, answering.answer(parent, options.value_or("")));
  return json_reply(asked_json(asked, found.conversation.is_temporary), 201);
}

Result<Reply> edit(App& app, const HttpRequest& http) {
  SPUTNIK_TRY(const Found found, find(app, http));
  SPUTNIK_CHECK_OK(must_be(found, Role::kUser, "edited"));
  SPUTNIK_TRY(const chat::OrderedJson json, parse_body(http.body));
  const JsonView body(json);
  assistant::NewMessage question;
  question.parent_id = found.message.parent_id;
  SPUTNIK_TRY(question.content, body.require_string("content"));
  if (body.json().find("attachments") == nullptr) {
    for (const assistant::Attachment& kept : found.message.attachments)
      question.attachment_ids.push_back(kept.id);
  }
  SPUTNIK_CHECK_OK(read_attachments(app, body, found.conversation.is_temporary, question));
  SPUTNIK_TRY(const auto options, options_text(body));
  SPUTNIK_TRY(const auto wants_answer, body.get_bool("answer"));
  Answering answering(app, found.conversation, asker_of(http));
  SPUTNIK_TRY(const Asked asked, answering.ask(std::move(question), options.value_or(""),
                                               wants_answer.value_or(true)));
  return json_reply(asked_json(asked, found.conversation.is_temporary), 201);
}

Result<Reply> go_on(App& app, const HttpRequest& http) {
  SPUTNIK_TRY(const Found found, find(app, http));
  SPUTNIK_CHECK_OK(must_be(found, Role::kAssistant, "continued"));
  if (found.message.state == MessageState::kRunning)
    return invalid_argument("this answer is still being written");
  if (!found.message.parent_id) return invalid_argument("there is no question above this answer");
  SPUTNIK_TRY(const chat::OrderedJson json, body_or_empty(http));
  SPUTNIK_TRY(const auto options, options_text(JsonView(json)));
  Answering answering(app, found.conversation, asker_of(http));
  SPUTNIK_TRY(const Asked asked, answering.go_on(found.message, options.value_or("")));
  return json_reply(asked_json(asked, found.conversation.is_temporary));
}

Result<Reply> rethink(App& app, const HttpRequest& http) {
  SPUTNIK_TRY(const Found found, find(app, http));
  SPUTNIK_CHECK_OK(must_be(found, Role::kAssistant, "thought about again"));
  if (!found.message.parent_id) return invalid_argument("there is no question above this answer");
  SPUTNIK_TRY(const chat::OrderedJson json, parse_body(http.body));
  const JsonView body(json);
  SPUTNIK_TRY(const std::string reasoning, body.require_string("reasoning"));
  SPUTNIK_TRY(const auto options, options_text(body));
  Answering answering(app, found.conversation, asker_of(http));
  SPUTNIK_TRY(const Asked asked, answering.rethink(found.message, reasoning, options.value_or("")));
  return json_reply(asked_json(asked, found.conversation.is_temporary), 201);
}

Result<Reply> look(App& app, const HttpRequest& http) {
  SPUTNIK_TRY(const Found found, find(app, http));
  return json_reply(message_json(found.message, found.conversation.is_temporary));
}

Result<Reply> stop(App& app, const HttpRequest& http) {
  SPUTNIK_TRY(const Found found, find(app, http));
  if (const auto recording = app.recorder().find(*found.conversation.store, found.message.id)) {
    recording->generation().cancel();
    (void)recording->wait(std::chrono::milliseconds(2000));
  }
  return look(app, http);
}

Result<Reply> think(App& app, const HttpRequest& http) {
  SPUTNIK_TRY(const Found found, find(app, http));
  SPUTNIK_TRY(const chat::OrderedJson json, parse_body(http.body));
  const JsonView body(json);
  SPUTNIK_TRY(const auto budget, body.get_integer("budget", 0, kMaxTokens));
  SPUTNIK_TRY(const auto answer_now, body.get_bool("answer_now"));
  if (!budget && !answer_now)
    return invalid_argument("expected {{\"budget\": tokens}} or {{\"answer_now\": true}}");
  const auto recording = app.recorder().find(*found.conversation.store, found.message.id);
  if (recording == nullptr) return invalid_argument("this answer is no longer being written");
  if (budget) recording->generation().set_thinking_budget(*budget);
  if (answer_now.value_or(false)) recording->generation().answer_now();
  return json_reply(message_json(found.message, found.conversation.is_temporary));
}

Result<Reply> receipt(App& app, const HttpRequest& http) {
  SPUTNIK_TRY(const App::Place place, place_of(app, http, "message"));
  Reply reply;
  SPUTNIK_TRY(reply.body, place.store->receipt(place.id));
  return reply;
}

Result<Reply> remove(App& app, const HttpRequest& http) {
  SPUTNIK_TRY(const Found found, find(app, http));
  const std::string_view children = http.parameter("children").value_or("delete");
  if (children != "delete" && children != "reattach")
    return invalid_argument("children: expected \"delete\" or \"reattach\"");
  assistant::Store& store = *found.conversation.store;
  const bool is_temporary = found.conversation.is_temporary;
  SPUTNIK_TRY(const auto gone,
              store.remove_message(found.message.id, children == "delete"
                                                         ? assistant::Store::Children::kDelete
                                                         : assistant::Store::Children::kReattach));
  stop_all(app, store, gone);
  SPUTNIK_TRY(const auto conversation, store.conversation(found.message.conversation_id));
  Json ids = Json::array();
  for (const std::int64_t id : gone) ids.push_back(public_id(id, is_temporary));
  return json_reply(
      {{"deleted", std::move(ids)},
       {"active_leaf_id", conversation.active_leaf_id
                              ? Json(public_id(*conversation.active_leaf_id, is_temporary))
                              : Json(nullptr)}});
}

// The number of the event after the last one that the client has: ?after=N, or what browsers send
// when a stream breaks.
Result<std::size_t> first_event(const HttpRequest& http) {
  std::string_view text = http.header("last-event-id");
  if (const auto after = http.parameter("after"); after && text.empty()) text = *after;
  if (text.empty() || text == "-1") return std::size_t{0};
  std::uint32_t after = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), after);
  if (failure != std::errc() || end != text.data() + text.size())
    return invalid_argument("after: \"{}\" is no number of an event", printable(text, 40));
  return std::size_t{after} + 1;
}

Reply events(const AppPtr& app, const HttpRequest& http) {
  const auto open = [&]() -> Result<Reply> {
    SPUTNIK_TRY(const App::Place place, place_of(*app, http, "message"));
    SPUTNIK_TRY(const std::size_t from, first_event(http));
    SPUTNIK_TRY([[maybe_unused]] const auto message, place.store->message(place.id));
    return events_reply(app, place, from);
  };
  auto reply = open();
  return reply.ok() ? std::move(reply).value() : error_reply(Protocol::kOpenAi, reply.error());
}

}  // namespace

std::vector<Route> message_routes(const AppPtr& app) {
  std::vector<Route> routes;
  add_route(routes, app, "POST", "conversations/{id}/messages", ask);
  add_route(routes, app, "POST", "messages/{id}/regenerate", regenerate);
  add_route(routes, app, "POST", "messages/{id}/edit", edit);
  add_route(routes, app, "POST", "messages/{id}/continue", go_on);
  add_route(routes, app, "POST", "messages/{id}/rethink", rethink);
  add_route(routes, app, "POST", "messages/{id}/stop", stop);
  add_route(routes, app, "POST", "messages/{id}/thinking", think);
  add_route(routes, app, "GET", "messages/{id}", look);
  add_route(routes, app, "GET", "messages/{id}/receipt", receipt);
  add_route(routes, app, "DELETE", "messages/{id}", remove);
  routes.push_back({"GET", std::string(kRoot) + "messages/{id}/events",
                    [app](const HttpRequest& http) { return events(app, http); }});
  return routes;
}

}  // namespace sputnik::server::app
