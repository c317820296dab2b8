// Requests and whole replies over real sockets.
#include "server/http_server.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>

#include "server/socket_testing.h"

namespace sputnik::server {
namespace {

Reply echo(const HttpRequest& request) {
  Reply reply;
  reply.body = request.method + " " + request.path + " " + request.body;
  return reply;
}

TEST(HttpServer, AnswersOnOneConnectionAgainAndAgain) {
  TestServer server(echo);
  TestClient client(server.port());
  for (int i = 0; i < 3; ++i) {
    const TestReply reply = client.ask(post("/a%20b?c=d", "hello"));
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, "POST /a b hello");
    EXPECT_EQ(reply.headers.at("content-type"), "application/json");
    EXPECT_EQ(reply.headers.at("x-request-id").size(), 32u);
    EXPECT_EQ(reply.headers.count("date"), 1u);
    EXPECT_EQ(reply.headers.count("connection"), 0u);
  }
}

TEST(HttpServer, PipelinedRequestsAreAnsweredInOrder) {
  TestServer server(echo);
  TestClient client(server.port());
  std::string all;
  for (int i = 0; i < 200; ++i) all += post("/" + std::to_string(i), std::string(i, 'x'));
  ASSERT_TRUE(client.send(all));
  for (int i = 0; i < 200; ++i) {
    const TestReply reply = client.read_reply();
    ASSERT_EQ(reply.body, "POST /" + std::to_string(i) + " " + std::string(i, 'x'));
  }
}

TEST(HttpServer, ARequestMayComeByteByByte) {
  TestServer server(echo);
  TestClient client(server.port());
  for (const char c : post("/slow", "body")) ASSERT_TRUE(client.send({&c, 1}));
  EXPECT_EQ(client.read_reply().body, "POST /slow body");
}

TEST(HttpServer, WhatWasAskedBeforeHalfACloseIsAnswered) {
  TestServer server(echo);
  TestClient client(server.port());
  client.send(get("/1") + get("/2"));
  client.end_sending();
  EXPECT_EQ(client.read_reply().body, "GET /1 ");
  EXPECT_EQ(client.read_reply().body, "GET /2 ");
  EXPECT_TRUE(client.is_closed());
}

TEST(HttpServer, HeadHasTheLengthAndNoBody) {
  TestServer server(echo);
  TestClient client(server.port());
  client.send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string head = client.read_until("\r\n\r\n");
  EXPECT_NE(head.find("content-length: 8\r\n"), std::string::npos) << head;
  EXPECT_EQ(client.ask(get("/y")).body, "GET /y ");
}

TEST(HttpServer, OldClientsAreAnsweredAndClosed) {
  TestServer server(echo);
  TestClient client(server.port());
  const TestReply reply = client.ask("GET /x HTTP/1.0\r\n\r\n");
  EXPECT_EQ(reply.body, "GET /x ");
  EXPECT_EQ(reply.headers.at("connection"), "close");
  EXPECT_TRUE(client.is_closed());
  TestClient other(server.port());
  EXPECT_EQ(other.ask("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").headers.at("connection"),
            "keep-alive");
  EXPECT_EQ(other.ask(get("/y")).body, "GET /y ");
}

TEST(HttpServer, AClientMayAskForTheClose) {
  TestServer server(echo);
  TestClient client(server.port());
  EXPECT_EQ(client.ask(get("/x", "Connection: close\r\n")).headers.at("connection"), "close");
  EXPECT_TRUE(client.is_closed());
}

TEST(HttpServer, ABodyIsAskedForWhenItsClientWaits) {
  TestServer server(echo);
  TestClient client(server.port());
  const std::string whole = post("/x", "hello", "Expect: 100-continue\r\n");
  client.send(whole.substr(0, whole.size() - 5));
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("hello");
  EXPECT_EQ(client.read_reply().body, "POST /x hello");
  // Who does not wait needs no permission.
  EXPECT_EQ(client.ask(whole).body, "POST /x hello");
}

TEST(HttpServer, ALargeReplyArrivesWhole) {
  std::string large(20 << 20, '\0');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>('a' + i % 23);
  TestServer server([&](const HttpRequest&) {
    Reply reply;
    reply.body = large;
    return reply;
  });
  TestClient client(server.port());
  EXPECT_EQ(client.ask(get("/")).body, large);
}

TEST(HttpServer, AHandlerThatThrowsIsAnError) {
  TestServer server([](const HttpRequest& request) -> Reply {
    if (request.path == "/bad") (void)std::string().at(1);
    return echo(request);
  });
  TestClient client(server.port());
  EXPECT_EQ(client.ask(get("/bad")).status, 500);
  EXPECT_EQ(client.ask(get("/good")).status, 200);
}

TEST(HttpServer, AdmissionComesBeforeTheBody) {
  std::atomic<int> n_handled = 0;
  HttpHooks hooks;
  hooks.handle = [&](const HttpRequest& request) {
    ++n_handled;
    return echo(request);
  };
  hooks.admit = [](HttpRequest& request, const Peer& peer) {
    Admission admission;
    EXPECT_TRUE(peer.is_loopback);
    EXPECT_EQ(peer.address, "127.0.0.1");
    admission.reply_headers.emplace_back("x-more", "1");
    request.principal.id = "somebody";
    if (request.path == "/no") {
      admission.refusal.emplace();
      admission.refusal->head.status = 403;
    }
    return admission;
  };
  TestServer server(std::move(hooks));
  TestClient client(server.port());
  client.send("POST /no HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
  const TestReply refused = client.read_reply();
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.headers.at("x-more"), "1");
  EXPECT_TRUE(client.is_closed());
  EXPECT_EQ(n_handled, 0);
  TestClient other(server.port());
  EXPECT_EQ(other.ask(get("/no")).status, 403);
  EXPECT_EQ(other.ask(get("/yes")).headers.at("x-more"), "1");
}

TEST(HttpServer, ManyClientsAtOnceGetTheirOwnAnswers) {
  HttpServerOptions options;
  options.threads = 4;
  TestServer server(echo, options);
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(std::make_unique<TestClient>(server.port()));
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 100; ++i) clients[i]->send(get("/" + std::to_string(i)));
    for (int i = 0; i < 100; ++i)
      ASSERT_EQ(clients[i]->read_reply().body, "GET /" + std::to_string(i) + " ");
  }
}

