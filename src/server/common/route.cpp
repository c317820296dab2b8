#include "server/common/route.h"

namespace sputnik::server {

std::string_view path_parameter(const HttpRequest& request, std::string_view name) {
  for (const auto& [key, value] : request.path_parameters)
    if (key == name) return value;
  return {};
}

}  // namespace sputnik::server
