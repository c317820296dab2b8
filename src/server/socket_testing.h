// For tests: a client that can misbehave, and a server with a handler of the test's own.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "server/http_server.h"

namespace sputnik::server {

struct TestReply {
  int status = 0;  // 0: none came
  std::string head;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;                            // without chunks
  bool complete = false;                       // it ended as its framing says
};

// A blocking TCP client. Waits at most ten seconds for anything: a test that hangs fails instead.
class TestClient {
 public:
  struct MayFail {};
  explicit TestClient(std::uint16_t port);  // a test failure if nobody listens
  TestClient(std::uint16_t port, MayFail);
  ~TestClient();
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  bool is_connected() const { return connected_; }
  bool send(std::string_view bytes);                    // false: the connection has ended
  std::size_t send_until_full(std::string_view bytes);  // without waiting for the server to read
  void end_sending();                                   // FIN
  void reset();                                         // RST
  std::string read_some();                              // "": the end
  std::string read_until(std::string_view mark);
  TestReply read_reply();
  std::string read_to_end();
  bool is_closed();  // waits for the server's close

  // One request on this connection.
  TestReply ask(std::string_view request);

 private:
  int socket_ = -1;
  bool connected_ = false;
  std::string buffer_;  // read and not used
};

std::string get(std::string_view target, std::string_view more_headers = "");
std::string post(std::string_view target, std::string_view body,
                 std::string_view more_headers = "");

// A server on a free port of 127.0.0.1 whose handler is the test's.
class TestServer {
 public:
  explicit TestServer(Handler handler, HttpServerOptions options = {});
  explicit TestServer(HttpHooks hooks, HttpServerOptions options = {});

  std::uint16_t port() const { return server.port(); }

  HttpServer server;
};

// A source whose test decides what it says. Shared by test and server.
class ScriptedSource {
 public:
  ScriptedSource();
  ~ScriptedSource();

  // For the reply; may be called once.
  std::unique_ptr<ReplySource> source(std::string keep_alive = "");
  void say(std::string_view text);  // and wakes
  void end();
  void break_off();
  void set_status(int status);  // before the first say()

  bool wait_until_polled(int n = 1);  // at least n times; false after ten seconds
  bool wait_until_destroyed();
  int n_polls() const;

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace sputnik::server
