// A result as one page that needs nothing else: no script, no font, no network.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "evaluation/summary.h"

namespace sputnik::evaluation {

struct ReportInput {
  std::string title;                                       // "tiny: gym, gsm8k"
  std::vector<std::pair<std::string, std::string>> facts;  // "temperature" -> "0.6"
  std::span<const Item> items;
  std::span<const Record> records;
  std::int64_t n_samples = 1;
  bool can_think = true;  // otherwise there is no format to speak of
};

// Every text, what a model wrote above all, is escaped; a policy in the page forbids scripts and
// requests besides.
std::string html_report(const ReportInput& input);

// For text and quoted attributes. Control characters, and those that turn the direction of text
// around, become U+FFFD.
std::string html_escaped(std::string_view text);

}  // namespace sputnik::evaluation
