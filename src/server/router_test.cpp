#include "server/router.h"

#include <gtest/gtest.h>

namespace sputnik::server {
namespace {

Reply nothing(const HttpRequest&) {
  return {};
}

std::string pattern_of(const Router& router, std::string_view method, std::string_view path) {
  const Router::Match match = router.find(method, path);
  return match.route == nullptr ? "" : match.route->pattern;
}

TEST(Router, AParameterIsOneSegment) {
  PathParameters parameters;
  EXPECT_TRUE(match_pattern("/v1/models/{id}", "/v1/models/r1:7b", parameters));
  EXPECT_EQ(parameters, (PathParameters{{"id", "r1:7b"}}));
  for (const char* path :
       {"/v1/models/", "/v1/models", "/v1/models/a/b", "/v1/models/a/", "/x", ""}) {
    parameters.clear();
    EXPECT_FALSE(match_pattern("/v1/models/{id}", path, parameters)) << path;
    EXPECT_TRUE(parameters.empty());
  }
}

TEST(Router, AParameterWithDotsMayHoldSlashes) {
  PathParameters parameters;
  EXPECT_TRUE(match_pattern("/m/{id...}", "/m/deepseek-ai/R1", parameters));
  EXPECT_EQ(parameters[0].second, "deepseek-ai/R1");
}

TEST(Router, TheLastVerbCounts) {
  PathParameters parameters;
  EXPECT_TRUE(match_pattern("/v1beta/models/{m}:generateContent",
                            "/v1beta/models/r1:7b:generateContent", parameters));
  EXPECT_EQ(parameters[0].second, "r1:7b");
  parameters.clear();
  EXPECT_FALSE(match_pattern("/v1beta/models/{m}:generateContent",
                             "/v1beta/models/:generateContent", parameters));
  EXPECT_FALSE(match_pattern("/v1beta/models/{m}:generateContent",
                             "/v1beta/models/r1:streamGenerateContent", parameters));
}

TEST(Router, WhatIsSpelledOutWinsOverAParameter) {
  Router router;
  router.add("GET", "/v1/{anything}", Handler(nothing));
  router.add("GET", "/v1/models", Handler(nothing));
  router.add("POST", "/v1/models", Handler(nothing));
  EXPECT_EQ(pattern_of(router, "GET", "/v1/models"), "/v1/models");
  EXPECT_EQ(pattern_of(router, "GET", "/v1/other"), "/v1/{anything}");
  EXPECT_EQ(pattern_of(router, "HEAD", "/v1/models"), "/v1/models");
  EXPECT_EQ(pattern_of(router, "DELETE", "/v1/models"), "");
  EXPECT_EQ(router.find("DELETE", "/v1/models").allowed, "GET, HEAD, POST");
  EXPECT_EQ(router.find("GET", "/v2").allowed, "");
}

TEST(Router, SaysWhatStoodForTheParameters) {
  Router router;
  router.add("GET", "/a/{x}/b/{y}", [](const HttpRequest&) { return Reply{}; });
  const Router::Match match = router.find("GET", "/a/1/b/2");
  ASSERT_NE(match.route, nullptr);
  EXPECT_EQ(match.parameters, (PathParameters{{"x", "1"}, {"y", "2"}}));
}

}  // namespace
}  // namespace sputnik::server
