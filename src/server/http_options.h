// What a server promises itself: every limit that a stranger could otherwise choose.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace sputnik::server {

struct HttpLimits {
  using Time = std::chrono::milliseconds;

  std::size_t request_line_bytes = 8 << 10;   // more: 414
  std::size_t header_bytes = 16 << 10;        // request line and all fields; more: 431
  std::size_t header_fields = 100;            // more: 431
  std::int64_t body_bytes = 32 << 20;         // of one request; more: 413
  std::int64_t all_bodies_bytes = 256 << 20;  // of all requests being read or answered; more: 503
  std::size_t connections = 4096;             // more: 503, and the connection is closed
  std::size_t reply_piece_bytes = 64 << 10;   // a source is not asked for more before it is sent

  Time handshake{10'000};   // TLS
  Time header{10'000};      // from the first byte of a request to the end of its header
  Time idle{75'000};        // between requests
  Time body_grace{10'000};  // a body may stand still for this long at its beginning;
  std::int64_t body_bytes_per_s = 4096;  // after that it must have been at least this fast
  Time write_stall{60'000};              // a client that takes nothing for so long is closed
  Time keep_alive{10'000};               // silence after which a source's keep_alive() is sent
  Time linger{1'000};  // for a client to read the last reply before the connection is gone
};

struct HttpServerOptions {
  std::string address = "127.0.0.1";  // an IPv4 or IPv6 address
  std::uint16_t port = 8484;          // 0: any free one, see HttpServer::port()
  int threads = 2;                    // for the network
  int handler_threads = 4;            // for handlers, each of which works on one request
  // PEM files; both or none.
  std::string tls_certificate, tls_key;
  HttpLimits limits;
};

}  // namespace sputnik::server
