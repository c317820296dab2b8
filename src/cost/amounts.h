// Amounts as people read them.
#pragma once

#include <string>
#include <string_view>

namespace sputnik {

// "$0.0032", "$0.19", "$5,328,000"; of another currency "EUR 0.19".
std::string money_text(double amount, std::string_view currency);
std::string duration_text(double seconds);  // "41.2 s", "2 h 24 min", "54 days"
std::string energy_text(double joules);     // "0.8 Wh", "38 Wh", "1.2 MWh"
std::string bytes_text(double bytes);       // "1.41 GB", decimal
// Three significant digits and a word: "60.0 million", "14.8 trillion".
std::string count_text(double n);
std::string whole_text(double n);         // "2,664,000"
std::string power_of_ten_text(double x);  // "3.76e24"

}  // namespace sputnik
