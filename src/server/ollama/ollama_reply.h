// The answers of /api/chat and /api/generate: lines of JSON, or one object.
#pragma once

#include <memory>

#include "server/common/generation_source.h"
#include "server/ollama/ollama_request.h"

namespace sputnik::server::ollama {

Reply ollama_reply(std::shared_ptr<service::Generation> generation, Form form, bool stream);

// To a request that asks for nothing. done_reason: "load" or "unload".
std::string load_json(std::string_view model, Form form, const char* done_reason);

// "2026-01-31T12:00:00Z"
std::string rfc3339(std::int64_t unix_s);

}  // namespace sputnik::server::ollama
