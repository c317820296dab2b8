// What work takes while it runs: seconds and joules, in laps. What it achieves, the caller knows.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>

#include "cost/energy.h"

namespace sputnik {

// A core of a server at full work with its share of everything around it. An EPYC 9654 may use
// 360 W for 96 cores (AMD's data sheet); memory, fans and the losses of the power supply about
// double that. A laptop's core uses as much for short, less for long.
constexpr double kDefaultWattsPerThread = 8;

struct Lap {
  double seconds = 0;
  double energy_j = 0;
  bool energy_is_measured = false;  // counted by the processor, not estimated
};

struct MeterOptions {
  double watts = kDefaultWattsPerThread;  // of all that works, where nothing counts
  std::filesystem::path powercap = "/sys/class/powercap";
  std::function<double()> clock;  // seconds; none: of the machine
};

class Meter {
 public:
  explicit Meter(MeterOptions options);

  // Since the lap before, or since the beginning. To be called every few minutes (energy.h).
  Lap lap();

  bool measures_energy() const { return counter_.has_value(); }
  // Once it is known how many threads work.
  void set_watts(double watts) { options_.watts = watts; }

 private:
  MeterOptions options_;
  std::optional<RaplCounter> counter_;
  double last_s_ = 0;
  double last_j_ = 0;
};

}  // namespace sputnik
