// How far a training has come, on standard error: on a terminal one line that is written again and
// again, elsewhere a line every few seconds.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "train/run_history.h"

namespace sputnik::cli {

class TrainProgress {
 public:
  explicit TrainProgress(const LogStart& start);
  ~TrainProgress() { end_line(); }
  TrainProgress(const TrainProgress&) = delete;
  TrainProgress& operator=(const TrainProgress&) = delete;

  void show(const LogStep& step);
  void say(std::string_view line);  // above the line that changes
  void end_line();

 private:
  using Clock = std::chrono::steady_clock;

  // Seconds that the rest will take, at the pace of the last minutes, whatever steps are made
  // between.
  double left_s(std::int64_t step);

  const bool is_terminal_;
  const LogStart start_;
  struct Mark {
    Clock::time_point time;
    std::int64_t step;
  };
  std::deque<Mark> marks_;
  Clock::time_point last_shown_;
  RunHistory::Usage usage_;
  bool is_open_ = false;
  std::int64_t n_shown_ = 0;
};

// "0.4 Wh, $0.0004": what is known of it. Used by the view of a run, too.
std::string cost_text(const RunHistory::Usage& usage, double price_per_hour,
                      std::string_view currency);

}  // namespace sputnik::cli
