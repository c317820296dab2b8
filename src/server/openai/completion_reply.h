// The answers of /completions: one "text_completion" object, or a stream of them.
#pragma once

#include <memory>

#include "server/common/generation_source.h"
#include "server/openai/chat_request.h"

namespace sputnik::server::openai {

Reply completion_reply(std::shared_ptr<service::Generation> generation, ReplyOptions options);

}  // namespace sputnik::server::openai
