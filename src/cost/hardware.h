// Machines that models are trained on.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sputnik {

// Of one device. Peaks are of dense products; energy and price hold the device's share of the
// server around it.
struct Hardware {
  std::string name;   // as --hardware takes it
  std::string title;  // as people say it
  double bf16_flops_per_s = 0;
  double fp8_flops_per_s = 0;  // 0: has none
  double memory_bytes = 0;
  double watts = 0;           // at most
  double price_per_hour = 0;  // dollars; what it is usually rented for
  double mfu = 0;  // share of the bf16 peak that training reaches, counted as in TrainingCost
  std::string mfu_source;
};

const std::vector<Hardware>& known_hardware();

// By name, with capitals, blanks and hyphens as one likes. kNotFound lists the names.
Result<Hardware> find_hardware(std::string_view name);

}  // namespace sputnik
