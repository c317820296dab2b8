// Errors as each protocol's clients expect them.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "server/http.h"

namespace sputnik::server {

enum class Protocol { kOpenAi, kAnthropic, kOllama, kGemini };

// By the path alone, so that errors have the right form even before a route has been found.
// DeepSeek's paths and all others are OpenAI's.
Protocol protocol_of(std::string_view path);

// JSON. The type or status word follows from the HTTP status. message is made valid UTF-8.
std::string error_body(std::string_view path, int status, std::string_view message,
                       std::string_view request_id = {});
std::string error_body(Protocol protocol, int status, std::string_view message,
                       std::string_view request_id = {});

Reply error_reply(const HttpRequest& request, int status, std::string_view message);

// 400 for what the client did wrong, 404, 429 for kExhausted, 499 for kCancelled, 500 for kIo.
int http_status(ErrorCode code);

}  // namespace sputnik::server
