#include "cost/meter.h"

#include <gtest/gtest.h>

#include <fstream>

#include "formats/gguf_testing.h"

namespace sputnik {
namespace {

// A folder like /sys/class/powercap.
class FakePowercap {
 public:
  void zone(const std::string& zone, const std::string& name, double energy_uj, double range_uj) {
    write(zone + "/name", name);
    write(zone + "/max_energy_range_uj", std::to_string(static_cast<long long>(range_uj)));
    set(zone, energy_uj);
  }
  void set(const std::string& zone, double energy_uj) {
    write(zone + "/energy_uj", std::to_string(static_cast<long long>(energy_uj)));
  }
  void remove(const std::string& zone) { std::filesystem::remove_all(path() / zone); }
  std::filesystem::path path() const { return folder_.path(); }

 private:
  void write(const std::string& file, const std::string& text) {
    std::filesystem::create_directories((path() / file).parent_path());
    std::ofstream(path() / file) << text << "\n";
  }
  TestFolder folder_;
};

TEST(RaplCounter, AddsPackagesAndMemoryAndNothingTwice) {
  FakePowercap powercap;
  powercap.zone("intel-rapl:0", "package-0", 1e6, 1e12);
  powercap.zone("intel-rapl:0:0", "core", 5e6, 1e12);  // within the package
  powercap.zone("intel-rapl:0:1", "dram", 2e6, 1e12);
  powercap.zone("intel-rapl:1", "psys", 9e6, 1e12);            // the package and more
  powercap.zone("intel-rapl-mmio:0", "package-0", 1e6, 1e12);  // the same package again
  powercap.zone("intel-rapl:2", "package-1", 3e6, 1e12);
  auto counter = RaplCounter::open(powercap.path());
  ASSERT_TRUE(counter.has_value());
  EXPECT_EQ(counter->read(), 0.0);
  for (const char* zone : {"intel-rapl:0:0", "intel-rapl:1", "intel-rapl-mmio:0"})
    powercap.set(zone, 500e6);
  powercap.set("intel-rapl:0", 11e6);
  powercap.set("intel-rapl:0:1", 4e6);
  powercap.set("intel-rapl:2", 3.5e6);
  EXPECT_DOUBLE_EQ(counter->read().value(), 10 + 2 + 0.5);
}

TEST(RaplCounter, GoesOnWhenACounterBeginsAgain) {
  FakePowercap powercap;
  powercap.zone("intel-rapl:0", "package-0", 90e6, 100e6);
  auto counter = RaplCounter::open(powercap.path());
  powercap.set("intel-rapl:0", 99e6);
  EXPECT_DOUBLE_EQ(counter->read().value(), 9);
  powercap.set("intel-rapl:0", 4e6);
  EXPECT_DOUBLE_EQ(counter->read().value(), 9 + 5);
  powercap.set("intel-rapl:0", 50e6);
  EXPECT_DOUBLE_EQ(counter->read().value(), 9 + 5 + 46);
}

TEST(RaplCounter, IsAbsentWhereNothingCanBeRead) {
  FakePowercap powercap;
  EXPECT_FALSE(RaplCounter::open(powercap.path()).has_value());
  EXPECT_FALSE(RaplCounter::open(powercap.path() / "none").has_value());
  powercap.zone("intel-rapl:0:1", "dram", 1e6, 1e12);
  EXPECT_FALSE(RaplCounter::open(powercap.path()).has_value()) << "memory alone is no machine";
  powercap.zone("intel-rapl:0", "package-0", 1e6, 1e12);
  std::ofstream(powercap.path() / "intel-rapl:0/energy_uj") << "";  // as one that may not be read
  EXPECT_FALSE(RaplCounter::open(powercap.path()).has_value());
}

TEST(Meter, CountsLapsOfAClockAndOfACounter) {
  FakePowercap powercap;
  powercap.zone("intel-rapl:0", "package-0", 0, 1e12);
  double now = 100;
  Meter meter({50, powercap.path(), [&] { return now; }});
  EXPECT_TRUE(meter.measures_energy());
  now = 102.5;
  powercap.set("intel-rapl:0", 30e6);
  Lap lap = meter.lap();
  EXPECT_DOUBLE_EQ(lap.seconds, 2.5);
  EXPECT_DOUBLE_EQ(lap.energy_j, 30);
  EXPECT_TRUE(lap.energy_is_measured);
  now = 103;
  powercap.set("intel-rapl:0", 37e6);
  lap = meter.lap();
  EXPECT_DOUBLE_EQ(lap.seconds, 0.5);
  EXPECT_DOUBLE_EQ(lap.energy_j, 7);
}

TEST(Meter, EstimatesWhereNothingCountsAndSaysSo) {
  FakePowercap powercap;
  double now = 0;
  Meter meter({50, powercap.path(), [&] { return now; }});
  EXPECT_FALSE(meter.measures_energy());
  now = 3;
  const Lap lap = meter.lap();
  EXPECT_DOUBLE_EQ(lap.energy_j, 150);
  EXPECT_FALSE(lap.energy_is_measured);
}

TEST(Meter, EstimatesFromWhereACounterFails) {
  FakePowercap powercap;
  powercap.zone("intel-rapl:0", "package-0", 0, 1e12);
  double now = 0;
  Meter meter({50, powercap.path(), [&] { return now; }});
  powercap.remove("intel-rapl:0");
  now = 2;
  EXPECT_DOUBLE_EQ(meter.lap().energy_j, 100);
  powercap.zone("intel-rapl:0", "package-0", 700e6, 1e12);
  now = 3;
  const Lap lap = meter.lap();
  EXPECT_DOUBLE_EQ(lap.energy_j, 50);
  EXPECT_FALSE(lap.energy_is_measured);
}

}  // namespace
}  // namespace sputnik
