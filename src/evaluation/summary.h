// Responses -> the figures of a model card.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "evaluation/item.h"
#include "evaluation/response_log.h"
#include "evaluation/statistics.h"

namespace sputnik::evaluation {

// Over some items, k samples of each.
struct Figures {
  std::int64_t n_items = 0;
  Share pass_at_1;                 // the mean over items of the share of right samples
  std::optional<Share> pass_at_k;  // k > 1
  // The answer that most samples give is right; of answers equally frequent the one given first
  // counts. Not for code, which has no answers to compare.
  std::optional<Share> cons_at_k;
  Share well_formed, truncated;  // shares of responses; the intervals are those of as many items
  double thought_tokens = 0, answer_tokens = 0;  // means
};

// A line of a suite's table: items of a row and column, or of several of them.
struct TableEntry {
  std::string section, row;  // row empty: all of the section; both empty: all of the suite
  std::string column;        // empty: all columns
  Figures figures;
};

struct SuiteSummary {
  std::string suite;
  std::string fingerprint;           // of its items
  std::vector<std::string> columns;  // in the order of the items
  // Rows of a section, then the section, ..., then the suite; of each its columns, then all.
  std::vector<TableEntry> entries;

  const TableEntry* find(std::string_view section, std::string_view row,
                         std::string_view column) const;
};

// Per item: how many of the k samples are right, and whether the vote is.
struct ItemOutcome {
  std::int64_t n_right = 0;
  bool consensus_right = false;
};

// records: k = n_samples of every item.
std::vector<ItemOutcome> outcomes_of(std::span<const Item> items, std::span<const Record> records,
                                     std::int64_t n_samples);
std::vector<SuiteSummary> summarize(std::span<const Item> items, std::span<const Record> records,
                                    std::int64_t n_samples);

nlohmann::ordered_json to_json(const Share& share);
nlohmann::ordered_json to_json(const SuiteSummary& suite);

}  // namespace sputnik::evaluation
