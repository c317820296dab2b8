#include "server/metrics.h"

#include <gtest/gtest.h>
#include <prometheus/counter.h>
#include <prometheus/registry.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "server/server_log.h"

namespace sputnik::server {
namespace {

Exchange exchange(std::string route, int status) {
  Exchange exchange;
  exchange.trace_id = "t1";
  exchange.method = "POST";
  exchange.route = std::move(route);
  exchange.key_id = "k1";
  exchange.status = status;
  exchange.body_bytes_in = 10;
  exchange.bytes_out = 200;
  exchange.duration = std::chrono::milliseconds(40);
  exchange.completed = true;
  return exchange;
}

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(Metrics, RequestsAreCountedByRouteAndStatus) {
  Metrics metrics;
  for (int i = 0; i < 3; ++i) {
    metrics.request_begins();
    metrics.exchange_ended(exchange("/v1/models/{id}", 200));
  }
  metrics.request_begins();
  const std::string text = metrics.text();
  EXPECT_TRUE(holds(text,
                    "sputnik_http_requests_total{method=\"POST\",route=\"/v1/models/"
                    "{id}\",status=\"200\"} 3"))
      << text;
  EXPECT_TRUE(holds(text, "sputnik_http_requests_in_flight 1"));
  EXPECT_TRUE(holds(text, "sputnik_http_bytes_sent_total 600"));
  EXPECT_TRUE(
      holds(text, "sputnik_http_request_seconds_bucket{route=\"/v1/models/{id}\",le=\"0.1\"} 3"));
}

TEST(Metrics, AClientCannotMakeUpTimeSeries) {
  Metrics metrics;
  for (int i = 0; i < 100; ++i) {
    Exchange made_up = exchange("", 404);
    made_up.method = "X" + std::to_string(i);
    metrics.exchange_ended(made_up);
  }
  EXPECT_TRUE(holds(metrics.text(), "{method=\"other\",route=\"none\",status=\"404\"} 100"));
}

TEST(Metrics, OthersCountInTheSameRegistry) {
  Metrics metrics;
  prometheus::BuildCounter()
      .Name("sputnik_tokens_total")
      .Register(metrics.registry())
      .Add({})
      .Increment(7);
  EXPECT_TRUE(holds(metrics.text(), "sputnik_tokens_total 7"));
}

TEST(ServerLog, ARequestIsOneLineOfJson) {
  std::ostringstream out;
  auto log = ServerLog::open("info", &out);
  ASSERT_TRUE(log.ok());
  log.value().exchange(exchange("/v1/models", 200));
  const auto json = nlohmann::json::parse(out.str());
  EXPECT_EQ(json["event"], "request");
  EXPECT_EQ(json["trace_id"], "t1");
  EXPECT_EQ(json["route"], "/v1/models");
  EXPECT_EQ(json["status"], 200);
  EXPECT_EQ(json["bytes"], 200);
  EXPECT_EQ(json["ms"], 40.0);
  EXPECT_EQ(json["key"], "k1");
  EXPECT_EQ(json["time"].get<std::string>().size(), 24u);
  EXPECT_EQ(out.str().back(), '\n');
}

TEST(ServerLog, TheLevelDecides) {
  std::ostringstream out;
  auto log = ServerLog::open("error", &out);
  log.value().exchange(exchange("/", 200));
  log.value().say("something");
  EXPECT_EQ(out.str(), "");
  log.value().exchange(exchange("/", 500));
  EXPECT_NE(out.str(), "");
  EXPECT_FALSE(ServerLog::open("loud").ok());
}

TEST(ServerLog, NothingEndsTheLine) {
  std::ostringstream out;
  auto log = ServerLog::open("info", &out);
  log.value().say("a\nb\xff\x1b[2J\"");
  EXPECT_EQ(out.str().find('\n'), out.str().size() - 1);
  EXPECT_EQ(out.str().find('\x1b'), std::string::npos);
  EXPECT_FALSE(nlohmann::json::parse(out.str(), nullptr, false).is_discarded());
}

}  // namespace
}  // namespace sputnik::server
