#include "server/server_log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <cmath>
#include <ctime>
#include <nlohmann/json.hpp>

namespace sputnik::server {
namespace {

using Json = nlohmann::ordered_json;
using Level = spdlog::level::level_enum;

// "2026-01-31T12:34:56.789Z"
std::string now_text() {
  timespec now{};
  (void)clock_gettime(CLOCK_REALTIME, &now);
  std::tm parts{};
  gmtime_r(&now.tv_sec, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     now.tv_nsec / 1'000'000);
}

const char* level_name(Level level) {
  if (level == Level::err) return "error";
  if (level == Level::warn) return "warn";
  return level == Level::debug ? "debug" : "info";
}

}  // namespace

struct ServerLog::Impl {
  explicit Impl(spdlog::sink_ptr sink) : logger("sputnik", std::move(sink)) {
    logger.set_pattern("%v");
    logger.flush_on(Level::debug);
  }
  bool wants(Level level) const { return logger.should_log(level); }
  void write(Level level, Json fields) {
    Json line = {{"time", now_text()}, {"level", level_name(level)}};
    line.update(fields);
    logger.log(level, line.dump(-1, ' ', false, Json::error_handler_t::replace));
  }

  spdlog::logger logger;
};

ServerLog::ServerLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ServerLog::ServerLog(ServerLog&&) noexcept = default;
ServerLog::~ServerLog() = default;

Result<ServerLog> ServerLog::open(std::string_view level, std::ostream* to) {
  const std::pair<std::string_view, Level> levels[] = {{"debug", Level::debug},
                                                       {"info", Level::info},
                                                       {"warn", Level::warn},
                                                       {"error", Level::err},
                                                       {"off", Level::off}};
  for (const auto& [name, value] : levels) {
    if (name != level) continue;
    spdlog::sink_ptr sink;
    if (to != nullptr) {
      sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(*to);
    } else {
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    }
    auto impl = std::make_unique<Impl>(std::move(sink));
    impl->logger.set_level(value);
    return ServerLog(std::move(impl));
  }
  return invalid_argument("\"{}\" is no log level: debug, info, warn, error and off are", level);
}

void ServerLog::exchange(const Exchange& exchange) {
  const Level level = exchange.status >= 500 ? Level::err : Level::info;
  if (!impl_->wants(level)) return;
  Json fields = {{"event", "request"},
                 {"trace_id", exchange.trace_id},
                 {"method", exchange.method.substr(0, 16)},
                 {"route", exchange.route},
                 {"status", exchange.status},
                 {"bytes_in", exchange.body_bytes_in},
                 {"bytes", exchange.bytes_out},
                 {"ms", std::round(static_cast<double>(exchange.duration.count()) / 10) / 100},
                 {"key", exchange.key_id}};
  if (!exchange.completed) fields["aborted"] = true;
  impl_->write(level, std::move(fields));
}

void ServerLog::malformed(int status) {
  if (impl_->wants(Level::debug))
    impl_->write(Level::debug, {{"event", "malformed"}, {"status", status}});
}

void ServerLog::say(std::string_view message) {
  if (impl_->wants(Level::info))
    impl_->write(Level::info, {{"event", "server"}, {"message", message}});
}

void ServerLog::warn(std::string_view message) {
  if (impl_->wants(Level::warn))
    impl_->write(Level::warn, {{"event", "server"}, {"message", message}});
}

}  // namespace sputnik::server
