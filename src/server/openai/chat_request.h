// POST /chat/completions: the request as OpenAI and DeepSeek document it, with our extensions.
#pragma once

#include "server/common/json_reader.h"
#include "server/http.h"
#include "service/request.h"

namespace sputnik::server::openai {

// How the client wants to be answered.
struct ReplyOptions {
  bool stream = false;
  bool include_usage = false;  // in a stream: a last chunk with the numbers
  bool receipt = false;
};

struct ChatCall {
  service::GenerateRequest request;
  ReplyOptions reply;
};

// kInvalidArgument and kUnsupported; the message begins with the field's place.
Result<ChatCall> read_chat_request(const HttpRequest& http);

// Fields that /completions has, too: model, sampling, stop, max_tokens, n, stream, user, priority,
// detached, receipt, seed. Not logprobs, which are another type there.
Result<void> read_shared_fields(const JsonView& body, const HttpRequest& http, ChatCall& call);

// thinking and reasoning_effort.
Result<service::ThinkingRequest> read_thinking(const JsonView& body);

// response_format, or text.format of the Responses API, whose json_schema lies one level higher.
Result<service::ResponseFormat> read_format(const JsonView& format);

}  // namespace sputnik::server::openai
