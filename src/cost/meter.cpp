#include "cost/meter.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace sputnik {

Meter::Meter(MeterOptions options)
    : options_(std::move(options)), counter_(RaplCounter::open(options_.powercap)) {
  if (!options_.clock) {
    options_.clock = [] {
      return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
          .count();
    };
  }
  last_s_ = options_.clock();
}

Lap Meter::lap() {
  Lap lap;
  const double now_s = options_.clock();
  lap.seconds = std::max(now_s - last_s_, 0.0);
  last_s_ = now_s;
  const std::optional<double> now_j = counter_ ? counter_->read() : std::nullopt;
  if (now_j) {
    lap.energy_j = *now_j - last_j_;
    lap.energy_is_measured = true;
    last_j_ = *now_j;
  } else {
    counter_.reset();  // one that fails once would give a lap of nothing and one of too much
    lap.energy_j = options_.watts * lap.seconds;
  }
  return lap;
}

}  // namespace sputnik
