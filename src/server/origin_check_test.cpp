#include "server/origin_check.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sputnik::server {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

OriginVerdict check(const Headers& headers, const OriginPolicy& policy = {},
                    std::string method = "POST", std::uint16_t port = 8484, bool is_tls = false) {
  HttpRequest request;
  request.method = std::move(method);
  request.headers = headers;
  return check_origin(policy, request, port, is_tls);
}
bool passes(const Headers& headers, const OriginPolicy& policy = {}) {
  return check(headers, policy).problem.empty();
}

TEST(OriginCheck, LoopbackNamesWithTheRightPortAreHosts) {
  for (const char* host :
       {"localhost:8484", "127.0.0.1:8484", "[::1]:8484", "LOCALHOST:8484", "localhost.:8484"})
    EXPECT_TRUE(passes({{"host", host}})) << host;
  for (const char* host :
       {"localhost", "localhost:80", "127.0.0.1", "127.0.0.2:8484", "evil.example:8484",
        "localhost.evil.example:8484", "evil.example", "192.168.1.7:8484", "localhost:8484:8484",
        "localhost:", "localhost:8484x", "[::1:8484", "user@localhost:8484", ":8484",
        "localhost:99999999999999"})
    EXPECT_FALSE(passes({{"host", host}})) << host;
}

TEST(OriginCheck, TheDefaultPortNeedNotBeSaid) {
  EXPECT_TRUE(check({{"host", "localhost"}}, {}, "GET", 80).problem.empty());
  EXPECT_TRUE(check({{"host", "localhost"}}, {}, "GET", 443, true).problem.empty());
  EXPECT_FALSE(check({{"host", "localhost"}}, {}, "GET", 443, false).problem.empty());
}

TEST(OriginCheck, HostsCanBeAllowed) {
  OriginPolicy policy;
  policy.hosts = {"box.example", "other:9000"};
  EXPECT_TRUE(passes({{"host", "box.example"}}, policy));
  EXPECT_TRUE(passes({{"host", "Box.Example:1234"}}, policy));
  EXPECT_TRUE(passes({{"host", "other:9000"}}, policy));
  EXPECT_FALSE(passes({{"host", "other:9001"}}, policy));
  EXPECT_FALSE(passes({{"host", "xbox.example"}}, policy));
}

TEST(OriginCheck, BeyondLoopbackAnAddressIsAHostAndANameIsNot) {
  OriginPolicy policy;
  policy.any_address_as_host = true;
  EXPECT_TRUE(passes({{"host", "192.168.1.7:8484"}}, policy));
  EXPECT_TRUE(passes({{"host", "[fd00::1]:8484"}}, policy));
  EXPECT_FALSE(passes({{"host", "192.168.1.7:80"}}, policy));
  EXPECT_FALSE(passes({{"host", "192.168.1.7.evil.example:8484"}}, policy));
}

TEST(OriginCheck, ForeignPagesMayNotAsk) {
  const std::string host = "localhost:8484";
  EXPECT_TRUE(passes({{"host", host}, {"origin", "http://localhost:8484"}}));
  for (const char* origin : {"https://evil.example", "null", "http://localhost:3000",
                             "https://localhost:8484", "http://127.0.0.1:8484", "localhost:8484"})
    EXPECT_FALSE(passes({{"host", host}, {"origin", origin}})) << origin;
  EXPECT_FALSE(passes({{"host", "evil.example"}, {"origin", "http://evil.example"}}))
      << "a name that was rebound agrees with itself";
}

TEST(OriginCheck, AnotherSitesImagesMayNotAsk) {
  EXPECT_FALSE(passes({{"host", "localhost:8484"}, {"sec-fetch-site", "cross-site"}}));
  EXPECT_TRUE(passes({{"host", "localhost:8484"}, {"sec-fetch-site", "same-origin"}}));
  EXPECT_TRUE(passes({{"host", "localhost:8484"}, {"sec-fetch-site", "none"}}));
}

TEST(OriginCheck, AllowedOriginsGetTheHeadersThatTheirBrowsersWant) {
  OriginPolicy policy;
  policy.origins = {"https://chat.example"};
  const Headers from_there = {{"host", "localhost:8484"},
                              {"origin", "https://chat.example"},
                              {"sec-fetch-site", "cross-site"}};
  const OriginVerdict plain = check(from_there, policy);
  EXPECT_EQ(plain.problem, "");
  EXPECT_FALSE(plain.is_preflight);
  EXPECT_EQ(plain.reply_headers[0].second, "https://chat.example");

  Headers asks = from_there;
  asks.emplace_back("access-control-request-method", "POST");
  asks.emplace_back("access-control-request-headers", "authorization, content-type");
  const OriginVerdict preflight = check(asks, policy, "OPTIONS");
  EXPECT_TRUE(preflight.is_preflight);
  EXPECT_NE(std::find(preflight.reply_headers.begin(), preflight.reply_headers.end(),
                      std::pair<std::string, std::string>("access-control-allow-headers",
                                                          "authorization, content-type")),
            preflight.reply_headers.end());
  EXPECT_TRUE(check({{"host", "localhost:8484"}}).reply_headers.empty()) << "nobody else gets any";
}

TEST(OriginCheck, PeopleHearWhatIsWrongWithAHostOrAnOrigin) {
  EXPECT_EQ(problem_with_host("box:80"), "");
  EXPECT_NE(problem_with_host("http://box"), "");
  EXPECT_NE(problem_with_host(""), "");
  EXPECT_EQ(problem_with_origin("https://a.example"), "");
  EXPECT_NE(problem_with_origin("a.example"), "");
  EXPECT_NE(problem_with_origin("https://a.example/"), "");
}

}  // namespace
}  // namespace sputnik::server
