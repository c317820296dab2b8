// The head of a reply as bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/http.h"

namespace sputnik::server {

enum class Framing {
  kLength,   // content-length
  kChunked,  // HTTP/1.1 alone
  kClose,    // ends with the connection
  kNone,     // 204, 304: there is no body
};

struct HeadFrame {
  Framing framing = Framing::kLength;
  std::int64_t length = 0;  // kLength
  int version = 11;         // of the request
  bool keep_alive = true;
  bool streams = false;  // proxies are asked not to wait for more
  std::string_view trace_id = {};
  // Beside those of the handler.
  const std::vector<std::pair<std::string, std::string>>* more_headers = nullptr;
};

// Names or values that could begin another line are left out or made harmless: what a handler says
// may come from a client.
std::string format_head(const ResponseHead& head, const HeadFrame& frame);

std::string_view reason_phrase(int status);
bool has_no_body(int status);

// "1a\r\n" bytes "\r\n", appended. Nothing for no bytes: that would be the end.
void append_chunk(std::string& out, std::string_view bytes);
constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace sputnik::server
