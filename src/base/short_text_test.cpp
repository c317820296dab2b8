#include "base/short_text.h"

#include <gtest/gtest.h>

#include <limits>

namespace sputnik {
namespace {

TEST(ShortText, CountsHaveThreeDigitsAndAUnit) {
  EXPECT_EQ(short_count(0), "0");
  EXPECT_EQ(short_count(512), "512");
  EXPECT_EQ(short_count(0.5), "0.50");
  EXPECT_EQ(short_count(999.4), "999");
  EXPECT_EQ(short_count(999.6), "1.00k");
  EXPECT_EQ(short_count(8423), "8.42k");
  EXPECT_EQ(short_count(999'600), "1.00M");
  EXPECT_EQ(short_count(14.8e12), "14.8T");
  EXPECT_EQ(short_count(-2e6), "-2M");
  EXPECT_EQ(short_count(1e30), "1.00e+30");
  EXPECT_EQ(short_count(std::numeric_limits<double>::quiet_NaN()), "?");
}

TEST(ShortText, DurationsAreReadAtAGlance) {
  EXPECT_EQ(short_duration(-1), "0 s");
  EXPECT_EQ(short_duration(0.42), "0.42 s");
  EXPECT_EQ(short_duration(41.3), "41 s");
  EXPECT_EQ(short_duration(720), "12 min");
  EXPECT_EQ(short_duration(8640), "2 h 24 min");
  EXPECT_EQ(short_duration(86400.0 * 3 + 3600 * 4), "3 d 4 h");
  EXPECT_EQ(short_duration(1e300).find("000"), std::string::npos);
  EXPECT_EQ(short_duration(std::numeric_limits<double>::infinity()), "?");
}

TEST(ShortText, EnergyAndMoneyAreSmallOrLarge) {
  EXPECT_EQ(short_energy(2880), "0.80 Wh");
  EXPECT_EQ(short_energy(3600.0 * 38), "38 Wh");
  EXPECT_EQ(short_energy(3.6e6 * 1.25), "1.25 kWh");
  EXPECT_EQ(short_energy(3.6e9 * 1.2), "1.20 MWh");
  EXPECT_EQ(short_money(0.0032, "USD"), "$0.0032");
  EXPECT_EQ(short_money(12.4, "EUR"), "EUR 12.40");
  EXPECT_EQ(short_money(5.576e6, "USD"), "$5.58M");
}

}  // namespace
}  // namespace sputnik
