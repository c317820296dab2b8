// Google's Gemini API.
#pragma once

#include <memory>
#include <vector>

#include "server/common/embed_source.h"
#include "server/common/route.h"
#include "service/service.h"

namespace sputnik::server::gemini {

// Below /v1beta and /v1; GET models only below /v1beta, since /v1/models is OpenAI's. service must
// outlive the routes.
std::vector<Route> gemini_routes(service::Service& service,
                                 const std::shared_ptr<EmbedWorker>& embed_worker);

}  // namespace sputnik::server::gemini
