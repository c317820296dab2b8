// The built page of the assistant, as it lies in the program. What implements this is made by
// cmake/embed_web.cmake.
#pragma once

#include <span>
#include <string_view>

namespace sputnik::server {

struct PageFile {
  std::string_view path;         // "/assets/index-x.js"
  std::string_view bytes, gzip;  // gzip: "" where nothing is gained
};

// Empty if the program was built without its page. Valid for as long as the program runs.
std::span<const PageFile> page_files();

}  // namespace sputnik::server
