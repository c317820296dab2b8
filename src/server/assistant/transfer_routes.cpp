// Conversations on their way out and in.
#include "server/assistant/route_parts.h"

namespace sputnik::server::app {

std::vector<Route> transfer_routes(const AppPtr&) {
  return {};
}

}  // namespace sputnik::server::app
