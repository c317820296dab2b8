#include "server/reply_head.h"

#include <gtest/gtest.h>

namespace sputnik::server {
namespace {

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(ReplyHead, SaysHowTheBodyEnds) {
  const ResponseHead head;
  EXPECT_TRUE(holds(format_head(head, {.framing = Framing::kLength, .length = 7}),
                    "\r\ncontent-length: 7\r\n"));
  EXPECT_TRUE(holds(format_head(head, {.framing = Framing::kChunked}),
                    "\r\ntransfer-encoding: chunked\r\n"));
  ResponseHead empty;
  empty.status = 204;
  const std::string none = format_head(empty, {.framing = Framing::kNone});
  EXPECT_TRUE(none.starts_with("HTTP/1.1 204 No Content\r\n"));
  EXPECT_FALSE(holds(none, "\r\ncontent-length") || holds(none, "\r\ncontent-type"));
  EXPECT_TRUE(none.ends_with("\r\n\r\n"));
}

TEST(ReplyHead, ConnectionFollowsTheVersion) {
  EXPECT_FALSE(holds(format_head({}, {}), "connection:"));
  EXPECT_TRUE(holds(format_head({}, {.keep_alive = false}), "connection: close"));
  EXPECT_TRUE(holds(format_head({}, {.version = 10}), "connection: keep-alive"));
}

TEST(ReplyHead, AValueCannotBeginAnotherLine) {
  ResponseHead head;
  head.headers = {{"x-model", "a\r\nset-cookie: b"}, {"bad name", "c"}, {"x\r\ny", "d"}, {"", "e"}};
  head.content_type = "text/plain\r\nx: y";
  const std::string text = format_head(head, {});
  EXPECT_TRUE(holds(text, "\r\nx-model: a  set-cookie: b\r\n"));
  EXPECT_FALSE(holds(text, "\r\nset-cookie"));
  EXPECT_FALSE(holds(text, "bad name"));
  EXPECT_FALSE(holds(text, "\r\ny"));
  EXPECT_FALSE(holds(text, "\r\nx: y"));
}

TEST(ReplyHead, StreamsAskProxiesNotToWait) {
  const std::string text = format_head({}, {.streams = true});
  EXPECT_TRUE(holds(text, "cache-control: no-cache"));
  EXPECT_TRUE(holds(text, "x-accel-buffering: no"));
  ResponseHead own;
  own.headers = {{"Cache-Control", "no-store"}};
  EXPECT_FALSE(holds(format_head(own, {.streams = true}), "no-cache"));
}

TEST(ReplyHead, AnEmptyChunkIsNotTheEnd) {
  std::string out;
  append_chunk(out, "");
  EXPECT_EQ(out, "");
  append_chunk(out, std::string(26, 'x'));
  EXPECT_EQ(out, "1a\r\n" + std::string(26, 'x') + "\r\n");
}

}  // namespace
}  // namespace sputnik::server
