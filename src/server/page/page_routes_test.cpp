#include "server/page/page_routes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace sputnik::server {
namespace {

constexpr PageFile kFiles[] = {{"/index.html", "<!doctype html>", "packed page"},
                               {"/assets/index-1.js", "run()", "packed script"},
                               {"/icon.svg", "<svg/>", ""}};

class Page : public testing::Test {
 protected:
  Page() { add_page_routes(router_, kFiles); }

  Reply get(const std::string& path, const std::string& accept_encoding = "") {
    HttpRequest request;
    request.method = "GET";
    request.path = path;
    if (!accept_encoding.empty()) request.headers.emplace_back("accept-encoding", accept_encoding);
    const Router::Match match = router_.find("GET", path);
    if (match.route == nullptr) {
      Reply missing;
      missing.head.status = 404;
      return missing;
    }
    EXPECT_EQ(match.route->rules.access, Access::kOpen);
    return match.route->handle(request);
  }
  static std::string header(const Reply& reply, std::string_view name) {
    for (const auto& [key, value] : reply.head.headers)
      if (key == name) return value;
    return "";
  }
  Router router_;
};

TEST_F(Page, IsAtTheRoot) {
  const Reply reply = get("/");
  EXPECT_EQ(reply.body, "<!doctype html>");
  EXPECT_EQ(reply.head.content_type, "text/html; charset=utf-8");
  EXPECT_EQ(header(reply, "cache-control"), "no-cache");
}

TEST_F(Page, AllowsNothingInlineAndNothingFromElsewhere) {
  for (const char* path : {"/", "/index.html", "/assets/index-1.js", "/icon.svg"}) {
    const std::string policy = header(get(path), "content-security-policy");
    EXPECT_TRUE(policy.starts_with("default-src 'none';")) << path;
    EXPECT_NE(policy.find("frame-ancestors 'none'"), std::string::npos) << path;
    EXPECT_EQ(policy.find("unsafe"), std::string::npos) << path;
    EXPECT_EQ(policy.find("http"), std::string::npos) << path;
    EXPECT_EQ(header(get(path), "referrer-policy"), "no-referrer") << path;
  }
}

TEST_F(Page, KeepsWhatIsNamedByItsContent) {
  const Reply reply = get("/assets/index-1.js");
  EXPECT_EQ(reply.head.content_type, "text/javascript; charset=utf-8");
  EXPECT_EQ(header(reply, "cache-control"), "public, max-age=31536000, immutable");
}

TEST_F(Page, IsPackedForThoseWhoCanUnpack) {
  const Reply packed = get("/assets/index-1.js", "br, gzip;q=0.8");
  EXPECT_EQ(packed.body, "packed script");
  EXPECT_EQ(header(packed, "content-encoding"), "gzip");
  const Reply plain = get("/assets/index-1.js", "identity");
  EXPECT_EQ(plain.body, "run()");
  EXPECT_EQ(header(plain, "content-encoding"), "");
  EXPECT_EQ(header(plain, "vary"), "accept-encoding");
  EXPECT_EQ(get("/icon.svg", "gzip").body, "<svg/>");
}

TEST_F(Page, HasNothingButItsFiles) {
  EXPECT_EQ(get("/assets/").head.status, 404);
  EXPECT_EQ(get("/assets/../index.html").head.status, 404);
  EXPECT_EQ(get("/assets/other.js").head.status, 404);
}

TEST(PageWithoutFiles, SaysHowItIsBuilt) {
  Router router;
  add_page_routes(router, {});
  const Router::Match match = router.find("GET", "/");
  ASSERT_NE(match.route, nullptr);
  EXPECT_NE(match.route->handle({}).body.find("script/bootstrap web"), std::string::npos);
}

TEST(AcceptEncoding, IsReadWithItsQualities) {
  EXPECT_TRUE(accepts_gzip("gzip, deflate, br, zstd"));
  EXPECT_TRUE(accepts_gzip("*"));
  EXPECT_TRUE(accepts_gzip("br;q=1.0, gzip;q=0.1"));
  EXPECT_FALSE(accepts_gzip(""));
  EXPECT_FALSE(accepts_gzip("br"));
  EXPECT_FALSE(accepts_gzip("gzip;q=0"));
  EXPECT_FALSE(accepts_gzip("gzip; q=0.000, br"));
  EXPECT_FALSE(accepts_gzip("xgzip"));
}

// What the build made: every file that the page names is there.
TEST(BuiltPage, HasAllThatItNames) {
  const auto files = page_files();
  if (files.empty()) GTEST_SKIP() << "built without the page: npm was not there";
  const auto index = std::find_if(files.begin(), files.end(),
                                  [](const PageFile& f) { return f.path == "/index.html"; });
  ASSERT_NE(index, files.end());
  int n_named = 0;
  for (std::size_t at = 0; (at = index->bytes.find("=\"/", at)) != std::string_view::npos; ++at) {
    const std::string_view rest = index->bytes.substr(at + 2);
    const std::string_view path = rest.substr(0, rest.find('"'));
    ++n_named;
    EXPECT_TRUE(std::any_of(files.begin(), files.end(), [&](const PageFile& f) {
      return f.path == path;
    })) << path;
  }
  EXPECT_GE(n_named, 2);
  EXPECT_EQ(index->bytes.find("http"), std::string_view::npos);
  EXPECT_EQ(index->bytes.find("<style"), std::string_view::npos);
}

}  // namespace
}  // namespace sputnik::server
