// The style and the script of a training run's report, embedded when the program is built
// (cmake/sputnik_report.cmake).
#pragma once

#include <string_view>

namespace sputnik {

struct ReportAssets {
  std::string_view style, style_hash;  // the hash as a Content-Security-Policy names it
  std::string_view script, script_hash;
  std::string_view plots;  // what draws the plots, "uPlot 1.6.32"; empty: plain pictures
};

ReportAssets report_assets();

}  // namespace sputnik
