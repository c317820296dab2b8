// Whether a request may come from the page it comes from. A web site that somebody visits can make
// their browser ask a server on their own machine; what it cannot do is lie about Host and Origin.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/http.h"

namespace sputnik::server {

struct OriginPolicy {
  // Beside localhost, 127.0.0.1 and [::1] with the server's own port: "name" with any port, or
  // "name:port".
  std::vector<std::string> hosts;
  // Pages elsewhere that may ask: "https://chat.example.org".
  std::vector<std::string> origins;
  // Listens beyond loopback: any IP address is a good host then. A name that was rebound cannot
  // look like one.
  bool any_address_as_host = false;
};

struct OriginVerdict {
  std::string problem;        // 403, if not empty
  bool is_preflight = false;  // 204 with these headers, and no more
  std::vector<std::pair<std::string, std::string>> reply_headers;
};

OriginVerdict check_origin(const OriginPolicy& policy, const HttpRequest& request,
                           std::uint16_t local_port, bool is_tls);

// A message for a person who wrote --allow-host or --allow-origin; empty if it is fine.
std::string problem_with_host(std::string_view host);
std::string problem_with_origin(std::string_view origin);

}  // namespace sputnik::server
