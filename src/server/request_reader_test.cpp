#include "server/request_reader.h"

#include <gtest/gtest.h>

namespace sputnik::server {
namespace {

using State = RequestReader::State;

// Bytes arrive in pieces of the given size, as a connection hands them over.
std::string read_all(RequestReader& reader, std::string_view bytes, std::size_t piece,
                     std::int64_t max_body = 1 << 20) {
  std::string buffer;
  std::size_t arrived = 0;
  while (arrived < bytes.size()) {
    const std::string_view more = bytes.substr(arrived, piece);
    buffer += more;
    arrived += more.size();
    for (;;) {
      buffer.erase(0, reader.feed(buffer));
      if (reader.state() != State::kHeadDone) break;
      reader.begin_body(max_body);
    }
    if (reader.state() == State::kDone || reader.state() == State::kFailed) break;
  }
  return buffer + std::string(bytes.substr(arrived));
}

constexpr std::string_view kPost =
    "POST /v1/x?y=z HTTP/1.1\r\nHost: a\r\nX-Thing:  some value \r\nContent-Length: 5\r\n\r\nhello";
constexpr std::string_view kChunked =
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    "3\r\nhel\r\n2;name=value\r\nlo\r\n0\r\nX-Trailer: 1\r\nHost: b\r\n\r\n";

constexpr std::string_view kPlainChunks =
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5\r\nhello\r\n0\r\n\r\n";

TEST(RequestReader, PiecesOfAnySizeMakeTheSameRequest) {
  for (const std::string_view request : {kPost, kChunked, kPlainChunks}) {
    for (std::size_t piece = 1; piece <= request.size() + 4; ++piece) {
      RequestReader reader{HttpLimits()};
      const std::string rest = read_all(reader, std::string(request) + "NEXT", piece);
      ASSERT_EQ(reader.state(), State::kDone) << piece << " " << reader.problem();
      EXPECT_EQ(reader.body_bytes(), 5);
      EXPECT_EQ(reader.take_body(), "hello");
      EXPECT_EQ(reader.head().header("host"), "a") << "trailers are no headers";
      EXPECT_EQ(rest, "NEXT") << piece;
    }
  }
}

TEST(RequestReader, ReadsWhatAHeaderSays) {
  RequestReader reader{HttpLimits()};
  read_all(reader, kPost, 1000);
  EXPECT_EQ(reader.head().method, "POST");
  EXPECT_EQ(reader.head().target, "/v1/x?y=z");
  EXPECT_EQ(reader.head().header("x-thing"), "some value");
  EXPECT_EQ(reader.head().content_length, 5);
  EXPECT_EQ(reader.head().version, 11);
  EXPECT_TRUE(reader.head().keep_alive);
}

int status_of(std::string_view request, HttpLimits limits = {}) {
  int first = -1;
  // All at once and byte by byte: neither may hide what the other sees.
  for (const std::size_t piece : {request.size(), std::size_t{1}}) {
    RequestReader reader(limits);
    read_all(reader, request, piece, 1000);
    const int status = reader.state() == State::kFailed ? reader.status() : 0;
    if (first < 0) first = status;
    EXPECT_EQ(status, first) << request.substr(0, 100);
  }
  return first;
}

TEST(RequestReader, ALengthThatIsNotClearIsRefused) {
  const auto with = [](std::string_view fields, std::string_view version = "HTTP/1.1") {
    return status_of("POST / " + std::string(version) + "\r\nHost: a\r\n" + std::string(fields) +
                     "\r\n\r\n0\r\n\r\n");
  };
  EXPECT_EQ(with("Content-Length: 5\r\nTransfer-Encoding: chunked"), 400);
  EXPECT_EQ(with("Transfer-Encoding: chunked\r\nContent-Length: 5"), 400);
  EXPECT_EQ(with("Content-Length: 5\r\nContent-Length: 5"), 400);
  EXPECT_EQ(with("Content-Length: 5\r\nContent-Length: 6"), 400);
  EXPECT_EQ(with("Content-Length: 5, 5"), 400);
  EXPECT_EQ(with("Content-Length: +5"), 400);
  EXPECT_EQ(with("Content-Length: -5"), 400);
  EXPECT_EQ(with("Content-Length: 0x5"), 400);
  EXPECT_EQ(with("Content-Length: "), 400);
  EXPECT_EQ(with("Content-Length: 99999999999999999999999"), 400);
  EXPECT_EQ(with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), 400);
  EXPECT_EQ(with("Transfer-Encoding: gzip, chunked"), 501);
  EXPECT_EQ(with("Transfer-Encoding: chunked, identity"), 501);
  EXPECT_EQ(with("Transfer-Encoding: xchunked"), 501);
  EXPECT_EQ(with("Transfer-Encoding:\x0b"
                 "chunked"),
            400);
  EXPECT_EQ(with("Transfer-Encoding: chunked", "HTTP/1.0"), 400);
  EXPECT_EQ(with("Transfer-Encoding : chunked"), 400);
  EXPECT_EQ(with("Transfer-Encoding: chunked"), 0);
}

TEST(RequestReader, MalformedRequestsAreRefused) {
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n\r\n"), 400) << "no host";
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nB\x01: c\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nB: c\x01\r\n\r\n"), 400);
  EXPECT_EQ(status_of(std::string_view("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 31)), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\n: c\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\nHost: a\n\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\nB: c\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET  / HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(status_of("G\x80T / HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), 505);
  EXPECT_EQ(status_of("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
  EXPECT_EQ(status_of("\x16\x03\x01\x02\x00\x01 TLS on a plain port\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nExpect: magic\r\n\r\n"), 417);
  EXPECT_EQ(status_of("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
}

TEST(RequestReader, ABodyIsCounted) {
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\n";
  EXPECT_EQ(status_of(head + "Content-Length: 1001\r\n\r\n"), 413) << "before it comes";
  std::string chunks;
  for (int i = 0; i < 11; ++i) chunks += "64\r\n" + std::string(100, 'x') + "\r\n";
  EXPECT_EQ(status_of(head + "Transfer-Encoding: chunked\r\n\r\n" + chunks), 413);
  EXPECT_EQ(status_of(head + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"), 400);
  EXPECT_EQ(status_of(head + "Transfer-Encoding: chunked\r\n\r\nzzz\r\n"), 400);
  EXPECT_EQ(status_of(head + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n"), 400);
}

TEST(RequestReader, AHeaderHasAnEnd) {
  const HttpLimits limits;
  const std::string line = "GET / HTTP/1.1\r\nHost: a\r\n";
  EXPECT_EQ(status_of("GET /" + std::string(limits.header_bytes + 10, 'a')), 414);
  EXPECT_EQ(status_of("GET /" + std::string(limits.request_line_bytes + 10, 'a') +
                      " HTTP/1.1\r\nHost: a\r\n\r\n"),
            414);
  EXPECT_EQ(status_of(line + "A: " + std::string(limits.header_bytes, 'a')), 431);
  std::string many = line;
  for (std::size_t i = 0; i < limits.header_fields; ++i) many += "a:b\r\n";
  EXPECT_EQ(status_of(many + "\r\n"), 431);
  std::string long_ones = line;
  for (int i = 0; i < 20; ++i) long_ones += "a: " + std::string(1000, 'b') + "\r\n";
  EXPECT_EQ(status_of(long_ones + "\r\n"), 431);
  // The line before a chunk, too.
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;" +
                      std::string(limits.header_bytes + 10, 'a')),
            400);
}

}  // namespace
}  // namespace sputnik::server
