// What a connection knows of the request that it is serving.
#pragma once

#include <chrono>

#include "server/connection.h"

namespace sputnik::server {

struct Connection::Request {
  explicit Request(ConnectionShared& of);
  ~Request();  // tells the observer how it ended
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  // Fills in http and asks for admission. false: problem says why it makes no sense.
  bool begin(const RequestHead& head, const Peer& peer);
  std::int64_t max_body_bytes() const;
  // Counts n bytes of body against what all requests together may hold; at most once each.
  bool hold_body(std::int64_t n);
  Reply handle();  // whatever the handler does, there is a reply

  ConnectionShared& shared;
  HttpRequest http;
  Admission admission;
  Exchange exchange;
  std::string problem;
  int version = 11;
  bool keep_alive = true;
  bool is_head = false;  // HEAD: no body in the reply

 private:
  std::chrono::steady_clock::time_point begin_;
  bool observed_ = false;
  std::int64_t held_ = 0;
};

}  // namespace sputnik::server
