// Ctrl-C as a flag.
#pragma once

#include <atomic>

namespace sputnik::cli {

// From now on Ctrl-C sets the flag instead of ending the program. The terminal's settings are never
// touched, so there is nothing to restore.
std::atomic<bool>& catch_interrupts();

// Becomes readable when the flag is set, for who waits in poll(): a signal that comes just before
// the wait, or to another thread, does not end it. -1 before catch_interrupts().
int interrupt_descriptor();

// What has come so far is dealt with.
void clear_interrupt();

}  // namespace sputnik::cli
