// One HTTP/1 request out of a stream of bytes, without a socket.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/http_options.h"

namespace sputnik::server {

struct RequestHead {
  std::string method, target;                                // as they came
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  int version = 11;                                          // 10 or 11
  bool keep_alive = true;
  bool has_body = false;
  bool expects_continue = false;
  std::int64_t content_length = -1;  // -1: not said

  std::string_view header(std::string_view name) const;
};

class RequestReader {
 public:
  enum class State {
    kHeader,    // more bytes of the header are needed
    kHeadDone,  // head() is there; begin_body() comes next
    kBody,      // more bytes of the body are needed
    kDone,
    kFailed,  // status() and problem(); nothing after this request can be understood
  };

  explicit RequestReader(const HttpLimits& limits);
  ~RequestReader();
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  // Takes what belongs to this request from the front of bytes and returns how much that was. What
  // it did not take must come again, with more behind it. A header is taken piece by piece, and
  // never more than its end: head and body need separate calls.
  std::size_t feed(std::string_view bytes);
  void begin_body(std::int64_t max_bytes);

  State state() const;
  bool has_begun() const;
  const RequestHead& head() const;
  std::int64_t body_bytes() const;  // read so far
  std::string take_body();
  int status() const;  // of a failure
  const std::string& problem() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sputnik::server
