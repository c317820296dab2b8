// Amounts in few characters, for tables, plots and the terminal.
#pragma once

#include <string>
#include <string_view>

namespace sputnik {

std::string short_count(double n);           // "512", "8.42k", "1.23M", "14.8T"
std::string short_duration(double seconds);  // "0.42 s", "41 s", "12 min", "2 h 24 min", "3 d 4 h"
std::string short_energy(double joules);     // "0.8 Wh", "38 Wh", "1.2 kWh"
std::string short_money(double amount, std::string_view currency);  // "$0.0032", "EUR 12.40"

}  // namespace sputnik
