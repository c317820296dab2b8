// HTTP/1.1 over TCP or TLS: connections, limits, streams and the end of it all. What a path means
// is the handler's business.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "server/http.h"
#include "server/http_options.h"

namespace sputnik::server {

// The other end of a connection, and which end of ours it reached.
struct Peer {
  std::string address;  // "192.0.2.7"
  bool is_loopback = false;
  std::uint16_t local_port = 0;
  bool is_tls = false;
};

// What is decided when a header is there and before a byte of the body has been read.
struct Admission {
  std::optional<Reply> refusal;  // the body is not read
  std::string route;             // for logs and metrics: "/v1/models/{id}", never what stands in it
  std::int64_t max_body_bytes = -1;  // -1: as HttpLimits says
  // Added to whatever is answered.
  std::vector<std::pair<std::string, std::string>> reply_headers;
};

// One request and its answer, when it is over.
struct Exchange {
  std::string trace_id, method, route, key_id;
  int status = 0;  // 0: the client left before there was one
  std::int64_t body_bytes_in = 0, bytes_out = 0;
  std::chrono::microseconds duration{0};
  bool completed = false;  // the whole reply was handed to the network
};

// Called by I/O threads, several at a time.
class HttpObserver {
 public:
  virtual ~HttpObserver() = default;
  virtual void connection_opened() {}
  virtual void connection_closed() {}
  virtual void connection_refused() {}
  virtual void request_begins() {}  // its header is there; exchange_ended() follows
  virtual void exchange_ended(const Exchange&) {}
  // A request that could not be understood: no request_begins(), no exchange_ended().
  virtual void request_malformed(int /*status*/) {}
};

struct HttpHooks {
  Handler handle;
  // Fills in the principal, or refuses. Empty: everything is admitted.
  std::function<Admission(HttpRequest&, const Peer&)> admit = {};
  HttpObserver* observer = nullptr;  // outlives the server
  std::function<void(std::string_view)> say =
      {};  // one line about starting and stopping; may be empty
};

// start() and stop() belong to one thread, which is not one of the server's own.
class HttpServer {
 public:
  HttpServer(HttpServerOptions options, HttpHooks hooks);
  ~HttpServer();  // stop(0)
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Listens and serves, on threads of its own. kInvalidArgument: the address is none; kIo: it
  // cannot be listened on, or a TLS file cannot be used: the message names it.
  Result<void> start();

  // No new connections; idle ones are closed; replies that go on may end until the deadline and are
  // broken then. Returns when all is over. Sources have been destroyed by then.
  void stop(std::chrono::milliseconds deadline = std::chrono::seconds(30));

  std::uint16_t port() const;  // once started
  std::size_t connections() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// "127.0.0.1", "::1" and the like.
bool is_loopback_address(std::string_view address);

}  // namespace sputnik::server
