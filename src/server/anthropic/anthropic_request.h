// POST /v1/messages as Anthropic documents it.
#pragma once

#include "server/http.h"
#include "service/request.h"

namespace sputnik::server::anthropic {

struct MessagesCall {
  service::GenerateRequest request;
  bool stream = false;
  bool receipt = false;
};

// kInvalidArgument and kUnsupported; the message begins with the field's place.
Result<MessagesCall> read_messages_request(const HttpRequest& http);

}  // namespace sputnik::server::anthropic
