// Values of options that are found wrong before anything is loaded. The engine checks them again.
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string>

namespace sputnik::cli {

// Numbers within [low, high]. The help says so in words.
inline CLI::Validator between(double low, double high) {
  const auto check = [low, high](const std::string& text) {
    double value = 0;
    if (CLI::detail::lexical_cast(text, value) && value >= low && value <= high)
      return std::string();
    return fmt::format("{} is not between {} and {}", text, low, high);
  };
  return CLI::Validator(check, "");
}

}  // namespace sputnik::cli
