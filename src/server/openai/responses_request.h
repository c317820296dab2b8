// POST /responses: the stateless part of OpenAI's Responses API.
#pragma once

#include <string>

#include "server/http.h"
#include "service/request.h"

namespace sputnik::server::openai {

struct ResponsesOptions {
  bool stream = false;
  bool receipt = false;
  // Fields of the request that the reply repeats, as JSON text.
  std::string echo = "{}";
};

struct ResponsesCall {
  service::GenerateRequest request;
  ResponsesOptions options;
};

// kUnsupported for what needs a memory on the server: previous_response_id, conversation,
// "background": true. "store" is accepted, and the reply says that nothing was stored.
Result<ResponsesCall> read_responses_request(const HttpRequest& http);

}  // namespace sputnik::server::openai
