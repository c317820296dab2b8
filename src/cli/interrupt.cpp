#include "cli/interrupt.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace sputnik::cli {
namespace {

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may touch nothing else");
// A pipe: the handler writes, interrupt_descriptor() reads. Set before the handler is.
int ends[2] = {-1, -1};

void on_interrupt(int /*signal*/) {
  const int errno_before = errno;
  interrupted.store(true);
  // A full pipe is readable, too.
  if (::write(ends[1], "", 1) < 0) errno = errno_before;
}

}  // namespace

std::atomic<bool>& catch_interrupts() {
  if (ends[0] < 0 && ::pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) ends[0] = ends[1] = -1;
  struct sigaction action = {};
  action.sa_handler = on_interrupt;
  sigemptyset(&action.sa_mask);
  action.sa_flags = 0;  // no SA_RESTART: without the pipe, a wait must end all the same
  (void)sigaction(SIGINT, &action, nullptr);
  return interrupted;
}

int interrupt_descriptor() {
  return ends[0];
}

void clear_interrupt() {
  char drained[64];
  while (ends[0] >= 0 && ::read(ends[0], drained, sizeof drained) > 0) {
  }
  interrupted.store(false);
}

}  // namespace sputnik::cli
