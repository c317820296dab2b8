// All that the five protocols answer to, for whoever fills the router.
#pragma once

#include <memory>
#include <vector>

#include "server/common/embed_source.h"
#include "server/common/route.h"
#include "service/service.h"

namespace sputnik::server {

// service must outlive the routes and the worker, which the routes keep.
std::vector<Route> api_routes(service::Service& service,
                              const std::shared_ptr<EmbedWorker>& embed_worker);

}  // namespace sputnik::server
