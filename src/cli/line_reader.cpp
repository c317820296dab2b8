#include "cli/line_reader.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "cli/interrupt.h"

namespace sputnik::cli {

LineReader::Event LineReader::read(std::string& line) {
  std::size_t searched = 0;
  for (;;) {
    const std::size_t end = pending_.find('\n', searched);
    if (end != std::string::npos) {
      line = pending_.substr(0, end);
      pending_.erase(0, end + 1);
      return Event::kLine;
    }
    searched = pending_.size();
    struct pollfd ready[2] = {{STDIN_FILENO, POLLIN, 0}, {interrupt_descriptor(), POLLIN, 0}};
    char buffer[4096];
    const bool is_interrupted =
        (::poll(ready, 2, -1) < 0 && errno == EINTR) || (ready[1].revents & POLLIN) != 0;
    const ssize_t n = is_interrupted ? 0 : ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (is_interrupted || (n < 0 && errno == EINTR)) {
      pending_.clear();
      return Event::kInterrupted;
    }
    if (n <= 0) {
      line = std::move(pending_);
      pending_.clear();
      return line.empty() ? Event::kEnd : Event::kLine;
    }
    pending_.append(buffer, static_cast<std::size_t>(n));
  }
}

}  // namespace sputnik::cli
