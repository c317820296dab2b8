// What `sputnik eval` shows on a terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>

#include "evaluation/result_file.h"
#include "evaluation/run.h"

namespace sputnik::cli {

// On a terminal one line that is written again and again; elsewhere a line every ten seconds.
class EvalProgress {
 public:
  EvalProgress();
  ~EvalProgress() { end(); }
  EvalProgress(const EvalProgress&) = delete;
  EvalProgress& operator=(const EvalProgress&) = delete;

  void show(const evaluation::RunCounts& counts);
  void end();  // the line disappears
  double seconds() const;

 private:
  using Clock = std::chrono::steady_clock;

  const bool is_terminal_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point last_ = start_;
  std::int64_t n_before_ = -1;  // responses of earlier starts
  bool is_shown_ = false;
};

void print_suites(bool json);
void print_summary(std::span<const evaluation::SuiteSummary> suites, std::int64_t n_samples,
                   bool can_think);
void print_comparisons(std::span<const evaluation::Comparison> comparisons,
                       const std::string& first, const std::string& second, bool json);

}  // namespace sputnik::cli
