#include "cli/run.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "formats/printable.h"

namespace sputnik::cli {
namespace {

constexpr std::size_t kMaxErrorBytes = 4096;

}  // namespace

void print_error(std::string_view what) {
  fmt::print(stderr, "error: {}\n", printable(what, kMaxErrorBytes));
}

int run(Result<int> outcome) {
  const bool written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  if (!outcome.ok()) {
    print_error(outcome.error().message);
    return kExitFailure;
  }
  if (!written) {
    print_error("standard output cannot be written");
    return kExitFailure;
  }
  return outcome.value();
}

// Failures stay in the stream's error flag, which run() looks at.
void write(std::string_view text) {
  (void)std::fwrite(text.data(), 1, text.size(), stdout);
}

void flush() {
  (void)std::fflush(stdout);
}

void write_json_line(const nlohmann::ordered_json& json) {
  // "replace": file names and token texts need not be UTF-8.
  write(json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  write("\n");
}

Result<std::string> read_standard_input() {
  std::string text;
  char buffer[1 << 16];
  for (;;) {
    const ssize_t n = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (n == 0) return text;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EBADF)
      return text;  // closed, as services start programs: nothing is there
    if (n < 0) return io_error("standard input: {}", std::strerror(errno));
    text.append(buffer, static_cast<std::size_t>(n));
  }
}

}  // namespace sputnik::cli
