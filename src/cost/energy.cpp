#include "cost/energy.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <system_error>

namespace sputnik {
namespace {

std::optional<double> number_in(const std::filesystem::path& path) {
  std::ifstream file(path);
  double value = 0;
  if (!(file >> value) || !(value >= 0)) return std::nullopt;
  return value;
}

}  // namespace

std::optional<RaplCounter> RaplCounter::open(const std::filesystem::path& folder) {
  RaplCounter counter;
  bool has_package = false;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    // intel-rapl:0 is a package and intel-rapl:0:2 a part of it. intel-rapl-mmio:0 is the same
    // package again, "psys" counts packages once more, and cores are within their package; memory
    // is not.
    if (!it->path().filename().string().starts_with("intel-rapl:")) continue;
    std::ifstream name_file(it->path() / "name");
    std::string name;
    name_file >> name;
    const bool is_package = name.starts_with("package");
    if (!is_package && name != "dram") continue;
    const auto now = number_in(it->path() / "energy_uj");
    if (!now) continue;
    has_package = has_package || is_package;
    counter.zones_.push_back({it->path() / "energy_uj", *now,
                              number_in(it->path() / "max_energy_range_uj").value_or(0)});
  }
  if (!has_package) return std::nullopt;
  return counter;
}

std::optional<double> RaplCounter::read() {
  for (Zone& zone : zones_) {
    const auto now = number_in(zone.energy);
    if (!now) return std::nullopt;
    const double since = *now - zone.last_uj;
    total_uj_ += since >= 0 ? since : std::max(since + zone.range_uj, 0.0);
    zone.last_uj = *now;
  }
  return total_uj_ / 1e6;
}

}  // namespace sputnik
