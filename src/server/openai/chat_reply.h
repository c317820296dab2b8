// The answers of /chat/completions: one object, or a stream of chunks.
#pragma once

#include <memory>

#include "server/common/generation_source.h"
#include "server/openai/chat_request.h"

namespace sputnik::server::openai {

// Each chunk has an "id:" line with the number of the last event in it, for coming back to a broken
// stream. Progress of reading the prompt is a comment: ": prompt 512/2048".
std::unique_ptr<EventWriter> make_chunk_writer(ReplyOptions options);

std::string chat_completion_json(const Answer& answer, const service::Generation& generation,
                                 bool with_receipt);

Reply chat_reply(std::shared_ptr<service::Generation> generation, ReplyOptions options);

// A stream of chat chunks from event `from` on, usage included.
Reply replay_reply(std::shared_ptr<service::Generation> generation, std::size_t from);

}  // namespace sputnik::server::openai
