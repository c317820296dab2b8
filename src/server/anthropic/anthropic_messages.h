// system and messages of a request to /v1/messages.
#pragma once

#include "server/common/json_reader.h"
#include "service/request.h"

namespace sputnik::server::anthropic {

// Results of tools become messages of their own, before the text that stands beside them. An
// assistant's message at the end is a beginning to go on with.
Result<void> read_messages(const JsonView& body, service::ChatInput& input);

}  // namespace sputnik::server::anthropic
