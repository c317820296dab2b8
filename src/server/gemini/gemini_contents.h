// contents, systemInstruction, tools and toolConfig.
#pragma once

#include "server/common/json_reader.h"
#include "service/request.h"

namespace sputnik::server::gemini {

Result<service::ChatInput> read_chat_input(const JsonView& body);

// The text of {"parts": [{"text"}]}, of which nothing else may be in there.
Result<std::string> read_text(const JsonView& content);

}  // namespace sputnik::server::gemini
