#include "server/reply_head.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

namespace sputnik::server {
namespace {

bool is_token(std::string_view name) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
    return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || ('0' <= c && c <= '9') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  if (!is_token(name)) return;
  out += name;
  out += ": ";
  for (const char c : value) out += (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) ? ' ' : c;
  out += "\r\n";
}

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return 'A' <= c && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

bool says(const ResponseHead& head, std::string_view name) {
  return std::any_of(head.headers.begin(), head.headers.end(),
                     [&](const auto& field) { return same_name(field.first, name); });
}

// "Sun, 06 Nov 1994 08:49:37 GMT", in no locale.
std::string http_date() {
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[parts.tm_wday], parts.tm_mday,
                     kMonths[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min,
                     parts.tm_sec);
}

}  // namespace

std::string format_head(const ResponseHead& head, const HeadFrame& frame) {
  std::string out = fmt::format("HTTP/1.1 {} {}\r\n", head.status, reason_phrase(head.status));
  out.reserve(512);
  append_field(out, "date", http_date());
  if (frame.framing != Framing::kNone && !head.content_type.empty())
    append_field(out, "content-type", head.content_type);
  if (frame.framing == Framing::kLength)
    append_field(out, "content-length", std::to_string(frame.length));
  if (frame.framing == Framing::kChunked) append_field(out, "transfer-encoding", "chunked");
  if (!frame.keep_alive) {
    append_field(out, "connection", "close");
  } else if (frame.version < 11) {
    append_field(out, "connection", "keep-alive");
  }
  if (frame.streams) {
    if (!says(head, "cache-control")) append_field(out, "cache-control", "no-cache");
    append_field(out, "x-accel-buffering", "no");
  }
  append_field(out, "x-content-type-options", "nosniff");
  if (!frame.trace_id.empty()) append_field(out, "x-request-id", frame.trace_id);
  for (const auto& [name, value] : head.headers) append_field(out, name, value);
  if (frame.more_headers != nullptr)
    for (const auto& [name, value] : *frame.more_headers) append_field(out, name, value);
  out += "\r\n";
  return out;
}

bool has_no_body(int status) {
  return status == 204 || status == 304 || (100 <= status && status < 200);
}

void append_chunk(std::string& out, std::string_view bytes) {
  if (bytes.empty()) return;
  fmt::format_to(std::back_inserter(out), "{:x}\r\n", bytes.size());
  out += bytes;
  out += "\r\n";
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 499:
      return "Client Closed Request";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 529:
      return "Overloaded";
    default:
      return "Status";
  }
}

}  // namespace sputnik::server
