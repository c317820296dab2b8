// Ollama's API.
#pragma once

#include <memory>
#include <vector>

#include "server/common/embed_source.h"
#include "server/common/route.h"
#include "service/service.h"

namespace sputnik::server::ollama {

// Below /api. service must outlive the routes.
std::vector<Route> ollama_routes(service::Service& service,
                                 const std::shared_ptr<EmbedWorker>& embed_worker);

}  // namespace sputnik::server::ollama
