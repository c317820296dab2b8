// Anthropic's Messages API.
#pragma once

#include <vector>

#include "server/common/route.h"
#include "service/service.h"

namespace sputnik::server::anthropic {

// At /v1/messages and, as DeepSeek has it, below /anthropic. service must outlive the routes.
std::vector<Route> anthropic_routes(service::Service& service);

}  // namespace sputnik::server::anthropic
