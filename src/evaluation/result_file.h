// What an evaluation leaves behind as JSON, and two of them compared item by item.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "evaluation/summary.h"

namespace sputnik::evaluation {

// identity: what the run is of, as the log's first line has it; run: how it went (time, speed).
nlohmann::ordered_json make_result(const nlohmann::ordered_json& identity,
                                   const nlohmann::ordered_json& run, std::span<const Item> items,
                                   std::span<const Record> records, std::int64_t n_samples);

// A result file as far as a comparison needs it.
struct SavedItem {
  std::string id, section, row, column;
  bool right = false;  // with several samples: most of them are
};
struct SavedSuite {
  std::string suite, fingerprint;
  std::vector<SavedItem> items;
};
struct SavedResult {
  std::string model;
  std::int64_t n_samples = 1;
  std::vector<SavedSuite> suites;
};

// path: a result file, or a folder that holds a result.json. kCorrupt names what is wrong.
Result<SavedResult> read_result(const std::filesystem::path& path);
Result<SavedResult> parse_result(std::string_view text, const std::string& where);

// Some items of both.
struct Comparison {
  std::string suite, section, column;  // empty: all
  std::int64_t n = 0, n_both = 0, n_only_first = 0, n_only_second = 0;

  double p_value() const { return mcnemar_exact(n_only_first, n_only_second); }
};

// For every suite that both have: all items, then each column, section by section.
// kInvalidArgument: no suite in common, or one whose items are not the same.
Result<std::vector<Comparison>> compare(const SavedResult& first, const SavedResult& second);

}  // namespace sputnik::evaluation
