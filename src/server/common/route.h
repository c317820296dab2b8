// What a protocol offers to the router.
#pragma once

#include <string>
#include <vector>

#include "server/http.h"

namespace sputnik::server {

// pattern: "/v1/models/{id}". A name in braces stands for one or more characters of one path
// segment, with "{id...}" for the rest of the path, slashes included (ids of models have some); the
// text goes to HttpRequest::path_parameters.
struct Route {
  std::string method, pattern;
  Handler handler;
};

// "" if the route has no such parameter.
std::string_view path_parameter(const HttpRequest& request, std::string_view name);

}  // namespace sputnik::server
