#include "server/assistant/app_json.h"

#include "server/assistant/app.h"

namespace sputnik::server::app {
namespace {

Json id_json(const std::optional<std::int64_t>& id, bool is_temporary) {
  return id ? Json(public_id(*id, is_temporary)) : Json(nullptr);
}

}  // namespace

Json object_of(const std::string& text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return json.is_object() ? json : Json::object();
}

Json conversation_json(const assistant::Conversation& c, bool is_temporary) {
  return {{"id", public_id(c.id, is_temporary)},
          {"title", c.title},
          {"title_is_automatic", c.title_is_automatic},
          {"temporary", is_temporary},
          {"folder_id", id_json(c.folder_id, false)},
          {"persona_id", id_json(c.persona_id, is_temporary)},
          {"pinned", c.pinned},
          {"archived", c.archived},
          {"created_ms", c.created_ms},
          {"updated_ms", c.updated_ms},
          {"n_messages", c.n_messages},
          {"active_leaf_id", id_json(c.active_leaf_id, is_temporary)},
          {"draft", c.draft},
          {"options", object_of(c.options)},
          {"running", c.running},
          {"source", c.source}};
}

Json attachment_json(const assistant::Attachment& attachment, bool is_temporary) {
  return {{"id", public_id(attachment.id, is_temporary)},
          {"name", attachment.name},
          {"media_type", attachment.media_type},
          {"size_bytes", attachment.size_bytes}};
}

Json message_json(const assistant::Message& m, bool is_temporary) {
  Json facts = object_of(m.facts);
  facts["has_receipt"] = m.has_receipt;
  Json attachments = Json::array();
  for (const assistant::Attachment& attachment : m.attachments)
    attachments.push_back(attachment_json(attachment, is_temporary));
  return {{"id", public_id(m.id, is_temporary)},
          {"conversation_id", public_id(m.conversation_id, is_temporary)},
          {"parent_id", id_json(m.parent_id, is_temporary)},
          {"role", to_string(m.role)},
          {"content", m.content},
          {"reasoning", m.reasoning},
          {"state", to_string(m.state)},
          {"created_ms", m.created_ms},
          {"updated_ms", m.updated_ms},
          {"generation_id", m.generation_id.empty() ? Json(nullptr) : Json(m.generation_id)},
          {"choice", m.choice},
          {"events", m.n_events},
          {"attachments", std::move(attachments)},
          {"options", object_of(m.options)},
          {"facts", std::move(facts)}};
}

Json messages_json(const std::vector<assistant::Message>& messages, bool is_temporary) {
  Json list = Json::array();
  for (const assistant::Message& message : messages)
    list.push_back(message_json(message, is_temporary));
  return list;
}

}  // namespace sputnik::server::app
