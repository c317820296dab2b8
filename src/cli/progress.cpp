#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace sputnik::cli {

Progress::Progress(std::string_view what)
    : what_(what), is_terminal_(::isatty(STDERR_FILENO) != 0) {}

void Progress::show(std::int64_t done, std::int64_t total, std::string_view unit) {
  if (!is_terminal_) return;
  const double elapsed_s = std::chrono::duration<double>(Clock::now() - start_).count();
  std::string left;
  if (done > 0 && done < total && elapsed_s > 1) {
    const double seconds =
        elapsed_s * static_cast<double>(total - done) / static_cast<double>(done);
    left = seconds < 100 ? fmt::format(", {:.0f} s left", seconds)
                         : fmt::format(", {:.0f} min left", seconds / 60);
  }
  fmt::print(stderr, "\r\x1b[K{}: {} of {} {}{}", what_, done, total, unit, left);
  std::fflush(stderr);
  is_shown_ = true;
}

void Progress::clear() {
  if (!is_shown_) return;
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
  is_shown_ = false;
}

}  // namespace sputnik::cli
