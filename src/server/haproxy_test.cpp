// deploy/haproxy.cfg before two servers, with the real HAProxy if it is installed.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>
#include <thread>

#include "server/front.h"
#include "server/socket_testing.h"

namespace sputnik::server {
namespace {

std::string find_haproxy() {
  const char* path = std::getenv("PATH");
  std::istringstream folders(std::string(path != nullptr ? path : "") + ":/usr/sbin");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (::access((folder + "/haproxy").c_str(), X_OK) == 0) return folder + "/haproxy";
  return "";
}

// A port that was free a moment ago.
std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  (void)::bind(fd, reinterpret_cast<const sockaddr*>(&address), size);
  (void)::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return ntohs(address.sin_port);
}

class Haproxy {
 public:
  Haproxy(const std::string& program, std::uint16_t one, std::uint16_t two) : port_(free_port()) {
    const auto local = [](std::uint16_t port) { return "127.0.0.1:" + std::to_string(port); };
    const std::string file = SPUTNIK_SOURCE_DIR "/deploy/haproxy.cfg";
    const std::vector<std::string> environment = {"SPUTNIK_BIND=" + local(port_),
                                                  "SPUTNIK_SERVER_1=" + local(one),
                                                  "SPUTNIK_SERVER_2=" + local(two)};
    std::vector<char*> variables;
    for (const std::string& one_of_them : environment)
      variables.push_back(const_cast<char*>(one_of_them.c_str()));
    variables.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      const int nothing = ::open("/dev/null", O_WRONLY);
      (void)::dup2(nothing, STDOUT_FILENO);
      (void)::dup2(nothing, STDERR_FILENO);
      ::execle(program.c_str(), "haproxy", "-db", "-f", file.c_str(), nullptr, variables.data());
      ::_exit(127);
    }
  }
  ~Haproxy() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  std::uint16_t port() const { return port_; }

 private:
  std::uint16_t port_;
  pid_t pid_ = -1;
};

// One of the servers behind it. Its replies say which one it is.
struct Server {
  Server(std::string of_name, KeyStore& keys, ScriptedSource& script)
      : name(std::move(of_name)),
        front(routes(script), origins(), keys, metrics, log, [] { return Health(); }) {
    HttpServerOptions options;
    options.limits.keep_alive = std::chrono::milliseconds(50);
    http = std::make_unique<TestServer>(front.hooks(), options);
  }
  Router routes(ScriptedSource& script) {
    Router router;
    router.add("GET", "/who", Handler([this](const HttpRequest&) {
                 Reply reply;
                 reply.body = name;
                 return reply;
               }));
    router.add("GET", "/stream", Handler([&script](const HttpRequest&) {
                 Reply reply;
                 reply.head.content_type = "text/event-stream";
                 reply.source = script.source(": keep-alive\n\n");
                 return reply;
               }));
    return router;
  }
  static OriginPolicy origins() {
    OriginPolicy policy;
    policy.hosts = {"localhost"};
    return policy;
  }

  std::string name;
  Metrics metrics;
  ServerLog log = std::move(ServerLog::open("off")).value();
  Front front;
  std::unique_ptr<TestServer> http;
};

class HaproxyTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string program = find_haproxy();
    if (program.empty()) GTEST_SKIP() << "haproxy is not installed (script/bootstrap test does it)";
    std::string folder = testing::TempDir() + "haproxy-XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    ApiKey of;
    of.name = "test";
    key_ = std::move(create_key(folder_ / "keys.json", of)).value().secret;
    keys_ = std::move(KeyStore::open(folder_ / "keys.json")).value();
    one_ = std::make_unique<Server>("one", *keys_, script_);
    two_ = std::make_unique<Server>("two", *keys_, script_);
    proxy_ = std::make_unique<Haproxy>(program, one_->http->port(), two_->http->port());
    bool ready = false;
    for (int i = 0; i < 1000 && !ready; ++i) {
      TestClient client(proxy_->port(), TestClient::MayFail{});
      ready = client.is_connected() && client.ask(request("/who", "x")).status == 200;
      if (!ready) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ASSERT_TRUE(ready);
  }
  void TearDown() override {
    proxy_ = nullptr;
    one_ = nullptr;
    two_ = nullptr;
    std::filesystem::remove_all(folder_);
  }

  std::string request(std::string_view path, std::string_view conversation) const {
    std::string fields = "Authorization: Bearer " + key_ + "\r\n";
    if (!conversation.empty())
      fields += "X-Sputnik-Conversation: " + std::string(conversation) + "\r\n";
    return get(path, fields);
  }
  std::string who(std::string_view conversation) {
    return TestClient(proxy_->port()).ask(request("/who", conversation)).body;
  }

  std::filesystem::path folder_;
  std::string key_;
  std::unique_ptr<KeyStore> keys_;
  ScriptedSource script_;
  std::unique_ptr<Server> one_, two_;
  std::unique_ptr<Haproxy> proxy_;
};

TEST_F(HaproxyTest, AConversationStaysWhereItIs) {
  std::map<std::string, std::string> servers;
  std::set<std::string> seen;
  for (int i = 0; i < 32; ++i) {
    const std::string conversation = "conversation-" + std::to_string(i);
    servers[conversation] = who(conversation);
    seen.insert(servers[conversation]);
  }
  EXPECT_EQ(seen, (std::set<std::string>{"one", "two"}));
  for (const auto& [conversation, server] : servers) EXPECT_EQ(who(conversation), server);
  const std::string of_key = who("");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(who(""), of_key) << "without a conversation, a key's";
}

TEST_F(HaproxyTest, EventsPassAtOnceAndALeavingClientIsSeen) {
  {
    TestClient client(proxy_->port());
    client.send(request("/stream", "a"));
    for (int i = 0; i < 3; ++i) {
      const std::string event = "data: " + std::to_string(i) + "\n\n";
      script_.say(event);
      ASSERT_NE(client.read_until(event).find(event), std::string::npos);
    }
  }
  // HAProxy takes the end of what a client sends for no more than that. It sees that the client is
  // gone when the next sign of life cannot be delivered.
  EXPECT_TRUE(script_.wait_until_destroyed());
}

TEST_F(HaproxyTest, WhenAServerStopsItsConversationsMoveAndOthersStay) {
  std::map<std::string, std::string> servers;
  for (int i = 0; i < 16; ++i) {
    const std::string conversation = std::to_string(i);
    servers[conversation] = who(conversation);
  }
  one_->http->server.stop(std::chrono::milliseconds(0));
  for (const auto& [conversation, server] : servers) {
    // A connection of the proxy that is just ending may cost one request; the next finds the other.
    std::string now = who(conversation);
    for (int i = 0; i < 500 && now != "two"; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      now = who(conversation);
    }
    EXPECT_EQ(now, "two") << server;
  }
}

TEST_F(HaproxyTest, WhatIsNotForStrangersIsNotPassedOn) {
  EXPECT_EQ(TestClient(proxy_->port()).ask(get("/metrics")).status, 404);
  EXPECT_EQ(TestClient(proxy_->port()).ask(get("/who")).status, 401)
      << "the proxy runs on this machine, its clients need not";
}

}  // namespace
}  // namespace sputnik::server
