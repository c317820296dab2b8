// The APIs of OpenAI and DeepSeek: chat and raw completions, responses, embeddings, models.
#pragma once

#include <memory>
#include <vector>

#include "server/common/embed_source.h"
#include "server/common/route.h"
#include "service/service.h"

namespace sputnik::server::openai {

// At /v1, and, as DeepSeek has it, at the root and /beta as well. service must outlive the routes.
std::vector<Route> openai_routes(service::Service& service,
                                 const std::shared_ptr<EmbedWorker>& embed_worker);

}  // namespace sputnik::server::openai
