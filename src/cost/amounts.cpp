#include "cost/amounts.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <utility>

namespace sputnik {
namespace {

// Three significant digits, never with an exponent.
std::string three_digits(double x) {
  if (!(x > 0)) return "0";
  const int digits = 2 - static_cast<int>(std::floor(std::log10(x)));
  return fmt::format("{:.{}f}", x, std::min(std::max(digits, 0), 12));
}

template <std::size_t N>
std::string scaled(double x, const std::array<std::pair<double, const char*>, N>& units) {
  for (const auto& [size, name] : units) {
    if (x >= size * 0.9995) return fmt::format("{} {}", three_digits(x / size), name);
  }
  return fmt::format("{} {}", three_digits(x / units.back().first), units.back().second);
}

}  // namespace

std::string whole_text(double n) {
  std::string digits = fmt::format("{:.0f}", n);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

std::string money_text(double amount, std::string_view currency) {
  std::string number = "0.00";
  if (amount >= 999.5) {
    number = whole_text(amount);
  } else if (amount >= 0.095) {
    number = fmt::format("{:.2f}", amount);
  } else if (amount > 0) {
    const int digits = 1 - static_cast<int>(std::floor(std::log10(amount)));
    number = fmt::format("{:.{}f}", amount, std::min(digits, 15));
    if (number.size() > 4 && number.back() == '0') number.pop_back();
  }
  return currency == "USD" ? "$" + number : fmt::format("{} {}", currency, number);
}

std::string duration_text(double seconds) {
  if (seconds < 0.995) return fmt::format("{} s", three_digits(seconds));
  if (seconds < 99.95) return fmt::format("{:.1f} s", seconds);
  const double minutes = seconds / 60;
  if (minutes < 99.5) return fmt::format("{:.1f} min", minutes);
  if (minutes < 60 * 48) {
    const auto whole = static_cast<long long>(std::round(minutes));
    return fmt::format("{} h {} min", whole / 60, whole % 60);
  }
  const double days = minutes / 60 / 24;
  if (days < 730) return fmt::format("{} days", three_digits(days));
  return fmt::format("{} years",
                     days < 365'000 ? three_digits(days / 365.25) : whole_text(days / 365.25));
}

std::string energy_text(double joules) {
  static constexpr std::array<std::pair<double, const char*>, 4> kUnits = {
      {{1e9, "GWh"}, {1e6, "MWh"}, {1e3, "kWh"}, {1, "Wh"}}};
  return scaled(joules / 3600, kUnits);
}

std::string bytes_text(double bytes) {
  static constexpr std::array<std::pair<double, const char*>, 4> kUnits = {
      {{1e12, "TB"}, {1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}}};
  return scaled(bytes, kUnits);
}

std::string count_text(double n) {
  if (n < 999.5) return fmt::format("{:.0f}", n);
  static constexpr std::array<std::pair<double, const char*>, 4> kUnits = {
      {{1e12, "trillion"}, {1e9, "billion"}, {1e6, "million"}, {1e3, "thousand"}}};
  return scaled(n, kUnits);
}

std::string power_of_ten_text(double x) {
  const std::string text = fmt::format("{:.2e}", x);  // 3.76e+24
  const std::size_t e = text.find('e');
  if (e == std::string::npos) return text;
  return fmt::format("{}e{}", text.substr(0, e), std::stoi(text.substr(e + 1)));
}

}  // namespace sputnik
