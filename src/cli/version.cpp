#include "cli/version.h"

#include <fmt/format.h>

#include "kernels/dispatch.h"
#include "train/report_assets.h"

namespace sputnik::cli {
namespace {

std::string compiler() {
#if defined(__clang__)
  return fmt::format("clang {}.{}.{}", __clang_major__, __clang_minor__, __clang_patchlevel__);
#else
  return fmt::format("gcc {}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
}

}  // namespace

std::string version_text() {
  const auto table = kernels::choose_table("");
  const std::string_view plots = report_assets().plots;
  return fmt::format("sputnik {}\ncompiler {}\nkernels {}\nreports of training {}", SPUTNIK_VERSION,
                     compiler(), table.ok() ? table.value()->name : table.error().message.c_str(),
                     plots.empty() ? "with plain plots (uPlot was not there when this was built)"
                                   : fmt::format("with plots by {}", plots));
}

}  // namespace sputnik::cli
