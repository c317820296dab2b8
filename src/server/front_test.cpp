#include "server/front.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "server/socket_testing.h"

namespace sputnik::server {
namespace {

using Json = nlohmann::json;

class FrontTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = testing::TempDir() + "front-XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    keys_ = std::move(KeyStore::open(folder_ / "keys.json")).value();
  }
  void TearDown() override {
    server_ = nullptr;
    std::filesystem::remove_all(folder_);
  }

  void start(OriginPolicy origins = {}) {
    Router router;
    const Handler echo = [](const HttpRequest& request) {
      Reply reply;
      Json headers = Json::object(), query = Json::object();
      for (const auto& [name, value] : request.headers) headers[name] = value;
      for (const auto& [name, value] : request.query) query[name] = value;
      reply.body =
          Json{{"principal", request.principal.id}, {"headers", headers}, {"query", query}}.dump();
      return reply;
    };
    router.add("GET", "/v1/models", echo);
    router.add("POST", "/v1/chat/completions", echo);
    router.add("POST", "/v1/messages", echo);
    router.add("POST", "/api/chat", echo);
    router.add("POST", "/v1beta/models/{model}:generateContent", echo);
    RouteRules manage;
    manage.access = Access::kManage;
    router.add("DELETE", "/v1/models/{id}", echo, manage);
    RouteRules open;
    open.access = Access::kOpen;
    router.add("GET", "/page", echo, open);
    front_ = std::make_unique<Front>(std::move(router), std::move(origins), *keys_, metrics_, log_,
                                     [this] { return health_; });
    server_ = std::make_unique<TestServer>(front_->hooks());
  }
  std::string create(ApiKey of = {}) {
    of.name = "test";
    return std::move(create_key(keys_->file(), of)).value().secret;
  }
  // With the Host that the server wants.
  TestReply ask(std::string_view line, std::string_view fields = "", std::string_view body = "") {
    std::string request = std::string(line) +
                          " HTTP/1.1\r\nHost: localhost:" + std::to_string(server_->port()) +
                          "\r\n" + std::string(fields);
    if (!body.empty()) request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    return TestClient(server_->port()).ask(request + "\r\n" + std::string(body));
  }

  std::filesystem::path folder_;
  std::unique_ptr<KeyStore> keys_;
  Metrics metrics_;
  std::ostringstream log_text_;
  ServerLog log_ = std::move(ServerLog::open("debug", &log_text_)).value();
  Health health_;
  std::unique_ptr<Front> front_;
  std::unique_ptr<TestServer> server_;
};

constexpr std::string_view kJson = "Content-Type: application/json\r\n";

TEST_F(FrontTest, WithoutKeysThisMachineMayAskAnything) {
  start();
  EXPECT_EQ(Json::parse(ask("GET /v1/models").body)["principal"], "local");
  EXPECT_EQ(ask("GET /v1/models", "Authorization: Bearer ollama\r\n").status, 200);
  EXPECT_EQ(ask("DELETE /v1/models/x").status, 200);
  EXPECT_EQ(ask("GET /v1/models", "X-Forwarded-For: 192.0.2.7\r\n").status, 401)
      << "a proxy may stand before a server without keys, but not for others";
}

TEST_F(FrontTest, AKeyIsFoundWhereverAProtocolPutsIt) {
  start();
  const std::string key = create();
  EXPECT_EQ(ask("GET /v1/models").status, 401);
  for (const std::string& field : {"Authorization: Bearer " + key, "authorization: bearer  " + key,
                                   "x-api-key: " + key, "X-Goog-Api-Key: " + key}) {
    const TestReply reply = ask("GET /v1/models", field + "\r\n");
    ASSERT_EQ(reply.status, 200) << field;
    EXPECT_EQ(Json::parse(reply.body)["principal"], std::string(key_id(key)));
    EXPECT_EQ(reply.body.find(key), std::string::npos) << "handlers do not see it";
  }
  const TestReply reply = ask("GET /v1/models?key=" + key + "&alt=sse");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body.find(key), std::string::npos);
  EXPECT_EQ(Json::parse(reply.body)["query"]["alt"], "sse");
  EXPECT_EQ(ask("GET /v1/models", "Authorization: Basic " + key + "\r\n").status, 401);
  EXPECT_EQ(ask("GET /page").status, 200) << "what is open stays open";
  server_ = nullptr;
  EXPECT_EQ(log_text_.str().find(key), std::string::npos) << "nor do logs";
  EXPECT_EQ(log_text_.str().find("alt"), std::string::npos);
  EXPECT_NE(log_text_.str().find(std::string(key_id(key))), std::string::npos);
}

