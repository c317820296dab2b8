#include "server/connection_request.h"

#include <sodium.h>

#include <exception>

#include "server/error_envelope.h"
#include "server/target.h"

namespace sputnik::server {
namespace {

std::string random_id() {
  unsigned char bytes[16];
  randombytes_buf(bytes, sizeof bytes);
  char text[2 * sizeof bytes + 1];
  sodium_bin2hex(text, sizeof text, bytes, sizeof bytes);
  return text;
}

}  // namespace

Connection::Request::Request(ConnectionShared& of)
    : shared(of), begin_(std::chrono::steady_clock::now()) {
  http.trace_id = random_id();
}

Connection::Request::~Request() {
  shared.bodies_bytes -= held_;
  if (!observed_) return;
  exchange.trace_id = std::move(http.trace_id);
  exchange.method = std::move(http.method);
  exchange.route = std::move(admission.route);
  exchange.key_id = std::move(http.principal.id);
  exchange.duration = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - begin_);
  shared.hooks.observer->exchange_ended(exchange);
}

bool Connection::Request::begin(const RequestHead& head, const Peer& peer) {
  version = head.version;
  keep_alive = head.keep_alive;
  is_head = head.method == "HEAD";
  http.method = head.method;
  http.headers = head.headers;
  if (shared.hooks.observer != nullptr) {
    observed_ = true;
    shared.hooks.observer->request_begins();
  }
  auto target = parse_target(head.target);
  if (!target.ok()) {
    problem = target.error().message;
    return false;
  }
  http.path = std::move(target.value().path);
  http.query = std::move(target.value().query);
  if (http.path == "*" && http.method != "OPTIONS") {
    problem = "the target \"*\" is for OPTIONS alone";
    return false;
  }
  if (const std::string& authority = target.value().authority;
      !authority.empty() && authority != http.header("host")) {
    problem = "target and host name different hosts";
    return false;
  }
  if (shared.hooks.admit) {
    try {
      admission = shared.hooks.admit(http, peer);
    } catch (const std::exception&) {
      admission.refusal = error_reply(http, 500, "an internal error");
    }
  }
  return true;
}

std::int64_t Connection::Request::max_body_bytes() const {
  return admission.max_body_bytes >= 0 ? admission.max_body_bytes : shared.limits.body_bytes;
}

bool Connection::Request::hold_body(std::int64_t n) {
  if (n <= held_) return true;
  const std::int64_t more = n - held_;
  if (shared.bodies_bytes.fetch_add(more) + more > shared.limits.all_bodies_bytes) {
    shared.bodies_bytes -= more;
    return false;
  }
  held_ = n;
  return true;
}

Reply Connection::Request::handle() {
  try {
    return shared.hooks.handle(http);
  } catch (const std::exception&) {
    return error_reply(http, 500, "an internal error");
  }
}

}  // namespace sputnik::server
