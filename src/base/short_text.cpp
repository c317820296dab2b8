#include "base/short_text.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <utility>

namespace sputnik {
namespace {

// Three significant digits, never an exponent.
std::string three_digits(double x) {
  const double size = std::abs(x);
  if (x == std::trunc(x) && size < 1000) return fmt::format("{:.0f}", x);
  if (size >= 99.95) return fmt::format("{:.0f}", x);
  if (size >= 9.995) return fmt::format("{:.1f}", x);
  if (size >= 0.0995) return fmt::format("{:.2f}", x);
  return fmt::format("{:.2g}", x);
}

}  // namespace

std::string short_count(double n) {
  if (!std::isfinite(n)) return "?";
  constexpr std::array<std::pair<double, const char*>, 6> kUnits = {
      {{1e18, "E"}, {1e15, "P"}, {1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}}};
  // 999.6 thousand would be "1000k": the next unit begins where three digits round up.
  for (const auto& [size, unit] : kUnits) {
    if (std::abs(n) >= size * 0.9995) {
      if (std::abs(n) >= size * 1e3) return fmt::format("{:.2e}", n);
      return three_digits(n / size) + unit;
    }
  }
  return three_digits(n);
}

std::string short_duration(double seconds) {
  if (!std::isfinite(seconds)) return "?";
  if (seconds < 0) seconds = 0;
  if (seconds < 9.95) return fmt::format("{:.2g} s", seconds);
  if (seconds < 99.5) return fmt::format("{:.0f} s", seconds);
  const double minutes = std::round(seconds / 60);
  if (minutes < 100) return fmt::format("{:.0f} min", minutes);
  if (minutes < 48 * 60)
    return fmt::format("{:.0f} h {:.0f} min", std::floor(minutes / 60), std::fmod(minutes, 60));
  const double hours = std::round(seconds / 3600);
  if (hours >= 24 * 10'000) return fmt::format("{:.2g} d", hours / 24);
  return fmt::format("{:.0f} d {:.0f} h", std::floor(hours / 24), std::fmod(hours, 24));
}

std::string short_energy(double joules) {
  if (!std::isfinite(joules)) return "?";
  const double watt_hours = joules / 3600;
  if (watt_hours < 999.5) return three_digits(watt_hours) + " Wh";
  if (watt_hours < 999.5e3) return three_digits(watt_hours / 1e3) + " kWh";
  return short_count(watt_hours / 1e6) + " MWh";
}

std::string short_money(double amount, std::string_view currency) {
  std::string text = amount < 0.995    ? fmt::format("{:.2g}", amount)
                     : amount < 9999.5 ? fmt::format("{:.2f}", amount)
                                       : short_count(amount);
  if (!std::isfinite(amount)) text = "?";
  return currency == "USD" ? "$" + text : fmt::format("{} {}", currency, text);
}

}  // namespace sputnik
