#include "server/request_reader.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "base/assert.h"
#include "formats/printable.h"

namespace sputnik::server {
namespace {

namespace http = boost::beast::http;

constexpr std::size_t kLastChunkBytes = 5;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if ('A' <= c && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

std::string_view RequestHead::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return {};
}

struct RequestReader::Impl {
  explicit Impl(const HttpLimits& all) : limits(all) {
    // The library counts the request line and the fields apart; header_bytes is counted here.
    parser.header_limit(static_cast<std::uint32_t>(limits.header_bytes));
    parser.body_limit(boost::none);  // until begin_body()
    parser.eager(false);
  }

  std::size_t feed_header(std::string_view bytes);
  std::size_t feed_body(std::string_view bytes);
  void finish_head();
  void check_head();
  void fail(int with, std::string what) {
    state = State::kFailed;
    status = with;
    problem = std::move(what);
  }
  void fail_header(boost::beast::error_code error);
  bool check_lines(std::string_view rest);

  const HttpLimits limits;
  http::request_parser<http::string_body> parser;
  State state = State::kHeader;
  RequestHead head;
  bool has_begun = false;
  std::size_t header_bytes = 0;   // that the parser has taken
  std::size_t checked_bytes = 0;  // of what it has not taken yet
  bool line_ended = false;        // the request line
  std::size_t n_length_fields = 0, n_hosts = 0;
  bool has_transfer_encoding = false;
  std::int64_t max_body = 0;
  int status = 0;
  std::string problem;
};

void RequestReader::Impl::fail_header(boost::beast::error_code error) {
  if (error == http::error::header_limit) return fail(431, "the header is too long");
  if (error == http::error::bad_version)
    return fail(505, "HTTP/1.0 and HTTP/1.1 are what is spoken here");
  if (error == http::error::bad_transfer_encoding || error == http::error::bad_content_length ||
      error == http::error::multiple_content_length)
    return fail(400, "the length of the body is not clear");
  fail(400, "the header is malformed: " + printable(error.message()));
}

// The parser waits for the end of a header before it looks at lines; what cannot become right is
// found here, however the bytes came.
bool RequestReader::Impl::check_lines(std::string_view rest) {
  for (;;) {
    const std::size_t end = rest.find('\n', checked_bytes);
    if (!line_ended && std::min(end, rest.size()) > limits.request_line_bytes) {
      fail(414, "the request line is too long");
      return false;
    }
    if (end == std::string_view::npos) {
      checked_bytes = rest.size();
      return true;
    }
    if (end == 0 || rest[end - 1] != '\r') {
      fail(400, "the header is malformed: a line ends without a carriage return");
      return false;
    }
    line_ended = true;
    checked_bytes = end + 1;
    if (rest.substr(0, end + 1).ends_with("\r\n\r\n")) return true;  // a body may follow
  }
}

std::size_t RequestReader::Impl::feed_header(std::string_view bytes) {
  std::size_t taken = 0;
  // Empty lines before a request are to be forgiven (RFC 9112, 2.2), but not without end.
  while (!has_begun && header_bytes < 16 && bytes.substr(taken).starts_with("\r\n")) {
    taken += 2;
    header_bytes += 2;
  }
  if (!has_begun && bytes.substr(taken) == "\r") return taken;
  if (!has_begun && taken < bytes.size()) {
    has_begun = true;
    header_bytes = 0;
  }
  if (taken == bytes.size()) return taken;

  const std::string_view rest = bytes.substr(taken);
  if (!check_lines(rest)) return taken;
  boost::beast::error_code error;
  const std::size_t n = parser.put(boost::asio::const_buffer(rest.data(), rest.size()), error);
  if (error && error != http::error::need_more) {
    fail_header(error);
    return taken;
  }
  header_bytes += n;
  checked_bytes -= std::min(n, checked_bytes);
  if (header_bytes + (parser.is_header_done() ? 0 : rest.size() - n) > limits.header_bytes) {
    fail(431, "the header is too long");
    return taken;
  }
  if (parser.is_header_done()) finish_head();
  return taken + n;
}

void RequestReader::Impl::finish_head() {
  const auto& message = parser.get();
  head.method = view(message.method_string());
  head.target = view(message.target());
  head.version = static_cast<int>(message.version());
  head.keep_alive = parser.keep_alive();
  for (const auto& field : message) {
    head.headers.emplace_back(lower(view(field.name_string())), view(field.value()));
    const std::string& name = head.headers.back().first;
    n_length_fields += name == "content-length";
    n_hosts += name == "host";
    has_transfer_encoding |= name == "transfer-encoding";
  }
  head.has_body = !parser.is_done();
  if (const auto length = parser.content_length())
    head.content_length = static_cast<std::int64_t>(
        std::min<std::uint64_t>(*length, std::numeric_limits<std::int64_t>::max()));
  check_head();
  if (state == State::kHeader) state = State::kHeadDone;
}

// What two programs could read in two ways is refused: it is how requests are smuggled past a
// proxy.
void RequestReader::Impl::check_head() {
  if (head.target.size() > limits.request_line_bytes)
    return fail(414, "the request line is too long");
  if (head.headers.size() > limits.header_fields)
    return fail(431, "the header has too many fields");
  if (n_length_fields > 1) return fail(400, "content-length stands there twice");
  if (n_length_fields == 1 &&
      head.header("content-length").find_first_not_of("0123456789") != std::string_view::npos)
    return fail(400, "content-length is not a number");
  if (has_transfer_encoding) {
    if (n_length_fields > 0) return fail(400, "content-length beside transfer-encoding");
    if (head.version < 11) return fail(400, "transfer-encoding in HTTP/1.0");
    if (lower(head.header("transfer-encoding")) != "chunked")
      return fail(501, "transfer-encoding other than chunked");
  }
  if (n_hosts > 1) return fail(400, "host stands there twice");
  if (n_hosts == 0 && head.version >= 11) return fail(400, "host is missing");
  if (const std::string_view expect = head.header("expect"); !expect.empty()) {
    if (lower(expect) != "100-continue") return fail(417, "an expectation that is not known");
    head.expects_continue = head.version >= 11;
  }
}

std::size_t RequestReader::Impl::feed_body(std::string_view bytes) {
  if (bytes.empty()) return 0;
  // The parser asserts, in builds that have assertions, that what is left when it looks at the last
  // chunk for the second time is five bytes. "0\r\n\r\n" has not been taken before the end has
  // come, so there is no message for which waiting for five is wrong.
  if (parser.chunked() && bytes.size() < kLastChunkBytes) return 0;
  boost::beast::error_code error;
  const std::size_t n = parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  if (error == http::error::body_limit) {
    fail(413, "the body is larger than " + std::to_string(max_body) + " bytes");
  } else if (error && error != http::error::need_more) {
    fail(400, "the body is malformed: " + printable(error.message()));
  } else if (parser.is_done()) {
    state = State::kDone;
  } else if (n == 0 && bytes.size() >= limits.header_bytes) {
    // The line before a chunk, or the fields after the last: no longer than a header.
    fail(400, "a chunk's line is too long");
  }
  return n;
}

RequestReader::RequestReader(const HttpLimits& limits) : impl_(std::make_unique<Impl>(limits)) {}
RequestReader::~RequestReader() = default;

std::size_t RequestReader::feed(std::string_view bytes) {
  if (impl_->state == State::kHeader) return impl_->feed_header(bytes);
  if (impl_->state == State::kBody) return impl_->feed_body(bytes);
  return 0;
}

void RequestReader::begin_body(std::int64_t max_bytes) {
  SPUTNIK_ASSERT(impl_->state == State::kHeadDone);
  impl_->max_body = max_bytes;
  if (!impl_->head.has_body) {
    impl_->state = State::kDone;
  } else if (impl_->head.content_length > max_bytes) {
    impl_->fail(413, "the body is " + std::to_string(impl_->head.content_length) +
                         " bytes, at most " + std::to_string(max_bytes) + " are taken");
  } else {
    impl_->state = State::kBody;
    impl_->parser.body_limit(static_cast<std::uint64_t>(max_bytes));
    impl_->parser.eager(true);
  }
}

RequestReader::State RequestReader::state() const {
  return impl_->state;
}
bool RequestReader::has_begun() const {
  return impl_->has_begun;
}
const RequestHead& RequestReader::head() const {
  return impl_->head;
}
std::int64_t RequestReader::body_bytes() const {
  return static_cast<std::int64_t>(impl_->parser.get().body().size());
}
std::string RequestReader::take_body() {
  return std::move(impl_->parser.get().body());
}
int RequestReader::status() const {
  return impl_->status;
}
const std::string& RequestReader::problem() const {
  return impl_->problem;
}

}  // namespace sputnik::server
