#include "server/origin_check.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "formats/printable.h"

namespace sputnik::server {
namespace {

struct Host {
  std::string name;  // lower case; IPv6 in brackets
  int port = -1;     // -1: not said
};

std::optional<Host> parse_host(std::string_view text) {
  Host host;
  std::size_t end = text.starts_with('[') ? text.find(']') : text.find(':');
  if (text.starts_with('[')) {
    if (end == std::string_view::npos) return std::nullopt;
    ++end;
  }
  end = std::min(end, text.size());
  for (const char c : text.substr(0, end)) {
    const bool is_letter = ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z');
    const bool is_digit = '0' <= c && c <= '9';
    if (!is_letter && !is_digit && std::string_view("-._[]:").find(c) == std::string_view::npos)
      return std::nullopt;
    host.name += 'A' <= c && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  if (host.name.ends_with('.')) host.name.pop_back();
  if (host.name.empty()) return std::nullopt;
  if (end < text.size()) {
    const std::string_view digits = text.substr(end + 1);
    const auto [last, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), host.port);
    if (text[end] != ':' || error != std::errc() || last != digits.data() + digits.size() ||
        host.port < 0 || host.port > 65535)
      return std::nullopt;
  }
  return host;
}

bool is_address(std::string_view name) {
  unsigned char bytes[16];
  if (name.starts_with('['))
    return inet_pton(AF_INET6, std::string(name.substr(1, name.size() - 2)).c_str(), bytes) == 1;
  return inet_pton(AF_INET, std::string(name).c_str(), bytes) == 1;
}

bool is_allowed_host(const OriginPolicy& policy, const Host& host, std::uint16_t local_port,
                     bool is_tls) {
  for (const std::string& text : policy.hosts) {
    const auto allowed = parse_host(text);
    if (allowed && allowed->name == host.name && (allowed->port < 0 || allowed->port == host.port))
      return true;
  }
  const int port = host.port >= 0 ? host.port : is_tls ? 443 : 80;
  if (port != local_port) return false;
  if (policy.any_address_as_host && is_address(host.name)) return true;
  return host.name == "localhost" || host.name == "127.0.0.1" || host.name == "[::1]";
}

bool same_text(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return 'A' <= c && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

// The page was served by the host that it asks: both say the same host, and that one was allowed.
bool is_own_origin(std::string_view origin, std::string_view host, bool is_tls) {
  const std::string_view scheme = is_tls ? "https://" : "http://";
  return origin.starts_with(scheme) && same_text(origin.substr(scheme.size()), host);
}

// What a preflight asks for is granted if it is a list of names and nothing else.
bool is_list_of_names(std::string_view text) {
  return text.size() <= 1024 && std::all_of(text.begin(), text.end(), [](char c) {
           return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || ('0' <= c && c <= '9') ||
                  std::string_view("-_, ").find(c) != std::string_view::npos;
         });
}

void allow_origin(const HttpRequest& request, std::string_view origin, OriginVerdict& verdict) {
  auto& headers = verdict.reply_headers;
  headers.emplace_back("access-control-allow-origin", origin);
  headers.emplace_back("vary", "origin");
  if (request.method != "OPTIONS" || request.header("access-control-request-method").empty()) {
    headers.emplace_back("access-control-expose-headers", "x-request-id, retry-after");
    return;
  }
  verdict.is_preflight = true;
  headers.emplace_back("access-control-allow-methods", "GET, POST, PUT, PATCH, DELETE");
  const std::string_view wanted = request.header("access-control-request-headers");
  if (!wanted.empty() && is_list_of_names(wanted))
    headers.emplace_back("access-control-allow-headers", wanted);
  if (request.header("access-control-request-private-network") == "true")
    headers.emplace_back("access-control-allow-private-network", "true");
  headers.emplace_back("access-control-max-age", "600");
}

}  // namespace

OriginVerdict check_origin(const OriginPolicy& policy, const HttpRequest& request,
                           std::uint16_t local_port, bool is_tls) {
  OriginVerdict verdict;
  const std::string_view host_text = request.header("host");
  // Without a host (HTTP/1.0) it is no browser that asks.
  if (!host_text.empty()) {
    const auto host = parse_host(host_text);
    if (!host || !is_allowed_host(policy, *host, local_port, is_tls)) {
      verdict.problem =
          fmt::format("the host \"{}\" is not one of this server's; --allow-host makes it one",
                      printable(host_text));
      return verdict;
    }
  }
  const std::string_view origin = request.header("origin");
  const bool is_own = !origin.empty() && is_own_origin(origin, host_text, is_tls);
  const bool is_allowed =
      !origin.empty() &&
      std::any_of(policy.origins.begin(), policy.origins.end(),
                  [&](const auto& allowed) { return same_text(allowed, origin); });
  if (!origin.empty() && !is_own && !is_allowed) {
    verdict.problem = fmt::format(
        "pages of \"{}\" may not ask this server; --allow-origin lets them", printable(origin));
    return verdict;
  }
  // Requests that carry no origin, such as those of images and links.
  if (!is_allowed && request.header("sec-fetch-site") == "cross-site") {
    verdict.problem = "a page of another site may not ask this server";
    return verdict;
  }
  if (is_allowed && !is_own) allow_origin(request, origin, verdict);
  return verdict;
}

std::string problem_with_host(std::string_view host) {
  if (parse_host(host)) return "";
  return fmt::format("\"{}\" is no host: NAME or NAME:PORT is one", printable(host));
}

std::string problem_with_origin(std::string_view origin) {
  for (const std::string_view scheme : {"http://", "https://"})
    if (origin.starts_with(scheme) && parse_host(origin.substr(scheme.size()))) return "";
  return fmt::format("\"{}\" is no origin: https://NAME or https://NAME:PORT is one",
                     printable(origin));
}

}  // namespace sputnik::server
