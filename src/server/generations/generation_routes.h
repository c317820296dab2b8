// Answers while they come, whoever asked for them: look, listen again, cut the thought short, end.
#pragma once

#include <vector>

#include "server/common/route.h"
#include "service/service.h"

namespace sputnik::server {

// GET and DELETE /v1/generations/{id}, GET .../events, POST .../thinking. service must outlive the
// routes.
std::vector<Route> generation_routes(service::Service& service);

// {"id", "model", ..., "progress": {...}, "usage": {...}}
std::string generation_json(const service::Generation& generation);

}  // namespace sputnik::server
