// How far long work has come: one line on standard error, on a terminal only.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace sputnik::cli {

// The line disappears with the object, so that what follows begins at the left margin.
class Progress {
 public:
  explicit Progress(std::string_view what);
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // "what: 512 of 4096 tokens", with the time left once there is something to tell it from.
  void show(std::int64_t done, std::int64_t total, std::string_view unit);
  void clear();

 private:
  using Clock = std::chrono::steady_clock;

  const std::string what_;
  const bool is_terminal_;
  const Clock::time_point start_ = Clock::now();
  bool is_shown_ = false;
};

}  // namespace sputnik::cli
