#include "server/common/api_routes.h"

#include <iterator>
#include <utility>

#include "server/anthropic/anthropic_routes.h"
#include "server/gemini/gemini_routes.h"
#include "server/generations/generation_routes.h"
#include "server/ollama/ollama_routes.h"
#include "server/openai/openai_routes.h"

namespace sputnik::server {

std::vector<Route> api_routes(service::Service& service,
                              const std::shared_ptr<EmbedWorker>& embed_worker) {
  std::vector<Route> routes = openai::openai_routes(service, embed_worker);
  const auto add = [&](std::vector<Route> more) {
    routes.insert(routes.end(), std::make_move_iterator(more.begin()),
                  std::make_move_iterator(more.end()));
  };
  add(generation_routes(service));
  add(anthropic::anthropic_routes(service));
  add(ollama::ollama_routes(service, embed_worker));
  add(gemini::gemini_routes(service, embed_worker));
  return routes;
}

}  // namespace sputnik::server
