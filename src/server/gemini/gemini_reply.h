// GenerateContentResponse: one, a stream of server-sent events, or an array that grows.
#pragma once

#include <memory>
#include <vector>

#include "server/common/generation_source.h"
#include "service/service.h"

namespace sputnik::server::gemini {

Reply content_reply(std::shared_ptr<service::Generation> generation, bool include_thoughts);
// as_sse: ?alt=sse; otherwise a JSON array whose elements come one after another.
Reply stream_content_reply(std::shared_ptr<service::Generation> generation, bool include_thoughts,
                           bool as_sse);

std::string count_json(std::int64_t n_tokens);
std::string embedding_json(const std::vector<service::Embedding>& embeddings);   // the first
std::string embeddings_json(const std::vector<service::Embedding>& embeddings);  // all
std::string model_json(const service::ModelCard& card);
std::string models_json(const std::vector<service::ModelCard>& cards);

}  // namespace sputnik::server::gemini
