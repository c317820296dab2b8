// The report of a training run: one HTML file that asks for nothing from anywhere.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"
#include "train/run_history.h"

namespace sputnik {

struct ReportAbout {
  std::string title;     // of the run
  std::string bill;      // the text of its bill.json; empty: there is none
  double written_s = 0;  // when, seconds since 1970
  double changed_s = 0;  // when its log last grew; 0: there is none
};

// Everything in it that comes from the log is text: whatever a model has written, no browser obeys
// it. Plots are pictures with a table each; where the program holds uPlot (report_assets.h), a
// script draws them anew.
std::string report_page(const RunHistory& history, const ReportAbout& about);

// Keeps report.html in a run's folder, from the log in it. A report costs at most about a
// hundredth of the time between two.
class ReportWriter {
 public:
  explicit ReportWriter(std::filesystem::path folder);

  // Reads what the log has got since, and writes the report. kIo.
  Result<void> write();
  // The same, if the last one is old enough.
  Result<void> write_if_due();

  std::filesystem::path path() const { return folder_ / "report.html"; }
  const RunFollower& follower() const { return follower_; }

 private:
  using Clock = std::chrono::steady_clock;

  std::filesystem::path folder_;
  RunFollower follower_;
  Clock::time_point next_;
};

}  // namespace sputnik
