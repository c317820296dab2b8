#include "server/common/api_routes.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>

#include "server/service_testing.h"

namespace sputnik::server {
namespace {

TEST(ApiRoutes, AreOneOfEachMethodAndPattern) {
  ScriptedService service;
  const auto routes = api_routes(service, std::make_shared<EmbedWorker>(service));
  std::set<std::pair<std::string, std::string>> seen;
  for (const Route& route : routes) {
    EXPECT_TRUE(seen.emplace(route.method, route.pattern).second) << route.pattern;
    EXPECT_TRUE(route.pattern.starts_with("/"));
  }
  // The paths that clients of each protocol are configured with.
  for (const char* path : {"/v1/chat/completions", "/chat/completions", "/beta/completions",
                           "/v1/messages", "/anthropic/v1/messages", "/api/chat", "/v1/responses",
                           "/v1beta/models/{model...}:generateContent"}) {
    EXPECT_TRUE(seen.contains({"POST", path})) << path;
  }
}

// Bodies of every protocol that are no request: one clear refusal each, in that protocol's form.
TEST(ApiRoutes, RefuseHostileBodiesEverywhere) {
  ScriptedService service;
  const auto routes = api_routes(service, std::make_shared<EmbedWorker>(service));
  for (const std::string& body :
       {std::string(), std::string("null"), std::string(70, '['), std::string("{\"a\":\"\xff\"}"),
        std::string(
            "{\"messages\":{},\"input\":{},\"contents\":{},\"prompt\":{},\"content\":7}")}) {
    for (const Route& route : routes) {
      if (route.method != "POST" || route.pattern.starts_with("/v1/generations")) continue;
      // It needs no message: a model is loaded.
      const bool takes_anything = route.pattern == "/api/show";
      HttpRequest request = post(body);
      request.path_parameters = {{"model", "tiny"}};
      const Reply reply = route.handler(request);
      if (takes_anything && reply.head.status == 200) continue;
      EXPECT_EQ(reply.head.status, 400) << route.pattern << "\n" << body;
      EXPECT_TRUE(reply.body.find("\"error\"") != std::string::npos) << route.pattern;
    }
  }
  EXPECT_TRUE(service.requests.empty());
}

}  // namespace
}  // namespace sputnik::server
