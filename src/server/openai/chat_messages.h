// messages, tools and tool_choice of a chat request.
#pragma once

#include "server/common/json_reader.h"
#include "service/request.h"

namespace sputnik::server::openai {

// messages, tools, tool_choice, parallel_tool_calls; "prefix" of the last message.
Result<service::ChatInput> read_chat_input(const JsonView& body);

}  // namespace sputnik::server::openai
