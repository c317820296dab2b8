#include "server/error_envelope.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace sputnik::server {
namespace {

using Json = nlohmann::json;

TEST(ErrorEnvelope, ThePathNamesTheProtocol) {
  const std::pair<const char*, Protocol> cases[] = {
      {"", Protocol::kOpenAi},
      {"/v1/chat/completions", Protocol::kOpenAi},
      {"/chat/completions", Protocol::kOpenAi},
      {"/beta/completions", Protocol::kOpenAi},
      {"/v1/models/r1:7b", Protocol::kOpenAi},
      {"/v1/messages", Protocol::kAnthropic},
      {"/v1/messages/count_tokens", Protocol::kAnthropic},
      {"/v1/messagesx", Protocol::kOpenAi},
      {"/anthropic/v1/messages", Protocol::kAnthropic},
      {"/api/chat", Protocol::kOllama},
      {"/apix", Protocol::kOpenAi},
      {"/v1beta/models/r1:generateContent", Protocol::kGemini},
      {"/v1/models/r1:streamGenerateContent", Protocol::kGemini},
      {"/v1/models/r1:7b:countTokens", Protocol::kGemini},
  };
  for (const auto& [path, protocol] : cases) EXPECT_EQ(protocol_of(path), protocol) << path;
}

TEST(ErrorEnvelope, HasTheFormOfItsProtocol) {
  EXPECT_EQ(Json::parse(error_body("/v1/models", 401, "no key")),
            Json::parse(R"({"error":{"message":"no key","type":"authentication_error",
                            "param":null,"code":"authentication_error"}})"));
  EXPECT_EQ(Json::parse(error_body("/v1/messages", 429, "slow", "id7")),
            Json::parse(R"({"type":"error","error":{"type":"rate_limit_error","message":"slow"},
                            "request_id":"id7"})"));
  EXPECT_EQ(Json::parse(error_body("/api/chat", 404, "no such model")),
            Json::parse(R"({"error":"no such model"})"));
  EXPECT_EQ(Json::parse(error_body("/v1beta/models", 503, "loading")),
            Json::parse(R"({"error":{"code":503,"message":"loading","status":"UNAVAILABLE"}})"));
}

TEST(ErrorEnvelope, TheTypeFollowsFromTheStatus) {
  const auto type = [](int status) {
    return Json::parse(error_body("/", status, ""))["error"]["type"].get<std::string>();
  };
  EXPECT_EQ(type(400), "invalid_request_error");
  EXPECT_EQ(type(422), "invalid_request_error");
  EXPECT_EQ(type(429), "rate_limit_error");
  EXPECT_EQ(type(500), "server_error");
}

TEST(ErrorEnvelope, AMessageThatIsNotUtf8IsStillJson) {
  EXPECT_FALSE(
      Json::parse(error_body("/api/chat", 400, "a\xff\"b"), nullptr, false).is_discarded());
}

}  // namespace
}  // namespace sputnik::server
