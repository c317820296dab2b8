// Whatever the bytes: a request that is refused or understood, and the same however it is cut; a
// target whose decoded parts are well-formed; a route or none; a verdict about its host.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/utf8.h"
#include "server/origin_check.h"
#include "server/request_reader.h"
#include "server/router.h"
#include "server/target.h"

namespace {

using namespace sputnik::server;

struct Outcome {
  RequestReader::State state;
  int status;
  std::string target, body, host;
  std::size_t used;

  bool operator==(const Outcome&) const = default;
};

Outcome read(std::string_view bytes, std::size_t piece) {
  RequestReader reader{HttpLimits()};
  std::size_t used = 0, arrived = 0;
  const auto is_over = [&] {
    return reader.state() == RequestReader::State::kDone ||
           reader.state() == RequestReader::State::kFailed;
  };
  while (arrived < bytes.size() && !is_over()) {
    arrived = std::min(bytes.size(), arrived + piece);
    for (;;) {
      const std::size_t n = reader.feed(bytes.substr(used, arrived - used));
      used += n;
      if (reader.state() != RequestReader::State::kHeadDone) break;
      reader.begin_body(1000);
    }
  }
  Outcome outcome{reader.state(), reader.status(), "", "", "", 0};
  if (reader.state() != RequestReader::State::kDone) return outcome;
  outcome.target = reader.head().target;
  outcome.host = reader.head().header("host");
  outcome.used = used;
  outcome.body = reader.take_body();
  return outcome;
}

void check(bool holds) {
  if (!holds) std::abort();
}

const Router& router() {
  static const Router made = [] {
    Router all;
    const Handler nothing = [](const HttpRequest&) { return Reply(); };
    all.add("GET", "/v1/models/{id...}", nothing);
    all.add("POST", "/v1beta/models/{model}:generateContent", nothing);
    all.add("GET", "/a/{x}/b/{y}", nothing);
    return all;
  }();
  return made;
}

void check_target(std::string_view text, std::string_view host) {
  const auto target = parse_target(text);
  if (!target.ok()) return;
  check(sputnik::is_valid_utf8(target.value().path));
  for (const auto& [name, value] : target.value().query)
    check(sputnik::is_valid_utf8(name) && sputnik::is_valid_utf8(value));
  for (const char* method : {"GET", "POST", "DELETE"}) {
    const Router::Match match = router().find(method, target.value().path);
    for (const auto& [name, value] : match.parameters) check(!value.empty());
  }
  HttpRequest request;
  request.headers = {{"host", std::string(host)}, {"origin", std::string(text)}};
  (void)check_origin({}, request, 8484, false);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_target(bytes, bytes);
  const Outcome whole = read(bytes, std::max<std::size_t>(1, size));
  const Outcome cut = read(bytes, 1);
  // What is wrong may be found early or late, but never by one of them alone.
  constexpr auto kDone = RequestReader::State::kDone;
  check(whole == cut || (whole.state != kDone && cut.state != kDone));
  if (whole.state == kDone) check_target(whole.target, whole.host);
  return 0;
}
