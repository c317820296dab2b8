#include "engine/loop_detector.h"

#include <algorithm>

namespace sputnik {

void LoopDetector::feed(std::span<const std::int32_t> tokens) {
  looping_ = false;
  const auto last = static_cast<std::int64_t>(tokens.size()) - 1;
  const std::int64_t n_periods = std::min({kMaxPeriod, n_fed_, last});
  for (std::int64_t period = 1; period <= n_periods; ++period) {
    std::int32_t& run = run_[static_cast<std::size_t>(period)];
    run = tokens[static_cast<std::size_t>(last)] == tokens[static_cast<std::size_t>(last - period)]
              ? run + 1
              : 0;
    // The first period has no run of its own.
    if (run + period >= std::max(kMinTokens, kMinRepeats * period)) looping_ = true;
  }
  ++n_fed_;
}

void LoopDetector::reset() {
  run_.fill(0);
  n_fed_ = 0;
  looping_ = false;
}

}  // namespace sputnik
