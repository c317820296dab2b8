#include "server/front.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "server/error_envelope.h"

namespace sputnik::server {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if ('A' <= c && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

bool is_known_method(std::string_view method) {
  for (const std::string_view known : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
    if (method == known) return true;
  return false;
}

bool comes_from_this_machine(const HttpRequest& request, const Peer& peer) {
  return peer.is_loopback && request.header("x-forwarded-for").empty() &&
         request.header("forwarded").empty() && request.header("x-real-ip").empty();
}

// Handlers have no use for secrets, and what they do not have they cannot write down.
void remove_credentials(HttpRequest& request) {
  std::erase_if(request.headers, [](const auto& field) {
    return field.first == "authorization" || field.first == "x-api-key" ||
           field.first == "x-goog-api-key";
  });
  std::erase_if(request.query, [](const auto& item) { return item.first == "key"; });
}

bool has_body(const HttpRequest& request) {
  const std::string_view length = request.header("content-length");
  return !request.header("transfer-encoding").empty() ||
         length.find_first_not_of('0') != std::string_view::npos;
}

// A page can send forms and plain text anywhere without asking. That is why they are not taken.
std::optional<Reply> check_form(const HttpRequest& request, const RouteRules& rules) {
  const std::string encoding = lower(trim(request.header("content-encoding")));
  if (!encoding.empty() && encoding != "identity")
    return error_reply(request, 415, "bodies are taken as they are, without content-encoding");
  const std::string_view type = request.header("content-type");
  if (type.empty() && !has_body(request)) return std::nullopt;
  if (request.method != "POST" && request.method != "PUT" && request.method != "PATCH" &&
      !has_body(request))
    return std::nullopt;
  const std::string name = lower(trim(type.substr(0, type.find(';'))));
  if (std::find(rules.content_types.begin(), rules.content_types.end(), name) !=
      rules.content_types.end())
    return std::nullopt;
  std::string wanted;
  for (const std::string& one : rules.content_types) wanted += (wanted.empty() ? "" : " or ") + one;
  return error_reply(request, 415, "content-type has to be " + wanted);
}

}  // namespace

std::string find_credential(const HttpRequest& request) {
  const std::string_view authorization = trim(request.header("authorization"));
  if (const std::size_t space = authorization.find(' ');
      space != std::string_view::npos && lower(authorization.substr(0, space)) == "bearer")
    return std::string(trim(authorization.substr(space)));
  for (const std::string_view name : {"x-api-key", "x-goog-api-key"})
    if (const std::string_view value = trim(request.header(name)); !value.empty())
      return std::string(value);
  return std::string(request.parameter("key").value_or(""));
}

Result<void> check_binding(std::string_view address, KeyStore& keys) {
  if (is_loopback_address(address) || keys.needs_key()) return ok_result();
  return invalid_argument(
      "{} can be reached by other machines, and there is no key: whoever finds it could use it; "
      "`sputnik key create NAME` makes one",
      address);
}

Front::Front(Router router, OriginPolicy origins, KeyStore& keys, Metrics& metrics, ServerLog& log,
             std::function<Health()> health)
    : router_(std::move(router)),
      origins_(std::move(origins)),
      keys_(keys),
      metrics_(metrics),
      log_(log),
      health_(std::move(health)) {
  RouteRules open, manage;
  open.access = Access::kOpen;
  manage.access = Access::kManage;
  router_.add(
      "GET", "/health", [this](const HttpRequest&) { return answer_health(); }, open);
  router_.add("GET", "/metrics", Handler([this](const HttpRequest&) {
                Reply reply;
                reply.head.content_type = "text/plain; version=0.0.4; charset=utf-8";
                reply.body = metrics_.text();
                return reply;
              }),
              manage);
}

HttpHooks Front::hooks() {
  HttpHooks hooks;
  hooks.handle = [this](const HttpRequest& request) { return handle(request); };
  hooks.admit = [this](HttpRequest& request, const Peer& peer) { return admit(request, peer); };
  hooks.observer = this;
  hooks.say = [this](std::string_view what) { log_.say(what); };
  return hooks;
}

Admission Front::admit(HttpRequest& request, const Peer& peer) {
  Admission admission;
  OriginVerdict verdict = check_origin(origins_, request, peer.local_port, peer.is_tls);
  admission.reply_headers = std::move(verdict.reply_headers);
  if (!verdict.problem.empty()) {
    admission.refusal = error_reply(request, 403, verdict.problem);
    return admission;
  }
  if (!is_known_method(request.method)) {
    admission.refusal = error_reply(request, 501, "this method is not known");
    return admission;
  }
  const Router::Match match = router_.find(request.method, request.path);
  if (request.method == "OPTIONS" && match.route == nullptr &&
      (verdict.is_preflight || !match.allowed.empty() || request.path == "*")) {
    admission.refusal.emplace();
    admission.refusal->head.status = 204;
    if (!match.allowed.empty())
      admission.refusal->head.headers.emplace_back("allow", match.allowed + ", OPTIONS");
    return admission;
  }
  if (match.route == nullptr && match.allowed.empty()) {
    admission.refusal = error_reply(request, 404, "there is nothing at this path");
    return admission;
  }
  if (match.route == nullptr) {
    admission.refusal =
        error_reply(request, 405, "this path is not for " + request.method + " requests");
    admission.refusal->head.headers.emplace_back("allow", match.allowed + ", OPTIONS");
    return admission;
  }
  request.path_parameters = match.parameters;
  admission.route = match.route->pattern;
  admission.max_body_bytes = match.route->rules.max_body_bytes;
  admission.refusal = check_key(request, peer, *match.route);
  if (!admission.refusal) admission.refusal = check_form(request, match.route->rules);
  return admission;
}

std::optional<Reply> Front::check_key(HttpRequest& request, const Peer& peer,
                                      const Router::Route& route) {
  const std::string secret = find_credential(request);
  remove_credentials(request);
  const bool is_local = comes_from_this_machine(request, peer);
  const bool is_metrics = route.pattern == "/metrics";
  const auto key = secret.empty() ? nullptr : keys_.find(secret);
  const auto refuse = [&](int status, std::string_view message) {
    metrics_.auth_failed();
    Reply reply = error_reply(request, status, message);
    if (status == 401) reply.head.headers.emplace_back("www-authenticate", "Bearer");
    return reply;
  };

  if (key == nullptr) {
    // Clients that insist on a key send whatever they like to a server that needs none.
    if (is_local && (is_metrics || !keys_.needs_key())) {
      request.principal = {"local", "local", true, true};
      return std::nullopt;
    }
    request.principal = {"", "", false, false};
    if (route.rules.access == Access::kOpen) return std::nullopt;
    if (!secret.empty()) return refuse(401, "this API key is not known here, or has been revoked");
    if (!keys_.needs_key())
      return refuse(401, "a request from elsewhere needs an API key, and this server has none");
    return refuse(401, "an API key is needed: \"Authorization: Bearer sk-...\"");
  }
  request.principal = {key->id, key->name, key->may_infer, key->may_manage};
  if ((route.rules.access == Access::kInfer && !key->may_infer) ||
      (route.rules.access == Access::kManage && !key->may_manage && !(is_metrics && is_local)))
    return refuse(403, "the scopes of this API key do not allow that");
  if (route.rules.access == Access::kOpen) return std::nullopt;
  const int wait = limiter_.admit(key->id, key->requests_per_min, key->tokens_per_min);
  if (wait == 0) return std::nullopt;
  metrics_.rate_limited();
  Reply reply = error_reply(request, 429, "this API key has used up what it may use per minute");
  reply.head.headers.emplace_back("retry-after", std::to_string(wait));
  return reply;
}

Reply Front::handle(const HttpRequest& request) {
  const Router::Match match = router_.find(request.method, request.path);
  if (match.route == nullptr) return error_reply(request, 404, "there is nothing at this path");
  return match.route->handle(request);
}

Reply Front::answer_health() const {
  const Health health = health_();
  const auto uptime = std::chrono::steady_clock::now() - start_;
  nlohmann::ordered_json json = {
      {"status", health.status},
      {"version", SPUTNIK_VERSION},
      {"model", health.model.empty() ? nlohmann::ordered_json(nullptr)
                                     : nlohmann::ordered_json(health.model)},
      {"uptime_s", std::chrono::duration_cast<std::chrono::seconds>(uptime).count()}};
  Reply reply;
  reply.head.status = health.ready ? 200 : 503;
  reply.head.headers.emplace_back("cache-control", "no-store");
  if (!health.ready) reply.head.headers.emplace_back("retry-after", "5");
  reply.body = json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  return reply;
}

void Front::connection_opened() {
  metrics_.connection_opened();
}
void Front::connection_closed() {
  metrics_.connection_closed();
}
void Front::connection_refused() {
  metrics_.connection_refused();
}
void Front::request_begins() {
  metrics_.request_begins();
}
void Front::exchange_ended(const Exchange& exchange) {
  metrics_.exchange_ended(exchange);
  log_.exchange(exchange);
}
void Front::request_malformed(int status) {
  metrics_.request_malformed(status);
  log_.malformed(status);
}

}  // namespace sputnik::server
