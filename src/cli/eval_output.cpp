#include "cli/eval_output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/run.h"
#include "evaluation/suites.h"
#include "formats/printable.h"

namespace sputnik::cli {
namespace {

using evaluation::Figures;
using evaluation::Share;
using evaluation::SuiteSummary;
using evaluation::TableEntry;
using Json = nlohmann::ordered_json;

constexpr std::size_t kNameWidth = 32;

std::string percent(double share) {
  return fmt::format("{:.1f}", 100 * share);
}

std::string with_interval(const Share& share) {
  return fmt::format("{} ({}-{})", percent(share.value), percent(share.low), percent(share.high));
}

// Names come from files.
std::string name_of(const TableEntry& entry) {
  if (!entry.row.empty()) return printable(entry.row, kNameWidth - 4);
  return entry.section.empty() ? "all" : printable("all " + entry.section, kNameWidth - 1);
}

void print_columns(const SuiteSummary& suite) {
  const bool has_columns = suite.columns.size() > 1;
  write(fmt::format("{:<{}}", "% right (95 % interval)", kNameWidth));
  for (const std::string& column : suite.columns)
    write(fmt::format("{:>24}", has_columns ? printable(column) : "right"));
  write("\n");
  for (std::size_t i = 0; i < suite.entries.size(); ++i) {
    const TableEntry& entry = suite.entries[i];
    const bool same_row = i > 0 && suite.entries[i - 1].section == entry.section &&
                          suite.entries[i - 1].row == entry.row;
    if (same_row) continue;
    write(fmt::format("{:<{}}", name_of(entry), kNameWidth));
    for (const std::string& column : suite.columns) {
      const TableEntry* cell =
          suite.find(entry.section, entry.row, has_columns ? column : std::string());
      write(fmt::format("{:>24}", cell == nullptr ? "" : with_interval(cell->figures.pass_at_1)));
    }
    write("\n");
  }
}

}  // namespace

EvalProgress::EvalProgress() : is_terminal_(::isatty(STDERR_FILENO) != 0) {}

double EvalProgress::seconds() const {
  return std::chrono::duration<double>(Clock::now() - start_).count();
}

void EvalProgress::show(const evaluation::RunCounts& counts) {
  constexpr std::chrono::milliseconds kRedraw{100};
  constexpr std::chrono::seconds kLineEvery{10};
  const auto now = Clock::now();
  const bool is_first = n_before_ < 0;
  if (is_first) n_before_ = counts.n_done;
  const bool is_last = counts.n_done == counts.n_total;
  if (is_terminal_ ? !is_first && now - last_ < kRedraw : now - last_ < kLineEvery || is_last)
    return;
  last_ = now;
  const double elapsed_s = seconds();
  const auto n_done = static_cast<double>(counts.n_done - n_before_);
  std::string rate;
  if (n_done > 0 && elapsed_s > 1) {
    const double left_s = elapsed_s / n_done * static_cast<double>(counts.n_total - counts.n_done);
    rate = fmt::format(
        ", {:.0f} tokens/s, {} left", static_cast<double>(counts.n_tokens) / elapsed_s,
        left_s < 100 ? fmt::format("{:.0f} s", left_s) : fmt::format("{:.0f} min", left_s / 60));
  }
  constexpr std::int64_t kBar = 24;
  const std::int64_t filled = counts.n_total == 0 ? kBar : kBar * counts.n_done / counts.n_total;
  fmt::print(stderr, "{}[{:<{}}] {} of {} responses{}{}", is_terminal_ ? "\r\x1b[K" : "",
             std::string(static_cast<std::size_t>(filled), '#'), kBar, counts.n_done,
             counts.n_total, rate, is_terminal_ ? "" : "\n");
  std::fflush(stderr);
  is_shown_ = is_terminal_;
}

void EvalProgress::end() {
  if (is_shown_) fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
  is_shown_ = false;
}

void print_suites(bool json) {
  if (!json) {
    write(fmt::format("{:<16}{:<10}{:<14}{}\n", "suite", "items", "licence", "about"));
    write(fmt::format("{:<16}{:<10}{:<14}{}\n", "gym", "made", "",
                      "tasks of every difficulty: `sputnik gym --list`"));
  }
  for (const evaluation::SuiteInfo& suite : evaluation::suites()) {
    if (json) {
      write_json_line(Json{{"suite", suite.name},
                           {"ships", suite.ships},
                           {"licence", suite.licence},
                           {"about", suite.what}});
    } else {
      write(fmt::format("{:<16}{:<10}{:<14}{}\n", suite.name, suite.ships ? "here" : "yours",
                        suite.licence, suite.what));
    }
  }
}

void print_summary(std::span<const SuiteSummary> suites, std::int64_t n_samples, bool can_think) {
  for (const SuiteSummary& suite : suites) {
    const Figures& all = suite.find("", "", "")->figures;
    write(
        fmt::format("\n{}: {} items {}\n", printable(suite.suite), all.n_items, suite.fingerprint));
    print_columns(suite);
    if (all.pass_at_k)
      write(fmt::format("pass@{}: {}\n", n_samples, with_interval(*all.pass_at_k)));
    if (all.cons_at_k)
      write(fmt::format("cons@{}: {}\n", n_samples, with_interval(*all.cons_at_k)));
    if (can_think) write(fmt::format("well formed: {}\n", with_interval(all.well_formed)));
    write(fmt::format("cut off: {}\ntokens: {:.1f} of thought, {:.1f} of answer\n",
                      with_interval(all.truncated), all.thought_tokens, all.answer_tokens));
  }
}

void print_comparisons(std::span<const evaluation::Comparison> comparisons,
                       const std::string& first, const std::string& second, bool json) {
  if (!json) {
    write(fmt::format("A: {}\nB: {}\n{:<52}{:>7}{:>8}{:>8}{:>8}{:>8}{:>11}\n", printable(first),
                      printable(second), "", "items", "A %", "B %", "only A", "only B",
                      "McNemar p"));
  }
  for (const evaluation::Comparison& c : comparisons) {
    const auto n = static_cast<double>(c.n);
    const double a = static_cast<double>(c.n_both + c.n_only_first) / n;
    const double b = static_cast<double>(c.n_both + c.n_only_second) / n;
    if (json) {
      write_json_line(Json{{"suite", c.suite},
                           {"section", c.section},
                           {"column", c.column},
                           {"items", c.n},
                           {"right_first", a},
                           {"right_second", b},
                           {"only_first", c.n_only_first},
                           {"only_second", c.n_only_second},
                           {"mcnemar_p", c.p_value()}});
      continue;
    }
    std::string name = c.suite;
    for (const std::string& part : {c.section, c.column}) {
      if (!part.empty()) name += ", " + part;
    }
    write(fmt::format("{:<52}{:>7}{:>8}{:>8}{:>8}{:>8}{:>11.3g}\n", printable(name, 51), c.n,
                      percent(a), percent(b), c.n_only_first, c.n_only_second, c.p_value()));
  }
}

}  // namespace sputnik::cli
