// sputnik train --watch: looks at a training run while it goes on, through its log alone.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/terminal_chart.h"
#include "train/run_history.h"

namespace sputnik::cli {

struct WatchView {
  TerminalSize size;
  bool has_color = false;
  std::string title;        // the run's folder
  bool has_log = false;     // the file is there
  double since_news_s = 0;  // since the last step, or since the log was begun
  std::int64_t n_unreadable = 0;
};

// The screen: at most size.rows - 1 lines of at most size.columns - 1 columns. Whatever stands in
// the log, no line holds other control characters than those of its colours.
std::vector<std::string> watch_screen(const RunHistory& history, const WatchView& view);

// "running", "no new step since 40 s", "finished", ...
std::string watch_state(const RunHistory& history, const WatchView& view);

// The folder in runs_folder whose log has changed last. kNotFound.
Result<std::filesystem::path> newest_run(const std::filesystem::path& runs_folder);

// Until the run is finished or has failed, or Ctrl-C. Redraws on a terminal, writes lines
// elsewhere. kIo.
Result<int> watch_run(const std::filesystem::path& folder);

}  // namespace sputnik::cli
