// The energy that this machine uses, as its processor counts it.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

namespace sputnik {

// The counters of processor packages and of memory (RAPL) that Linux shows under
// /sys/class/powercap, for Intel's and AMD's processors. They count all that runs on the machine,
// but neither disks, fans nor power supplies. Virtual machines mostly have none, and since Linux
// 5.10 only root may read them.
class RaplCounter {
 public:
  // No value if there is no counter of a package that this process may read.
  static std::optional<RaplCounter> open(const std::filesystem::path& folder);

  // Joules since open(). Counters begin again at 0 when they are full, which this can tell if it
  // happens once at most between two calls: 65 to 262 kJ, so at 200 W within five minutes. No value
  // when a counter cannot be read any more.
  std::optional<double> read();

 private:
  struct Zone {
    std::filesystem::path energy;
    double last_uj;
    double range_uj;  // where it begins again; 0: unknown
  };
  std::vector<Zone> zones_;
  double total_uj_ = 0;
};

}  // namespace sputnik
