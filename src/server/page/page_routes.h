// The assistant's page: GET /, and the files that it asks for.
#pragma once

#include <span>

#include "server/page/page_files.h"
#include "server/router.h"

namespace sputnik::server {

// Open to everybody: there is nothing in it but the program's own text. files must outlive the
// router. Without an index.html among them, GET / says how the page is built.
void add_page_routes(Router& router, std::span<const PageFile> files = page_files());

// Exposed for its test: whether an accept-encoding header allows gzip.
bool accepts_gzip(std::string_view accept_encoding);

}  // namespace sputnik::server
