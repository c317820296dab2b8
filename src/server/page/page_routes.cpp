#include "server/page/page_routes.h"

#include <algorithm>
#include <string>
#include <utility>

namespace sputnik::server {
namespace {

// Nothing inline, nothing from elsewhere, no frame around it: whatever a model writes, it stays
// text.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'";

constexpr std::string_view kMissing =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Sputnik</title></head>"
    "<body><h1>Sputnik answers, but has no page</h1>"
    "<p>This program was built without its page, because node and npm were not there. To have it: "
    "<code>script/bootstrap web</code>, remove the folder <code>web</code> in the build folder, "
    "and build again.</p>"
    "<p>The API works all the same: see <code>docs/api.md</code>, and "
    "<a href=\"/v1/models\">/v1/models</a> for the model that is loaded.</p></body></html>\n";

std::string_view content_type(std::string_view path) {
  constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".woff2", "font/woff2"},
      {".json", "application/json"},
      {".webmanifest", "application/manifest+json"},
      {".txt", "text/plain; charset=utf-8"}};
  for (const auto& [ending, type] : kTypes)
    if (path.ends_with(ending)) return type;
  return "application/octet-stream";
}

Reply reply_with(const PageFile& file, const HttpRequest& request) {
  const bool packed = !file.gzip.empty() && accepts_gzip(request.header("accept-encoding"));
  // What lies in /assets/ has the hash of its content in its name; the rest is asked for each time.
  const bool is_hashed = file.path.starts_with("/assets/");
  Reply reply;
  reply.head.content_type = content_type(file.path);
  auto& headers = reply.head.headers;
  headers.emplace_back("content-security-policy", kPolicy);
  headers.emplace_back("referrer-policy", "no-referrer");
  headers.emplace_back("cross-origin-opener-policy", "same-origin");
  headers.emplace_back("cache-control",
                       is_hashed ? "public, max-age=31536000, immutable" : "no-cache");
  if (!file.gzip.empty()) headers.emplace_back("vary", "accept-encoding");
  if (packed) headers.emplace_back("content-encoding", "gzip");
  reply.body = packed ? file.gzip : file.bytes;
  return reply;
}

}  // namespace

bool accepts_gzip(std::string_view accept_encoding) {
  while (!accept_encoding.empty()) {
    const std::size_t comma = std::min(accept_encoding.find(','), accept_encoding.size());
    std::string item(accept_encoding.substr(0, comma));
    accept_encoding.remove_prefix(std::min(comma + 1, accept_encoding.size()));
    std::erase_if(item, [](char c) { return c == ' ' || c == '\t'; });
    if (item == "gzip" || item == "*") return true;
    if (!item.starts_with("gzip;q=") && !item.starts_with("*;q=")) continue;
    // "gzip;q=0" and "gzip;q=0.000" refuse it.
    const std::string quality = item.substr(item.find('=') + 1);
    return quality.find_first_not_of("0.") != std::string::npos;
  }
  return false;
}

void add_page_routes(Router& router, std::span<const PageFile> files) {
  RouteRules open;
  open.access = Access::kOpen;
  const PageFile* index = nullptr;
  for (const PageFile& file : files) {
    if (file.path == "/index.html") index = &file;
    router.add("GET", std::string(file.path),
               Handler([file](const HttpRequest& request) { return reply_with(file, request); }),
               open);
  }
  const PageFile start = index != nullptr ? *index : PageFile{"/index.html", kMissing, {}};
  router.add("GET", "/",
             Handler([start](const HttpRequest& request) { return reply_with(start, request); }),
             open);
}

}  // namespace sputnik::server
