#include "evaluation/summary.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace sputnik::evaluation {
namespace {

using Json = nlohmann::ordered_json;

// The records of every item, by sample.
std::vector<std::vector<const Record*>> by_item(std::span<const Item> items,
                                                std::span<const Record> records,
                                                std::int64_t n_samples) {
  SPUTNIK_ASSERT(static_cast<std::int64_t>(records.size()) ==
                 static_cast<std::int64_t>(items.size()) * n_samples);
  std::vector<std::vector<const Record*>> sorted(
      items.size(), std::vector<const Record*>(static_cast<std::size_t>(n_samples)));
  for (const Record& record : records) {
    sorted[static_cast<std::size_t>(record.item)][static_cast<std::size_t>(record.sample)] =
        &record;
  }
  return sorted;
}

// Samples without an answer do not vote. All right answers to a task are one answer: there may be
// several.
bool vote_is_right(const Item& item, std::span<const Record* const> samples) {
  struct Candidate {
    const Record* first;
    std::int64_t n_votes;
  };
  std::vector<Candidate> candidates;
  for (const Record* record : samples) {
    if (!record->answer) continue;
    const auto it = std::find_if(candidates.begin(), candidates.end(), [&](const Candidate& c) {
      return c.first->right == record->right &&
             (record->right || same_answer(item, *c.first->answer, *record->answer));
    });
    if (it == candidates.end()) {
      candidates.push_back({record, 1});
    } else {
      ++it->n_votes;
    }
  }
  const auto best = std::max_element(
      candidates.begin(), candidates.end(),
      [](const Candidate& a, const Candidate& b) { return a.n_votes < b.n_votes; });
  return best != candidates.end() && best->first->right;
}

class FiguresSum {
 public:
  void add(const Item& item, const ItemOutcome& outcome, std::span<const Record* const> samples) {
    const auto k = static_cast<std::int64_t>(samples.size());
    n_samples_ = k;
    ++n_items_;
    pass_at_1_ += static_cast<double>(outcome.n_right) / static_cast<double>(k);
    pass_at_k_ += pass_at_k(k, outcome.n_right, k);
    consensus_ += outcome.consensus_right ? 1 : 0;
    has_code_ = has_code_ || item.kind == AnswerKind::kCode;
    for (const Record* record : samples) {
      well_formed_ += record->well_formed ? 1 : 0;
      truncated_ += record->truncated ? 1 : 0;
      n_thought_tokens_ += record->n_thought_tokens;
      n_answer_tokens_ += record->n_answer_tokens;
    }
  }

  Figures figures() const {
    const auto n = static_cast<double>(n_items_), k = static_cast<double>(n_samples_);
    // Sums of fractions may pass n by a rounding.
    const auto share = [n](double sum) { return wilson(std::min(sum, n), n); };
    Figures f;
    f.n_items = n_items_;
    f.pass_at_1 = share(pass_at_1_);
    if (n_samples_ > 1) f.pass_at_k = share(pass_at_k_);
    if (n_samples_ > 1 && !has_code_) f.cons_at_k = share(consensus_);
    f.well_formed = share(well_formed_ / k);
    f.truncated = share(truncated_ / k);
    f.thought_tokens = static_cast<double>(n_thought_tokens_) / (n * k);
    f.answer_tokens = static_cast<double>(n_answer_tokens_) / (n * k);
    return f;
  }

 private:
  std::int64_t n_items_ = 0, n_samples_ = 1;
  double pass_at_1_ = 0, pass_at_k_ = 0, consensus_ = 0, well_formed_ = 0, truncated_ = 0;
  std::int64_t n_thought_tokens_ = 0, n_answer_tokens_ = 0;
  bool has_code_ = false;
};

struct Line {
  std::string section, row, column;
  FiguresSum sum;
};

// The lines of a suite's table that an item counts in are found by name, and stand in the order in
// which items first name them.
class Lines {
 public:
  FiguresSum& at(const std::string& section, const std::string& row, const std::string& column) {
    for (Line& line : lines_) {
      if (line.section == section && line.row == row && line.column == column) return line.sum;
    }
    return lines_.emplace_back(Line{section, row, column, {}}).sum;
  }
  const std::vector<Line>& all() const { return lines_; }

