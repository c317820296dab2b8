// What strangers may not do: limits, and how a client hears of them.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "server/socket_testing.h"

namespace sputnik::server {
namespace {

using std::chrono::milliseconds;

Reply ok(const HttpRequest& request) {
  Reply reply;
  reply.body = std::to_string(request.body.size());
  return reply;
}

TEST(HttpLimits, AHugeBodyIsRefusedUnread) {
  TestServer server(ok);
  TestClient client(server.port());
  // Nothing of the body has been sent when the answer comes.
  const TestReply reply =
      client.ask("POST /api/chat HTTP/1.1\r\nHost: a\r\nContent-Length: 104857600\r\n\r\n");
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(reply.headers.at("connection"), "close");
  EXPECT_TRUE(nlohmann::json::parse(reply.body)["error"].is_string()) << "Ollama's envelope";
  EXPECT_TRUE(client.is_closed());
}

TEST(HttpLimits, AClientThatWaitsForPermissionHearsThatTheBodyIsTooLarge) {
  TestServer server(ok);
  TestClient client(server.port());
  const TestReply reply = client.ask(
      "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 104857600\r\n\r\n");
  EXPECT_EQ(reply.status, 413);
}

TEST(HttpLimits, ChunksAreCounted) {
  HttpServerOptions options;
  options.limits.body_bytes = 100'000;
  TestServer server(ok, options);
  TestClient client(server.port());
  std::string request = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 101; ++i) request += "3e8\r\n" + std::string(1000, 'x') + "\r\n";
  client.send(request);
  EXPECT_EQ(client.read_reply().status, 413);
  EXPECT_EQ(TestClient(server.port()).ask(post("/", std::string(100'000, 'x'))).body, "100000");
}

TEST(HttpLimits, AllBodiesTogetherHaveALimit) {
  HttpServerOptions options;
  options.limits.all_bodies_bytes = 150'000;
  TestServer server(ok, options);
  TestClient first(server.port());
  const std::string request = post("/", std::string(100'000, 'x'));
  first.send(request.substr(0, request.size() - 1));
  TestReply refused;
  // Until the server has seen the first one.
  for (int i = 0; i < 500 && refused.status != 503; ++i) {
    refused = TestClient(server.port()).ask(request);
    std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.headers.at("retry-after"), "1");
  first.send("x");
  EXPECT_EQ(first.read_reply().body, "100000");
  EXPECT_EQ(TestClient(server.port()).ask(request).body, "100000") << "it is given back";
}

TEST(HttpLimits, MalformedRequestsEndTheConnection) {
  TestServer server(ok);
  const std::pair<std::string, int> cases[] = {
      {"hello\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET /../x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505},
      {"GET / HTTP/1.1\r\nHost: a\r\nA: " + std::string(20'000, 'a') + "\r\n\r\n", 431},
      {"GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\n", 414},
  };
  for (const auto& [request, status] : cases) {
    SCOPED_TRACE(request.substr(0, 60));
    TestClient client(server.port());
    const TestReply reply = client.ask(request);
    EXPECT_EQ(reply.status, status);
    EXPECT_EQ(reply.headers.at("connection"), "close");
    EXPECT_TRUE(nlohmann::json::parse(reply.body)["error"].is_object());
    EXPECT_TRUE(client.is_closed());
  }
}

// The classic: a proxy believes one length and the server the other, and the second request is seen
// by one of them alone. There must be one answer, and then the end.
TEST(HttpLimits, NothingIsSmuggled) {
  std::atomic<int> n_handled = 0;
  TestServer server([&](const HttpRequest& request) {
    ++n_handled;
    return ok(request);
  });
  const std::string smuggled = "GET /admin HTTP/1.1\r\nHost: a\r\n\r\n";
  for (const std::string fields :
       {"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "Content-Length: 0\r\nContent-Length: 33\r\n", "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: chunked, identity\r\n", "Transfer-Encoding: chunked\r\n x\r\n"}) {
    SCOPED_TRACE(fields);
    TestClient client(server.port());
    const TestReply reply =
        client.ask("POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n0\r\n\r\n" + smuggled);
    EXPECT_TRUE(reply.status == 400 || reply.status == 501) << reply.status;
    EXPECT_EQ(client.read_to_end(), "");
  }
  EXPECT_EQ(n_handled, 0);
}

TEST(HttpLimits, AHeaderThatDoesNotComeIsNotWaitedForLong) {
  HttpServerOptions options;
  options.limits.header = milliseconds(50);
  TestServer server(ok, options);
  TestClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost:");
  EXPECT_EQ(client.read_reply().status, 408);
  EXPECT_TRUE(client.is_closed());
}

TEST(HttpLimits, ABodyThatTricklesIsNotWaitedForLong) {
  HttpServerOptions options;
  options.limits.body_grace = milliseconds(50);
  TestServer server(ok, options);
  TestClient client(server.port());
  const std::string request = post("/", std::string(1000, 'x'));
  client.send(request.substr(0, request.size() - 900));
  EXPECT_EQ(client.read_reply().status, 408);
}

TEST(HttpLimits, AnIdleConnectionIsClosedWithoutAWord) {
  HttpServerOptions options;
  options.limits.idle = milliseconds(50);
  TestServer server(ok, options);
  TestClient silent(server.port());
  EXPECT_EQ(silent.read_to_end(), "");
  TestClient client(server.port());
  EXPECT_EQ(client.ask(get("/")).status, 200);
  EXPECT_EQ(client.read_to_end(), "");
}

TEST(HttpLimits, OneConnectionTooManyIsToldToComeAgain) {
  HttpServerOptions options;
  options.limits.connections = 2;
  TestServer server(ok, options);
  auto first = std::make_unique<TestClient>(server.port());
  TestClient second(server.port());
  EXPECT_EQ(first->ask(get("/")).status, 200);
  EXPECT_EQ(second.ask(get("/")).status, 200);
  TestClient third(server.port());
  const TestReply refused = third.ask(get("/"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.headers.at("retry-after"), "1");
  EXPECT_TRUE(third.is_closed());
  first = nullptr;
  int status = 0;
  for (int i = 0; i < 500 && status != 200; ++i) {
    status = TestClient(server.port()).ask(get("/")).status;
    std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_EQ(status, 200) << "a place that was given back can be taken";
}

TEST(HttpLimits, RequestsSentAheadWithoutEndAreNotHoarded) {
  ScriptedSource script;
  TestServer server([&](const HttpRequest&) {
    Reply reply;
    reply.source = script.source();
    return reply;
  });
  TestClient client(server.port());
  client.send(get("/"));
  ASSERT_TRUE(script.wait_until_polled());
  // While the first is answered nothing of this is handled; sockets take some megabytes of it, and
  // the server 64 KiB.
  const std::string flood(64 << 20, 'x');
  EXPECT_LT(client.send_until_full(flood), flood.size());
  script.say("still here");
  script.end();
  EXPECT_EQ(client.read_reply().body, "still here");
  EXPECT_EQ(client.read_reply().status, 414);
}

}  // namespace
}  // namespace sputnik::server
