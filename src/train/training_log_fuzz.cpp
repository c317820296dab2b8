// Any bytes are a log: its lines are read or passed over, and a page is made of them that holds no
// element but its own.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "train/report.h"

namespace {

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t n = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1))
    ++n;
  return n;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  sputnik::RunHistory history;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (const auto line = sputnik::parse_log_line(text.substr(0, end))) history.add(*line);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  const std::string page = sputnik::report_page(
      history, {"run", {reinterpret_cast<const char*>(data), size}, 1.7e9, 1.6e9});
  if (count(page, "<script") != 2 || count(page, "</script") != 2) __builtin_trap();
  return 0;
}
