// The test sets that are known by name.
#pragma once

#include <span>
#include <string_view>

namespace sputnik::evaluation {

struct SuiteInfo {
  std::string_view name;
  std::string_view what;     // one clause for people
  std::string_view licence;  // of the items
  bool ships;                // as data/suites/NAME/items.jsonl; otherwise people bring the file
};

// Without the gym, whose tasks are made and not read.
std::span<const SuiteInfo> suites();
const SuiteInfo* find_suite(std::string_view name);  // null: unknown

}  // namespace sputnik::evaluation
