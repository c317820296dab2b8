// The answers of /v1/messages: a message, or its stream of typed events.
#pragma once

#include <memory>

#include "server/anthropic/anthropic_request.h"
#include "server/common/generation_source.h"

namespace sputnik::server::anthropic {

// with_receipt: extension, "receipt" in the message or in message_delta.
Reply messages_reply(std::shared_ptr<service::Generation> generation, bool stream,
                     bool with_receipt);

// What stands in a thought's "signature": BLAKE2b of its text, in base64. Anthropic's is a secret
// that only they can make; ours says that the text is whole, and nothing checks it.
std::string thought_signature(std::string_view thought);

std::string token_count_json(std::int64_t n_tokens);

}  // namespace sputnik::server::anthropic
