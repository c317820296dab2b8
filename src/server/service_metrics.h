// What the machine behind the server does, for Prometheus.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "engine/engine.h"
#include "server/metrics.h"
#include "service/worker.h"

namespace sputnik::server {

// Both outlive the worker that it observes. on_tokens: told of each finished request's key and
// tokens, for limits per key.
class ServiceMetrics final : public service::Observer {
 public:
  using OnTokens = std::function<void(std::string_view key_id, std::int64_t n_tokens)>;
  explicit ServiceMetrics(Metrics& metrics);
  ~ServiceMetrics() override;

  // Any thread; after it has returned, the one before is not called any more.
  void set_on_tokens(OnTokens on_tokens);

  void first_token(double ms) override;
  void gap(double ms) override;
  void finished(const service::GenerateRequest& request, service::Finish finish,
                const service::Usage& usage, const service::Timing& timing) override;

  // The figures of the engine as they are now.
  void refresh(const EngineStats& stats);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sputnik::server
