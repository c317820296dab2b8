#include "server/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace sputnik::server {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;

// A reply may be a list of models or an hour of thinking.
const prometheus::Histogram::BucketBoundaries kSeconds = {0.001, 0.005, 0.025, 0.1, 0.5, 1,   2.5,
                                                          5,     10,    30,    60,  300, 1800};

// Every label is one of a few words: what a client makes up must not become a time series.
std::string method_label(const std::string& method) {
  for (const char* known : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
    if (method == known) return method;
  return "other";
}

}  // namespace

struct Metrics::Impl {
  std::function<void()> refresh;
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& requests =
      BuildCounter()
          .Name("sputnik_http_requests_total")
          .Help("Requests by route and status; status 0: the client left before a reply")
          .Register(registry);
  prometheus::Family<prometheus::Histogram>& seconds =
      BuildHistogram()
          .Name("sputnik_http_request_seconds")
          .Help("From a request's header to the end of its reply")
          .Register(registry);
  prometheus::Gauge& in_flight = BuildGauge()
                                     .Name("sputnik_http_requests_in_flight")
                                     .Help("Requests that are being read or answered")
                                     .Register(registry)
                                     .Add({});
  prometheus::Gauge& connections = BuildGauge()
                                       .Name("sputnik_http_connections")
                                       .Help("Open connections")
                                       .Register(registry)
                                       .Add({});
  prometheus::Counter& refused = BuildCounter()
                                     .Name("sputnik_http_connections_refused_total")
                                     .Help("Connections beyond the limit")
                                     .Register(registry)
                                     .Add({});
  prometheus::Counter& bytes_in = BuildCounter()
                                      .Name("sputnik_http_body_bytes_received_total")
                                      .Help("Bytes of request bodies")
                                      .Register(registry)
                                      .Add({});
  prometheus::Counter& bytes_out = BuildCounter()
                                       .Name("sputnik_http_bytes_sent_total")
                                       .Help("Bytes of replies, heads included")
                                       .Register(registry)
                                       .Add({});
  prometheus::Counter& aborted = BuildCounter()
                                     .Name("sputnik_http_replies_aborted_total")
                                     .Help("Replies that did not reach their end")
                                     .Register(registry)
                                     .Add({});
  prometheus::Counter& malformed = BuildCounter()
                                       .Name("sputnik_http_malformed_requests_total")
                                       .Help("Requests that could not be understood")
                                       .Register(registry)
                                       .Add({});
  prometheus::Counter& auth =
      BuildCounter()
          .Name("sputnik_http_auth_failures_total")
          .Help("Requests without a key, with a wrong one, or beyond its scopes")
          .Register(registry)
          .Add({});
  prometheus::Counter& limited = BuildCounter()
                                     .Name("sputnik_http_rate_limited_total")
                                     .Help("Requests beyond the limits of their key")
                                     .Register(registry)
                                     .Add({});
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

prometheus::Registry& Metrics::registry() {
  return impl_->registry;
}

void Metrics::set_refresh(std::function<void()> refresh) {
  impl_->refresh = std::move(refresh);
}

std::string Metrics::text() const {
  if (impl_->refresh) impl_->refresh();
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

void Metrics::connection_opened() {
  impl_->connections.Increment();
}
void Metrics::connection_closed() {
  impl_->connections.Decrement();
}
void Metrics::connection_refused() {
  impl_->refused.Increment();
}
void Metrics::request_begins() {
  impl_->in_flight.Increment();
}
void Metrics::exchange_ended(const Exchange& exchange) {
  impl_->in_flight.Decrement();
  const std::string route = exchange.route.empty() ? "none" : exchange.route;
  impl_->requests
      .Add({{"route", route},
            {"method", method_label(exchange.method)},
            {"status", std::to_string(exchange.status)}})
      .Increment();
  impl_->seconds.Add({{"route", route}}, kSeconds)
      .Observe(std::chrono::duration<double>(exchange.duration).count());
  impl_->bytes_in.Increment(static_cast<double>(exchange.body_bytes_in));
  impl_->bytes_out.Increment(static_cast<double>(exchange.bytes_out));
  if (!exchange.completed) impl_->aborted.Increment();
}
void Metrics::request_malformed(int) {
  impl_->malformed.Increment();
}
void Metrics::auth_failed() {
  impl_->auth.Increment();
}
void Metrics::rate_limited() {
  impl_->limited.Increment();
}

}  // namespace sputnik::server
