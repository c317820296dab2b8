// The assistant's own API under /api/app/v1: docs/api-assistant.md.
#pragma once

#include <memory>
#include <vector>

#include "server/assistant/app.h"
#include "server/common/route.h"
#include "server/router.h"

namespace sputnik::server {

// The routes keep the app.
std::vector<Route> assistant_routes(const std::shared_ptr<app::App>& app);

// Whom they are for: conversations belong to the owner of the machine.
RouteRules assistant_rules();

}  // namespace sputnik::server