 private:
  std::vector<Line> lines_;
};

template <class T>
void add_unique(std::vector<T>& values, const T& value) {
  if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
}

// Rows of a section, then the section, and so on, then the suite; of each its columns, then all of
// them.
std::vector<TableEntry> sorted_entries(const Lines& lines, std::vector<std::string> columns) {
  std::vector<std::string> sections;
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Line& line : lines.all()) {
    if (!line.section.empty()) add_unique(sections, line.section);
    if (!line.row.empty()) add_unique(rows, {line.section, line.row});
  }
  if (sections.empty()) sections.emplace_back();
  add_unique(columns, std::string());
  std::vector<TableEntry> entries;
  const auto append = [&](const std::string& section, const std::string& row) {
    for (const std::string& column : columns) {
      for (const Line& line : lines.all()) {
        if (line.section == section && line.row == row && line.column == column)
          entries.push_back({section, row, column, line.sum.figures()});
      }
    }
  };
  for (const std::string& section : sections) {
    for (const auto& [of_section, row] : rows) {
      if (of_section == section) append(section, row);
    }
    if (!section.empty()) append(section, "");
  }
  append("", "");
  return entries;
}

}  // namespace

const TableEntry* SuiteSummary::find(std::string_view section, std::string_view row,
                                     std::string_view column) const {
  for (const TableEntry& entry : entries) {
    if (entry.section == section && entry.row == row && entry.column == column) return &entry;
  }
  return nullptr;
}

std::vector<ItemOutcome> outcomes_of(std::span<const Item> items, std::span<const Record> records,
                                     std::int64_t n_samples) {
  const auto sorted = by_item(items, records, n_samples);
  std::vector<ItemOutcome> outcomes(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    for (const Record* record : sorted[i]) outcomes[i].n_right += record->right ? 1 : 0;
    outcomes[i].consensus_right = vote_is_right(items[i], sorted[i]);
  }
  return outcomes;
}

std::vector<SuiteSummary> summarize(std::span<const Item> items, std::span<const Record> records,
                                    std::int64_t n_samples) {
  const auto sorted = by_item(items, records, n_samples);
  const auto outcomes = outcomes_of(items, records, n_samples);
  std::vector<SuiteSummary> suites;
  for (std::size_t begin = 0; begin < items.size();) {
    std::size_t end = begin;
    while (end < items.size() && items[end].suite == items[begin].suite) ++end;
    SuiteSummary suite;
    suite.suite = items[begin].suite;
    suite.fingerprint = fingerprint(items.subspan(begin, end - begin));
    Lines lines;
    for (std::size_t i = begin; i < end; ++i) {
      const Item& item = items[i];
      add_unique(suite.columns, item.column);
      // Its own line, its row's, its section's and the suite's, in its column and in all. Sets,
      // because without sections, rows or columns some of them are one.
      std::vector<std::array<std::string, 3>> places;
      for (const std::string& column : {item.column, std::string()}) {
        add_unique(places, {item.section, item.row, column});
        add_unique(places, {item.section, "", column});
        add_unique(places, {"", "", column});
      }
      for (const auto& [section, row, column] : places)
        lines.at(section, row, column).add(item, outcomes[i], sorted[i]);
    }
    suite.entries = sorted_entries(lines, suite.columns);
    suites.push_back(std::move(suite));
    begin = end;
  }
  return suites;
}

Json to_json(const Share& share) {
  return {{"value", share.value}, {"low", share.low}, {"high", share.high}};
}

Json to_json(const SuiteSummary& suite) {
  const auto optional = [](const std::optional<Share>& share) {
    return share ? to_json(*share) : Json(nullptr);
  };
  Json entries = Json::array();
  for (const TableEntry& entry : suite.entries) {
    const Figures& f = entry.figures;
    entries.push_back({{"section", entry.section},
                       {"row", entry.row},
                       {"column", entry.column},
                       {"items", f.n_items},
                       {"pass_at_1", to_json(f.pass_at_1)},
                       {"pass_at_k", optional(f.pass_at_k)},
                       {"cons_at_k", optional(f.cons_at_k)},
                       {"well_formed", to_json(f.well_formed)},
                       {"truncated", to_json(f.truncated)},
                       {"thought_tokens", f.thought_tokens},
                       {"answer_tokens", f.answer_tokens}});
  }
  return {
      {"suite", suite.suite}, {"fingerprint", suite.fingerprint}, {"table", std::move(entries)}};
}

}  // namespace sputnik::evaluation
