// Pieces that the replies of /chat/completions, /completions and the replay of a generation share.
// For .cpp files only.
#pragma once

#include "server/common/answer.h"
#include "server/common/json_out.h"
#include "service/generation.h"

namespace sputnik::server::openai {

// "stop", "length", "tool_calls" or "insufficient_system_resource". What OpenAI has no word for is
// "length", an answer that was cut; finish_detail says more.
const char* finish_reason(service::Finish finish);

// Adds "finish_detail" (repetition, cancelled, vote_decided, failed), if the reason does not say it
// all, and "stop_reason", the string that ended the answer, if one did.
void add_finish_details(Json& choice, service::Finish finish, const std::string& stop_string);

Json usage_json(const service::Usage& usage);
Json timing_json(const service::Timing& timing);
Json vote_json(const service::VoteResult& vote);

// {"token", "logprob", "bytes", "top_logprobs"} of each.
Json logprobs_json(const std::vector<service::TokenLogprobs>& logprobs);

// {"id", "object", "created", "model", "system_fingerprint"}
Json head_json(const service::GenerationInfo& info, const char* object);

// Adds "usage", "timing", and, if there are any, "cons" and "receipt".
void add_totals(Json& json, const service::Generation& generation, bool with_receipt);

}  // namespace sputnik::server::openai
