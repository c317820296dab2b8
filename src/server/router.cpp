#include "server/router.h"

#include <algorithm>

#include "base/assert.h"

namespace sputnik::server {

bool match_pattern(std::string_view pattern, std::string_view path, PathParameters& parameters) {
  const std::size_t brace = pattern.find('{');
  const std::string_view literal = pattern.substr(0, brace);
  if (!path.starts_with(literal)) return false;
  if (brace == std::string_view::npos) return path.size() == literal.size();
  path.remove_prefix(literal.size());
  const std::size_t close = pattern.find('}', brace);
  SPUTNIK_ASSERT(close != std::string_view::npos);
  std::string_view name = pattern.substr(brace + 1, close - brace - 1);
  const std::string_view rest = pattern.substr(close + 1);
  const bool takes_slashes = name.ends_with("...");
  if (takes_slashes) name.remove_suffix(3);

  // The longest that leaves enough for the rest. Patterns are ours and have few parameters, so the
  // trying has a small bound.
  const std::size_t limit = takes_slashes ? path.size() : std::min(path.find('/'), path.size());
  for (std::size_t n = limit; n > 0; --n) {
    const std::size_t n_before = parameters.size();
    parameters.emplace_back(name, path.substr(0, n));
    if (match_pattern(rest, path.substr(n), parameters)) return true;
    parameters.resize(n_before);
    if (rest.empty()) return false;  // only the longest leaves nothing
  }
  return false;
}

void Router::add(std::string method, std::string pattern, Handler handle, RouteRules rules) {
  routes_.push_back({std::move(method), std::move(pattern), std::move(handle), std::move(rules)});
  const auto n_parameters = [](const Route& route) {
    return std::count(route.pattern.begin(), route.pattern.end(), '{');
  };
  std::stable_sort(routes_.begin(), routes_.end(), [&](const Route& a, const Route& b) {
    return n_parameters(a) < n_parameters(b);
  });
}

Router::Match Router::find(std::string_view method, std::string_view path) const {
  Match match;
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  std::vector<std::string_view> methods;
  for (const Route& route : routes_) {
    PathParameters parameters;
    if (!match_pattern(route.pattern, path, parameters)) continue;
    if (route.method == wanted) {
      match.route = &route;
      match.parameters = std::move(parameters);
      return match;
    }
    if (std::find(methods.begin(), methods.end(), route.method) == methods.end())
      methods.push_back(route.method);
  }
  for (const std::string_view one : methods) {
    if (!match.allowed.empty()) match.allowed += ", ";
    match.allowed += one;
    if (one == "GET") match.allowed += ", HEAD";
  }
  return match;
}

}  // namespace sputnik::server