TEST_F(FrontTest, ErrorsComeInTheEnvelopeOfThePath) {
  start();
  create();
  const auto error = [&](std::string_view path) {
    const TestReply reply = ask("POST " + std::string(path), kJson, "{}");
    EXPECT_EQ(reply.status, 401);
    EXPECT_EQ(reply.headers.at("www-authenticate"), "Bearer");
    return Json::parse(reply.body);
  };
  EXPECT_EQ(error("/v1/chat/completions")["error"]["type"], "authentication_error");
  EXPECT_EQ(error("/v1/messages")["type"], "error");
  EXPECT_EQ(error("/v1/messages")["request_id"].get<std::string>().size(), 32u);
  EXPECT_TRUE(error("/api/chat")["error"].is_string());
  EXPECT_EQ(error("/v1beta/models/r1:7b:generateContent")["error"]["status"], "UNAUTHENTICATED");
}

TEST_F(FrontTest, ScopesAreKept) {
  start();
  ApiKey infer, manage;
  manage.may_infer = false;
  manage.may_manage = true;
  const std::string one = "x-api-key: " + create(infer) + "\r\n";
  const std::string other = "x-api-key: " + create(manage) + "\r\n";
  EXPECT_EQ(ask("GET /v1/models", one).status, 200);
  EXPECT_EQ(ask("DELETE /v1/models/x", one).status, 403);
  EXPECT_EQ(ask("GET /v1/models", other).status, 403);
  EXPECT_EQ(ask("DELETE /v1/models/x", other).status, 200);
}

TEST_F(FrontTest, ARevokedKeyIsOutAtOnce) {
  start();
  const std::string key = create();
  EXPECT_EQ(ask("GET /v1/models", "x-api-key: " + key + "\r\n").status, 200);
  ASSERT_TRUE(revoke_key(keys_->file(), key_id(key)).ok());
  EXPECT_EQ(ask("GET /v1/models", "x-api-key: " + key + "\r\n").status, 401);
  EXPECT_EQ(ask("GET /v1/models").status, 401) << "and the last key opens nothing by leaving";
}

TEST_F(FrontTest, AKeysLimitIsKept) {
  start();
  ApiKey of;
  of.requests_per_min = 2;
  const std::string field = "x-api-key: " + create(of) + "\r\n";
  EXPECT_EQ(ask("GET /v1/models", field).status, 200);
  EXPECT_EQ(ask("GET /v1/models", field).status, 200);
  const TestReply reply = ask("GET /v1/models", field);
  EXPECT_EQ(reply.status, 429);
  EXPECT_GT(std::stoi(reply.headers.at("retry-after")), 0);
  EXPECT_NE(metrics_.text().find("sputnik_http_rate_limited_total 1"), std::string::npos);
}

