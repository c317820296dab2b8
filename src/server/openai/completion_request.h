// POST /completions: a text to go on with, without a chat template.
#pragma once

#include "server/openai/chat_request.h"

namespace sputnik::server::openai {

Result<ChatCall> read_completion_request(const HttpRequest& http);

}  // namespace sputnik::server::openai
