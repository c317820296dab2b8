// What a server says while it runs: one JSON object per line on standard error. Never a prompt, an
// answer, a body, a query or a key.
#pragma once

#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "server/http_server.h"

namespace sputnik::server {

// Any thread may call any function.
class ServerLog {
 public:
  // level: "debug", "info" (every request), "warn", "error" (replies of 5xx) or "off".
  // kInvalidArgument. to: instead of standard error; outlives the log.
  static Result<ServerLog> open(std::string_view level, std::ostream* to = nullptr);
  ServerLog(ServerLog&&) noexcept;
  ~ServerLog();

  void exchange(const Exchange& exchange);
  void malformed(int status);
  void say(std::string_view message);  // info
  void warn(std::string_view message);

 private:
  struct Impl;
  explicit ServerLog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sputnik::server
