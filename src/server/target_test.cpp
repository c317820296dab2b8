#include "server/target.h"

#include <gtest/gtest.h>

namespace sputnik::server {
namespace {

TEST(Target, IsDecoded) {
  const auto target = parse_target("/v1/models/r1%3A7b?key=a+b%2Bc&alt=sse&empty&=x&&%C3%A9=1");
  ASSERT_TRUE(target.ok());
  EXPECT_EQ(target.value().path, "/v1/models/r1:7b");
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"key", "a b+c"}, {"alt", "sse"}, {"empty", ""}, {"", "x"}, {"\u00e9", "1"}};
  EXPECT_EQ(target.value().query, expected);
}

TEST(Target, APlusInThePathStaysAPlus) {
  EXPECT_EQ(parse_target("/a+b").value().path, "/a+b");
}

TEST(Target, AProxysFormNamesItsHost) {
  const auto target = parse_target("http://localhost:8484/v1/models?a=b");
  ASSERT_TRUE(target.ok());
  EXPECT_EQ(target.value().authority, "localhost:8484");
  EXPECT_EQ(target.value().path, "/v1/models");
}

TEST(Target, WhatCouldMeanTwoThingsIsRefused) {
  for (const char* text :
       {"",          "v1",          "/%",        "/%4",         "/%zz",      "/%00",
        "/a%0d%0ab", "/%7f",        "/\xff",     "/%ff",        "/%c0%af",   "/../etc",
        "/a/..",     "/a/./b",      "/%2e%2e/a", "/a%2f..%2fb", "/a#b",      "http:///x",
        "http://a",  "//%ed%a0%80", "/?%ff",     "/?a=%f",      "ftp://a/b", "**"}) {
    EXPECT_FALSE(parse_target(text).ok()) << text;
  }
}

TEST(Target, TheQueryHasAnEnd) {
  std::string text = "/?";
  for (int i = 0; i < 64; ++i) text += "a=b&";
  EXPECT_TRUE(parse_target(text).ok());
  EXPECT_FALSE(parse_target(text + "a=b").ok());
}

}  // namespace
}  // namespace sputnik::server