// Descriptors of this process that are sockets and would be handed to a program started now.
int n_inheritable_sockets() {
  int n = 0;
  for (int fd = 0; fd < 256; ++fd) {
    struct stat info {};
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags >= 0 && (flags & FD_CLOEXEC) == 0 && ::fstat(fd, &info) == 0 &&
        S_ISSOCK(info.st_mode))
      ++n;
  }
  return n;
}

TEST(HttpServer, ProgramsStartedFromHereInheritNoSocket) {
  const int before = n_inheritable_sockets();
  TestServer server(echo);
  EXPECT_EQ(n_inheritable_sockets(), before) << "the port";
  TestClient client(server.port());
  EXPECT_EQ(client.ask(get("/")).status, 200);
  EXPECT_EQ(n_inheritable_sockets(), before + 1) << "the test's own end, and nothing else";
}

TEST(HttpServer, AnAddressInUseIsAnErrorThatNamesIt) {
  TestServer first(echo);
  HttpServerOptions options;
  options.port = first.port();
  HttpServer second(options, {.handle = echo});
  const auto started = second.start();
  ASSERT_FALSE(started.ok());
  EXPECT_NE(started.error().message.find("127.0.0.1 port " + std::to_string(first.port())),
            std::string::npos)
      << started.error().message;
  options.address = "nowhere";
  HttpServer third(options, {.handle = echo});
  EXPECT_FALSE(third.start().ok());
}

}  // namespace
}  // namespace sputnik::server