TEST_F(FrontTest, PathsAndMethodsThatAreNotThere) {
  start();
  EXPECT_EQ(ask("GET /nowhere").status, 404);
  const TestReply reply = ask("PUT /v1/models", kJson, "{}");
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.headers.at("allow"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(ask("BREW /v1/models").status, 501);
  EXPECT_EQ(ask("OPTIONS /v1/models").status, 204);
  EXPECT_EQ(ask("OPTIONS *").status, 204);
}

TEST_F(FrontTest, OnlyJsonIsTaken) {
  start();
  const std::string line = "POST /v1/chat/completions";
  EXPECT_EQ(ask(line, "Content-Type: application/json; charset=utf-8\r\n", "{}").status, 200);
  for (const char* type : {"text/plain", "application/x-www-form-urlencoded", "multipart/form-data",
                           "application/jsonx", "text/plain; a=application/json"})
    EXPECT_EQ(ask(line, std::string("Content-Type: ") + type + "\r\n", "{}").status, 415) << type;
  EXPECT_EQ(ask(line, "", "{}").status, 415);
  EXPECT_EQ(ask(line, "Content-Encoding: gzip\r\nContent-Type: application/json\r\n", "{}").status,
            415);
  EXPECT_EQ(ask(line, "Content-Length: 0\r\n").status, 200) << "nothing has no type";
}

TEST_F(FrontTest, WebSitesCannotUseIt) {
  start();
  const std::string rebound = "GET /v1/models HTTP/1.1\r\nHost: evil.example\r\n\r\n";
  EXPECT_EQ(TestClient(server_->port()).ask(rebound).status, 403);
  EXPECT_EQ(ask("GET /v1/models", "Origin: https://evil.example\r\n").status, 403);
  EXPECT_EQ(ask("GET /health", "Sec-Fetch-Site: cross-site\r\n").status, 403);
  const TestReply preflight =
      ask("OPTIONS /v1/models",
          "Origin: https://evil.example\r\nAccess-Control-Request-Method: GET\r\n");
  EXPECT_EQ(preflight.status, 403);
  EXPECT_EQ(preflight.headers.count("access-control-allow-origin"), 0u);
}

TEST_F(FrontTest, AllowedOriginsCan) {
  OriginPolicy origins;
  origins.origins = {"https://chat.example"};
  start(origins);
  create();
  const std::string from = "Origin: https://chat.example\r\n";
  const TestReply preflight =
      ask("OPTIONS /v1/models", from + "Access-Control-Request-Method: GET\r\n");
  EXPECT_EQ(preflight.status, 204) << "which carries no key";
  EXPECT_EQ(preflight.headers.at("access-control-allow-origin"), "https://chat.example");
  const TestReply refused = ask("GET /v1/models", from);
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.headers.at("access-control-allow-origin"), "https://chat.example")
      << "the page should be able to read why";
}

TEST_F(FrontTest, HealthSaysWhetherItIsReady) {
  start();
  create();
  health_.model = "tiny";
  const TestReply ready = ask("GET /health");
  EXPECT_EQ(ready.status, 200);
  const Json json = Json::parse(ready.body);
  EXPECT_EQ(json["status"], "ok");
  EXPECT_EQ(json["model"], "tiny");
  EXPECT_EQ(json["version"], SPUTNIK_VERSION);
  EXPECT_TRUE(json["uptime_s"].is_number_integer());
  server_ = nullptr;  // nobody reads health_ meanwhile
  health_ = {false, "loading", ""};
  start();
  const TestReply loading = ask("GET /health");
  EXPECT_EQ(loading.status, 503);
  EXPECT_TRUE(Json::parse(loading.body)["model"].is_null());
}

TEST_F(FrontTest, MetricsAreForThisMachineAndForManagers) {
  start();
  ApiKey manage;
  manage.may_manage = true;
  const std::string manager = "x-api-key: " + create(manage) + "\r\n";
  const std::string user = "x-api-key: " + create() + "\r\n";
  const std::string elsewhere = "X-Forwarded-For: 192.0.2.7\r\n";
  EXPECT_EQ(ask("GET /metrics").status, 200);
  EXPECT_NE(ask("GET /metrics").body.find("\nsputnik_http_requests_in_flight "), std::string::npos);
  EXPECT_EQ(ask("GET /metrics", elsewhere).status, 401);
  EXPECT_EQ(ask("GET /metrics", elsewhere + user).status, 403);
  EXPECT_EQ(ask("GET /metrics", elsewhere + manager).status, 200);
}

TEST_F(FrontTest, NobodyListensBeyondLoopbackWithoutAKey) {
  EXPECT_TRUE(check_binding("127.0.0.1", *keys_).ok());
  EXPECT_TRUE(check_binding("::1", *keys_).ok());
  for (const char* address : {"0.0.0.0", "::", "192.168.1.7", "::ffff:192.168.1.7"}) {
    const auto checked = check_binding(address, *keys_);
    ASSERT_FALSE(checked.ok()) << address;
    EXPECT_NE(checked.error().message.find("sputnik key create"), std::string::npos);
  }
  create();
  EXPECT_TRUE(check_binding("0.0.0.0", *keys_).ok());
}

}  // namespace
}  // namespace sputnik::server
