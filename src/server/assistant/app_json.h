// Records of the store as clients see them: docs/api-assistant.md.
#pragma once

#include "assistant/store.h"
#include "server/common/json_out.h"

namespace sputnik::server::app {

Json conversation_json(const assistant::Conversation& conversation, bool is_temporary);
Json message_json(const assistant::Message& message, bool is_temporary);
Json messages_json(const std::vector<assistant::Message>& messages, bool is_temporary);
Json attachment_json(const assistant::Attachment& attachment, bool is_temporary);

// A JSON object that was kept as text.
Json object_of(const std::string& text);

}  // namespace sputnik::server::app
