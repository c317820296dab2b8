// Folders, personas, memory, settings and attachments.
#include "server/assistant/route_parts.h"

namespace sputnik::server::app {
namespace {

// Of a library, which temporary conversations have no part in.
Result<std::int64_t> id_of(App& app, const HttpRequest& http, std::string_view what) {
  SPUTNIK_TRY(const App::Place place, place_of(app, http, what));
  if (place.is_temporary) return not_found("there is no such {}", what);
  return place.id;
}

Json folder_json(const assistant::Folder& folder) {
  return {{"id", public_id(folder.id, false)},
          {"name", folder.name},
          {"position", folder.position},
          {"n_conversations", folder.n_conversations}};
}

Result<Reply> list_folders(App& app, const HttpRequest&) {
  SPUTNIK_TRY(const auto folders, app.store().folders());
  Json list = Json::array();
  for (const assistant::Folder& folder : folders) list.push_back(folder_json(folder));
  return json_reply({{"folders", std::move(list)}});
}

Result<Reply> add_folder(App& app, const HttpRequest& http) {
  SPUTNIK_TRY(const chat::OrderedJson json, parse_body(http.body));
  const JsonView body(json);
  SPUTNIK_TRY(const std::string name, body.require_string("name"));
  SPUTNIK_TRY(const auto position, body.get_integer("position", -1'000'000, 1'000'000));
  SPUTNIK_TRY(const auto folder, app.store().add_folder(name, position));
  return json_reply(folder_json(folder), 201);
}

Result<Reply> change_folder(App& app, const HttpRequest& http) {
  SPUTNIK_TRY(const std::int64_t id, id_of(app, http, "folder"));
  SPUTNIK_TRY(const chat::OrderedJson json, parse_body(http.body));
  const JsonView body(json);
  SPUTNIK_TRY(const auto name, body.get_string("name"));
  SPUTNIK_TRY(const auto position, body.get_integer("position", -1'000'000, 1'000'000));
  SPUTNIK_TRY(const auto folder, app.store().change_folder(id, name, position));
  return json_reply(folder_json(folder));
}

Result<Reply> remove_folder(App& app, const HttpRequest& http) {
  SPUTNIK_TRY(const std::int64_t id, id_of(app, http, "folder"));
  SPUTNIK_CHECK_OK(app.store().remove_folder(id));
  return deleted_reply();
}

// ------------------------------------------------------------------------------------------------

Json persona_json(const assistant::Persona& persona) {
  return {{"id", public_id(persona.id, false)},
          {"name", persona.name},
          {"instructions", persona.instructions},
          {"options", object_of(persona.options)}};
}

Result<Reply> list_personas(App& app, const HttpRequest&) {
  SPUTNIK_TRY(const auto personas, app.store().personas());
  Json list = Json::array();
  for (const assistant::Persona& persona : personas) list.push_back(persona_json(persona));
  return json_reply({{"personas", std::move(list)}});
}

Result<Reply> add_persona(App& app, const HttpRequest& http) {
  SPUTNIK_TRY(const chat::OrderedJson json, parse_body(http.body));
  const JsonView body(json);
  assistant::NewPersona persona;
  SPUTNIK_TRY(persona.name, body.require_string("name"));
  SPUTNIK_TRY(persona.instructions, body.require_string("instructions"));
  SPUTNIK_TRY(const auto options, options_text(body));
  persona.options = options.value_or("{}");
  SPUTNIK_TRY(const auto made, app.store().add_persona(persona));
  return json_reply(persona_json(made), 201);
}

Result<Reply> change_persona(App& app, const HttpRequest& http) {
  SPUTNIK_TRY(const std::int64_t id, id_of(app, http, "persona"));
  SPUTNIK_TRY(const chat::OrderedJson json, parse_body(http.body));
  const JsonView body(json);
  assistant::PersonaChange change;
  SPUTNIK_TRY(change.name, body.get_string("name"));
  SPUTNIK_TRY(change.instructions, body.get_string("instructions"));
  SPUTNIK_TRY(change.options, options_text(body));
  SPUTNIK_TRY(const auto persona, app.store().change_persona(id, change));
  return json_reply(persona_json(persona));
}

Result<Reply> remove_persona(App& app, const HttpRequest& http) {
  SPUTNIK_TRY(const std::int64_t id, id_of(app, http, "persona"));
  SPUTNIK_CHECK_OK(app.store().remove_persona(id));
  return deleted_reply();
}

// ------------------------------------------------------------------------------------------------

Json note_json(const assistant::MemoryNote& note) {
  return {{"id", public_id(note.id, false)},
          {"text", note.text},
          {"created_ms", note.created_ms},
          {"updated_ms", note.updated_ms}};
}

Result<Reply> list_notes(App& app, const HttpRequest&) {
  SPUTNIK_TRY(const auto notes, app.store().notes());
  SPUTNIK_TRY(const auto enabled, app.store().setting("memory.enabled"));
  Json list = Json::array();
  for (const assistant::MemoryNote& note : notes) list.push_back(note_json(note));
  return json_reply({{"enabled", enabled.value_or("") == "true"}, {"notes", std::move(list)}});
}

Result<std::string> note_text(const HttpRequest& http) {
  SPUTNIK_TRY(const chat::OrderedJson json, parse_body(http.body));
  return JsonView(json).require_string("text");
}

Result<Reply> add_note(App& app, const HttpRequest& http) {
  SPUTNIK_TRY(const std::string text, note_text(http));
  SPUTNIK_TRY(const auto note, app.store().add_note(text));
  return json_reply(note_json(note), 201);
}

Result<Reply> change_note(App& app, const HttpRequest& http) {
  SPUTNIK_TRY(const std::int64_t id, id_of(app, http, "note"));
  SPUTNIK_TRY(const std::string text, note_text(http));
  SPUTNIK_TRY(const auto note, app.store().change_note(id, text));
  return json_reply(note_json(note));
}

Result<Reply> remove_note(App& app, const HttpRequest& http) {
  SPUTNIK_TRY(const std::int64_t id, id_of(app, http, "note"));
  SPUTNIK_CHECK_OK(app.store().remove_note(id));
  return deleted_reply();
}

Result<Reply> remove_notes(App& app, const HttpRequest&) {
  SPUTNIK_CHECK_OK(app.store().remove_notes());
  return deleted_reply();
}

// ------------------------------------------------------------------------------------------------

Result<Reply> list_settings(App& app, const HttpRequest&) {
  SPUTNIK_TRY(const auto settings, app.store().settings());
  Json json = Json::object();
  for (const auto& [key, value] : settings) json[key] = parsed_or_string(value);
  return json_reply({{"settings", std::move(json)}});
}

Result<Reply> change_settings(App& app, const HttpRequest& http) {
  SPUTNIK_TRY(const chat::OrderedJson json, parse_body(http.body));
  std::vector<std::pair<std::string, std::optional<std::string>>> changes;
  for (const chat::OrderedJsonMember& member : json.members) {
    const JsonView value(member.value, member.key);
    if (member.key == "options" && !value.is_null()) {
      AnswerOptions checked;
      SPUTNIK_CHECK_OK(checked.add(value));
    }
    changes.emplace_back(
        member.key, value.is_null() ? std::optional<std::string>() : std::optional(value.text()));
  }
  SPUTNIK_CHECK_OK(app.store().change_settings(changes));
  return list_settings(app, http);
}

// ------------------------------------------------------------------------------------------------

Result<Reply> add_attachment(App& app, const HttpRequest& http) {
  SPUTNIK_TRY(const chat::OrderedJson json, parse_body(http.body));
  const JsonView body(json);
  assistant::NewAttachment attachment;
  SPUTNIK_TRY(attachment.name, body.require_string("name"));
  SPUTNIK_TRY(attachment.text, body.require_string("text"));
  SPUTNIK_TRY(const auto type, body.get_string("media_type"));
  SPUTNIK_TRY(const auto temporary, body.get_bool("temporary"));
  if (type) attachment.media_type = *type;
  const bool is_temporary = temporary.value_or(false);
  assistant::Store& store = is_temporary ? app.temporary() : app.store();
  SPUTNIK_TRY(const auto made, store.add_attachment(attachment));
  return json_reply(attachment_json(made, is_temporary), 201);
}

Result<Reply> look_at_attachment(App& app, const HttpRequest& http) {
  SPUTNIK_TRY(const App::Place place, place_of(app, http, "attachment"));
  SPUTNIK_TRY(const auto attachment, place.store->attachment(place.id));
  Json json = attachment_json(attachment, place.is_temporary);
  json["text"] = attachment.text;
  return json_reply(json);
}

}  // namespace

std::vector<Route> library_routes(const AppPtr& app) {
  std::vector<Route> routes;
  add_route(routes, app, "GET", "folders", list_folders);
  add_route(routes, app, "POST", "folders", add_folder);
  add_route(routes, app, "PATCH", "folders/{id}", change_folder);
  add_route(routes, app, "DELETE", "folders/{id}", remove_folder);
  add_route(routes, app, "GET", "personas", list_personas);
  add_route(routes, app, "POST", "personas", add_persona);
  add_route(routes, app, "PATCH", "personas/{id}", change_persona);
  add_route(routes, app, "DELETE", "personas/{id}", remove_persona);
  add_route(routes, app, "GET", "memory", list_notes);
  add_route(routes, app, "POST", "memory", add_note);
  add_route(routes, app, "DELETE", "memory", remove_notes);
  add_route(routes, app, "PATCH", "memory/{id}", change_note);
  add_route(routes, app, "DELETE", "memory/{id}", remove_note);
  add_route(routes, app, "GET", "settings", list_settings);
  add_route(routes, app, "PATCH", "settings", change_settings);
  add_route(routes, app, "POST", "attachments", add_attachment);
  add_route(routes, app, "GET", "attachments/{id}", look_at_attachment);
  return routes;
}

}  // namespace sputnik::server::app
