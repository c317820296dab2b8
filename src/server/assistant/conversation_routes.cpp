// Conversations: list, make, look, change, remove, search, and what the model sees of one.
#include "server/assistant/route_parts.h"
#include "server/common/request_parts.h"

namespace sputnik::server::app {
namespace {

Result<Reply> list(App& app, const HttpRequest& http) {
  assistant::ConversationQuery query;
  SPUTNIK_TRY(query.limit, integer_parameter(http, "limit", 1, 200, 50));
  query.archived = http.parameter("archived").value_or("false") == "true";
  query.cursor = http.parameter("cursor").value_or("");
  if (const auto folder = http.parameter("folder_id")) {
    SPUTNIK_TRY(const App::Place place, app.place(*folder, "folder"));
    query.folder_id = place.id;
  }
  SPUTNIK_TRY(const assistant::ConversationPage page, app.store().conversations(query));
  Json conversations = Json::array();
  for (const auto& conversation : page.conversations)
    conversations.push_back(conversation_json(conversation, false));
  return json_reply(
      {{"conversations", std::move(conversations)},
       {"next_cursor", page.next_cursor.empty() ? Json(nullptr) : Json(page.next_cursor)}});
}

Result<Reply> create(App& app, const HttpRequest& http) {
  SPUTNIK_TRY(const chat::OrderedJson json, body_or_empty(http));
  const JsonView body(json);
  assistant::NewConversation conversation;
  SPUTNIK_TRY(const auto temporary, body.get_bool("temporary"));
  SPUTNIK_TRY(const auto title, body.get_string("title"));
  SPUTNIK_TRY(const auto folder, reference(app, body, "folder_id", false));
  SPUTNIK_TRY(const auto persona, reference(app, body, "persona_id", false));
  SPUTNIK_TRY(const auto options, options_text(body));
  const bool is_temporary = temporary.value_or(false);
  conversation.title = title.value_or("");
  conversation.options = options.value_or("{}");
  if (persona) conversation.persona_id = *persona;
  if (is_temporary) {
    if (conversation.persona_id) {
      // It takes a copy along: nothing of it may be noted where personas are kept.
      SPUTNIK_TRY(const assistant::Persona known, app.store().persona(*conversation.persona_id));
      SPUTNIK_TRY(const assistant::Persona copy,
                  app.temporary().add_persona({known.name, known.instructions, known.options}));
      conversation.persona_id = copy.id;
    }
  } else if (folder) {
    conversation.folder_id = *folder;
  }
  assistant::Store& store = is_temporary ? app.temporary() : app.store();
  SPUTNIK_TRY(const assistant::Conversation made, store.add_conversation(conversation));
  return json_reply(conversation_json(made, is_temporary), 201);
}

Result<Reply> look(App& app, const HttpRequest& http) {
  SPUTNIK_TRY(const App::Place place, place_of(app, http, "conversation"));
  SPUTNIK_TRY(const assistant::Conversation conversation, place.store->conversation(place.id));
  SPUTNIK_TRY(const auto messages, place.store->messages(place.id));
  Json json = conversation_json(conversation, place.is_temporary);
  json["messages"] = messages_json(messages, place.is_temporary);
  return json_reply(json);
}

Result<Reply> change(App& app, const HttpRequest& http) {
  SPUTNIK_TRY(const App::Place place, place_of(app, http, "conversation"));
  SPUTNIK_TRY(const chat::OrderedJson json, parse_body(http.body));
  const JsonView body(json);
  assistant::ConversationChange change;
  SPUTNIK_TRY(change.title, body.get_string("title"));
  SPUTNIK_TRY(change.draft, body.get_string("draft"));
  if (is_null(body, "draft")) change.draft = "";
  SPUTNIK_TRY(change.options, options_text(body));
  SPUTNIK_TRY(change.pinned, body.get_bool("pinned"));
  SPUTNIK_TRY(change.archived, body.get_bool("archived"));
  if (!place.is_temporary) {
    SPUTNIK_TRY(change.folder_id, reference(app, body, "folder_id", false));
  }
  SPUTNIK_TRY(change.persona_id, reference(app, body, "persona_id", place.is_temporary));
  SPUTNIK_TRY(const auto leaf, reference(app, body, "active_leaf_id", place.is_temporary));
  if (leaf) change.show_message = *leaf;
  SPUTNIK_TRY(const auto conversation, place.store->change_conversation(place.id, change));
  return json_reply(conversation_json(conversation, place.is_temporary));
}

Result<Reply> remove(App& app, const HttpRequest& http) {
  SPUTNIK_TRY(const App::Place place, place_of(app, http, "conversation"));
  SPUTNIK_TRY(const auto messages, place.store->messages(place.id));
  std::vector<std::int64_t> running;
  for (const assistant::Message& message : messages)
    if (message.state == assistant::MessageState::kRunning) running.push_back(message.id);
  SPUTNIK_CHECK_OK(place.store->remove_conversation(place.id));
  stop_all(app, *place.store, running);
  return deleted_reply();
}

Result<Reply> search(App& app, const HttpRequest& http) {
  SPUTNIK_TRY(const int limit, integer_parameter(http, "limit", 1, 100, 20));
  SPUTNIK_TRY(const int offset, integer_parameter(http, "offset", 0, 1'000'000, 0));
  const std::string_view words = http.parameter("q").value_or("");
  SPUTNIK_TRY(const auto found, app.store().search(words, limit, offset));
  Json results = Json::array();
  for (const assistant::SearchResult& result : found) {
    results.push_back({{"conversation", conversation_json(result.conversation, false)},
                       {"message_id", result.message_id ? Json(public_id(*result.message_id, false))
                                                        : Json(nullptr)},
                       {"field", result.field},
                       {"snippet", result.snippet}});
  }
  return json_reply({{"results", std::move(results)}});
}

Result<Reply> context(App& app, const HttpRequest& http) {
  SPUTNIK_TRY(const App::Place place, place_of(app, http, "conversation"));
  SPUTNIK_TRY(const assistant::Conversation conversation, place.store->conversation(place.id));
  std::optional<std::int64_t> leaf = conversation.active_leaf_id;
  if (const auto text = http.parameter("leaf_id")) {
    SPUTNIK_TRY(const App::Place named, app.place(*text, "message"));
    if (named.is_temporary != place.is_temporary) return not_found("there is no such message");
    leaf = named.id;
  }
  Answering answering(app, place, {http.principal.id, cache_owner(http)});
  SPUTNIK_TRY(const Answering::Context seen, answering.context(leaf, {}));
  Json messages = Json::array();
  for (const PromptMessage& one : seen.prompt) {
    messages.push_back({{"role", chat::to_string(one.message.role)},
                        {"content", one.message.content.value_or("")},
                        {"message_id", one.id == 0 ? Json(nullptr)
                                                   : Json(public_id(one.id, place.is_temporary))}});
  }
  std::int64_t n_tokens = 0;
  if (!seen.prompt.empty()) {
    SPUTNIK_TRY(n_tokens, app.service().count_tokens(answering.request_of(seen)));
  }
  return json_reply({{"messages", std::move(messages)},
                     {"n_tokens", n_tokens},
                     {"context_length", seen.card.context_length}});
}

}  // namespace

std::vector<Route> conversation_routes(const AppPtr& app) {
  std::vector<Route> routes;
  add_route(routes, app, "GET", "conversations", list);
  add_route(routes, app, "POST", "conversations", create);
  add_route(routes, app, "GET", "conversations/{id}", look);
  add_route(routes, app, "PATCH", "conversations/{id}", change);
  add_route(routes, app, "DELETE", "conversations/{id}", remove);
  add_route(routes, app, "GET", "conversations/{id}/context", context);
  add_route(routes, app, "GET", "search", search);
  return routes;
}

}  // namespace sputnik::server::app
