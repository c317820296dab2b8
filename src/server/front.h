// What stands between the network and the protocols: who may ask, for what, how often, and what is
// written down about it.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "server/http_server.h"
#include "server/key_store.h"
#include "server/metrics.h"
#include "server/origin_check.h"
#include "server/rate_limit.h"
#include "server/router.h"
#include "server/server_log.h"

namespace sputnik::server {

// What /health says.
struct Health {
  bool ready = true;          // otherwise 503: a load balancer sends nobody here
  std::string status = "ok";  // "loading", "stopping"
  std::string model;          // that is loaded; empty: none
};

// The rules, in the order in which a request meets them, before its body is read: Host and Origin
// (403), method and path (501, 404, 405), key and scope (401, 403), form of the body (415), rate
// (429). All but the last also guard /health and /metrics, which it adds to the routes:
//
//   GET /health   nobody needs a key
//   GET /metrics  needs a key with the scope manage, except from this machine itself
//
// A request that a proxy has passed on (x-forwarded-for, forwarded) does not come from this
// machine, wherever the proxy runs.
class Front final : public HttpObserver {
 public:
  // keys, log and metrics outlive the front; health may be called by any thread.
  Front(Router router, OriginPolicy origins, KeyStore& keys, Metrics& metrics, ServerLog& log,
        std::function<Health()> health);

  // Refer to this object.
  HttpHooks hooks();
  // For whoever knows how many tokens a request took: spend_tokens(request.principal.id, n).
  RateLimiter& limiter() { return limiter_; }

  void connection_opened() override;
  void connection_closed() override;
  void connection_refused() override;
  void request_begins() override;
  void exchange_ended(const Exchange& exchange) override;
  void request_malformed(int status) override;

 private:
  Admission admit(HttpRequest& request, const Peer& peer);
  // Empty: it may go on.
  std::optional<Reply> check_key(HttpRequest& request, const Peer& peer,
                                 const Router::Route& route);
  Reply handle(const HttpRequest& request);
  Reply answer_health() const;

  Router router_;
  const OriginPolicy origins_;
  KeyStore& keys_;
  Metrics& metrics_;
  ServerLog& log_;
  const std::function<Health()> health_;
  RateLimiter limiter_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Beyond loopback nobody listens without keys. kInvalidArgument, with what to do.
Result<void> check_binding(std::string_view address, KeyStore& keys);

// Where the clients of each protocol put their key: "Authorization: Bearer", x-api-key,
// x-goog-api-key, ?key=. Empty: nowhere.
std::string find_credential(const HttpRequest& request);

}  // namespace sputnik::server
