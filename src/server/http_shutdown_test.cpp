// How a server ends.
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "server/socket_testing.h"

namespace sputnik::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Handler stream_of(ScriptedSource& script) {
  return [&script](const HttpRequest& request) {
    Reply reply;
    if (request.path == "/stream") reply.source = script.source();
    return reply;
  };
}

TEST(HttpShutdown, IdleConnectionsAreClosedAtOnce) {
  ScriptedSource script;
  TestServer server(stream_of(script));
  TestClient silent(server.port()), idle(server.port());
  EXPECT_EQ(idle.ask(get("/")).status, 200);
  server.server.stop(seconds(60));
  EXPECT_TRUE(silent.is_closed());
  EXPECT_TRUE(idle.is_closed());
  EXPECT_EQ(server.server.connections(), 0u);
}

TEST(HttpShutdown, AReplyThatGoesOnMayEnd) {
  ScriptedSource script;
  TestServer server(stream_of(script));
  TestClient client(server.port());
  client.send(get("/stream"));
  script.say("begun ");
  client.read_until("\r\n\r\n");
  std::thread stopper([&] { server.server.stop(seconds(60)); });
  // New ones are refused meanwhile.
  bool refused = false;
  for (int i = 0; i < 500 && !refused; ++i) {
    TestClient other(server.port(), TestClient::MayFail{});
    refused = !other.is_connected();
    std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_TRUE(refused);
  script.say("and ended");
  script.end();
  EXPECT_NE(client.read_until("0\r\n\r\n").find("and ended"), std::string::npos);
  EXPECT_TRUE(client.is_closed());
  stopper.join();
}

TEST(HttpShutdown, AfterTheDeadlineItIsBroken) {
  ScriptedSource script;
  std::vector<std::string> said;
  HttpHooks hooks;
  hooks.handle = stream_of(script);
  hooks.say = [&](std::string_view what) { said.emplace_back(what); };
  TestServer server(std::move(hooks));
  TestClient client(server.port());
  client.send(get("/stream"));
  script.say("begun ");
  client.read_until("begun \r\n");
  server.server.stop(milliseconds(50));
  EXPECT_EQ(client.read_to_end(), "") << "no end that could be taken for a whole reply";
  EXPECT_TRUE(script.wait_until_destroyed());
  ASSERT_GE(said.size(), 3u);
  EXPECT_NE(said[said.size() - 3].find("1 replies go on"), std::string::npos);
  EXPECT_NE(said[said.size() - 2].find("1 connections are broken"), std::string::npos);
  EXPECT_EQ(said.back(), "stopped");
}

TEST(HttpShutdown, ADestructorIsAStopWithoutDelay) {
  ScriptedSource script;
  auto server = std::make_unique<TestServer>(stream_of(script));
  TestClient client(server->port());
  client.send(get("/stream"));
  ASSERT_TRUE(script.wait_until_polled());
  server = nullptr;
  EXPECT_TRUE(script.wait_until_destroyed());
  EXPECT_TRUE(client.is_closed());
}

TEST(HttpShutdown, HalfARequestDoesNotDelayIt) {
  ScriptedSource script;
  TestServer server(stream_of(script));
  TestClient client(server.port());
  client.send("GET / HT");
  server.server.stop(milliseconds(50));
  EXPECT_EQ(server.server.connections(), 0u);
}

}  // namespace
}  // namespace sputnik::server
