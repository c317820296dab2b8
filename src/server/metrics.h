// What the server counts, in the words of Prometheus.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "server/http_server.h"

namespace prometheus {
class Registry;
}

namespace sputnik::server {

// Any thread may call any function.
class Metrics {
 public:
  Metrics();
  ~Metrics();

  // For what others count: queue, batches, tokens, cache, times.
  prometheus::Registry& registry();
  // Called before each text(), for whoever keeps figures elsewhere. Set before the server starts.
  void set_refresh(std::function<void()> refresh);
  // The text format, version 0.0.4.
  std::string text() const;

  void connection_opened();
  void connection_closed();
  void connection_refused();
  void request_begins();
  void exchange_ended(const Exchange& exchange);
  void request_malformed(int status);
  void auth_failed();
  void rate_limited();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sputnik::server
