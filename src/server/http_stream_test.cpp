// Replies that come bit by bit, and clients that leave.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "server/socket_testing.h"

namespace sputnik::server {
namespace {

Handler stream_of(ScriptedSource& script, std::string keep_alive = "") {
  return [&script, keep_alive](const HttpRequest&) {
    Reply reply;
    reply.head.content_type = "text/event-stream";
    reply.source = script.source(keep_alive);
    return reply;
  };
}

TEST(HttpStream, EventsArriveWhenTheyAreSaid) {
  ScriptedSource script;
  TestServer server(stream_of(script));
  TestClient client(server.port());
  client.send(get("/"));
  script.say("data: one\n\n");
  const std::string head = client.read_until("\r\n\r\n");
  EXPECT_NE(head.find("transfer-encoding: chunked"), std::string::npos) << head;
  EXPECT_NE(head.find("cache-control: no-cache"), std::string::npos);
  EXPECT_NE(head.find("x-accel-buffering: no"), std::string::npos);
  EXPECT_EQ(client.read_until("one\n\n\r\n"), "b\r\ndata: one\n\n\r\n");
  script.say("data: two\n\n");
  EXPECT_EQ(client.read_until("two\n\n\r\n"), "b\r\ndata: two\n\n\r\n");
  script.end();
  EXPECT_EQ(client.read_until("0\r\n\r\n"), "0\r\n\r\n");
  EXPECT_TRUE(script.wait_until_destroyed());
}

TEST(HttpStream, TheConnectionServesTheNextRequest) {
  ScriptedSource scripts[2];
  std::atomic<int> n = 0;
  TestServer server([&](const HttpRequest&) {
    Reply reply;
    reply.source = scripts[n++].source();
    return reply;
  });
  TestClient client(server.port());
  client.send(get("/") + get("/"));  // the second while the first goes on
  for (ScriptedSource& script : scripts) {
    ASSERT_TRUE(script.wait_until_polled());
    script.say("some");
    script.say("thing");
    script.end();
    const TestReply reply = client.read_reply();
    EXPECT_EQ(reply.body, "something");
    EXPECT_TRUE(reply.complete);
  }
}

TEST(HttpStream, AReplyThatIsAllThereHasALength) {
  ScriptedSource script;
  script.set_status(429);
  script.say("everything");
  script.end();
  TestServer server(stream_of(script));
  const TestReply reply = TestClient(server.port()).ask(get("/"));
  EXPECT_EQ(reply.status, 429) << "the source may change the head before it has said anything";
  EXPECT_EQ(reply.headers.at("content-length"), "10");
  EXPECT_EQ(reply.body, "everything");
}

TEST(HttpStream, OldClientsGetAStreamThatEndsWithTheConnection) {
  ScriptedSource script;
  TestServer server(stream_of(script));
  TestClient client(server.port());
  client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  script.say("one ");
  const std::string head = client.read_until("\r\n\r\n");
  EXPECT_EQ(head.find("transfer-encoding"), std::string::npos);
  EXPECT_NE(head.find("connection: close"), std::string::npos);
  script.say("two");
  script.end();
  EXPECT_EQ(client.read_to_end(), "one two");
}

TEST(HttpStream, ABrokenOneHasNoEnd) {
  ScriptedSource script;
  TestServer server(stream_of(script));
  TestClient client(server.port());
  client.send(get("/"));
  script.say("half of");
  ASSERT_FALSE(client.read_until("half of\r\n").empty());
  script.break_off();
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_TRUE(script.wait_until_destroyed());
}

TEST(HttpStream, SilenceIsFilledToKeepTheConnection) {
  ScriptedSource script;
  HttpServerOptions options;
  options.limits.keep_alive = std::chrono::milliseconds(10);
  TestServer server(stream_of(script, ": keep-alive\n\n"), options);
  TestClient client(server.port());
  client.send(get("/"));
  for (int i = 0; i < 3; ++i) ASSERT_NE(client.read_until(": keep-alive\n\n"), "");
  script.say("at last");
  EXPECT_TRUE(client.read_until("at last\r\n").ends_with("at last\r\n"));
}

// Three ways to leave. What computes the answer hears of each only by the end of its source.
TEST(HttpStream, AClientThatLeavesEndsItsSource) {
  for (int way = 0; way < 4; ++way) {
    SCOPED_TRACE(way);
    ScriptedSource script;
    TestServer server(stream_of(script));
    auto client = std::make_unique<TestClient>(server.port());
    client->send(get("/"));
    ASSERT_TRUE(script.wait_until_polled());
    if (way >= 2) {
      script.say("something");
      client->read_until("something");
    }
    if (way == 0) client = nullptr;
    if (way == 1) client->reset();
    if (way == 2) client->end_sending();
    if (way == 3) client->reset();
    EXPECT_TRUE(script.wait_until_destroyed());
  }
}

TEST(HttpStream, AClientThatLeavesWhileItIsWrittenToEndsItsSource) {
  ScriptedSource script;
  TestServer server(stream_of(script));
  auto client = std::make_unique<TestClient>(server.port());
  client->send(get("/"));
  script.say(std::string(64 << 20, 'x'));  // more than any socket takes
  client->read_until("xxx");
  client->reset();
  EXPECT_TRUE(script.wait_until_destroyed());
}

// A source that always has more; how often it is asked shows how much is held in memory.
class Endless final : public ReplySource {
 public:
  explicit Endless(std::atomic<int>& n_polls, std::atomic<bool>& ended)
      : n_polls_(n_polls), ended_(ended) {}
  ~Endless() override { ended_ = true; }
  State poll(ResponseHead&, std::string& body) override {
    ++n_polls_;
    body.append(16 << 10, 'x');
    return State::kMore;
  }
  void set_wake(std::function<void()>) override {}
  std::string_view keep_alive() const override { return ""; }

 private:
  std::atomic<int>& n_polls_;
  std::atomic<bool>& ended_;
};

TEST(HttpStream, ASlowReaderIsNotRunAheadOfAndIsClosedInTheEnd) {
  std::atomic<int> n_polls = 0;
  std::atomic<bool> ended = false;
  HttpServerOptions options;
  options.limits.write_stall = std::chrono::milliseconds(300);
  TestServer server(
      [&](const HttpRequest&) {
        Reply reply;
        reply.source = std::make_unique<Endless>(n_polls, ended);
        return reply;
      },
      options);
  TestClient client(server.port());
  client.send(get("/"));
  for (int i = 0; i < 1000 && !ended; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(ended) << "a client that reads nothing must be closed";
  // What the sockets of both sides hold, and one piece: far from endless.
  EXPECT_LT(n_polls, 2000);
}

TEST(HttpStream, WakesFromManyThreadsLoseNothing) {
  ScriptedSource script;
  TestServer server(stream_of(script));
  TestClient client(server.port());
  client.send(get("/"));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) script.say("word ");
    });
  }
  for (std::thread& thread : threads) thread.join();
  script.end();
  const TestReply reply = client.read_reply();
  EXPECT_TRUE(reply.complete);
  EXPECT_EQ(reply.body.size(), 4u * 500 * 5);
}

}  // namespace
}  // namespace sputnik::server
