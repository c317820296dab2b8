// From method and path to who answers.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/http.h"

namespace sputnik::server {

// What stood for {name} in the pattern, in its order.
using PathParameters = std::vector<std::pair<std::string, std::string>>;

enum class Access {
  kOpen,    // everybody
  kInfer,   // a key with this scope, where keys are needed
  kManage,  // likewise
};

struct RouteRules {
  Access access = Access::kInfer;
  // Of requests with a body; parameters such as charset are ignored. Forms that any page can send
  // ("text/plain", "application/x-www-form-urlencoded") do not belong here.
  std::vector<std::string> content_types = {"application/json"};
  std::int64_t max_body_bytes = -1;  // -1: as HttpLimits says
};

class Router {
 public:
  struct Route {
    std::string method, pattern;
    Handler handle;
    RouteRules rules;
  };

  // "/v1/models/{id}": what stands for {id} holds no '/' and is not empty; "/models/{id...}" may
  // hold some. "/models/{id}:generate": the last ":generate" counts. Of several patterns that fit,
  // the one with the fewest parameters wins, then the one that was added first. GET answers HEAD
  // too.
  void add(std::string method, std::string pattern, Handler handle, RouteRules rules = {});

  struct Match {
    const Route* route = nullptr;  // nullptr: see allowed. Valid until the next add()
    PathParameters parameters;
    // Methods that the path has, "GET, HEAD, POST"; empty: there is no such path.
    std::string allowed;
  };
  Match find(std::string_view method, std::string_view path) const;

 private:
  std::vector<Route> routes_;
};

// Exposed for its fuzzer.
bool match_pattern(std::string_view pattern, std::string_view path, PathParameters& parameters);

}  // namespace sputnik::server
