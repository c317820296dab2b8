// What commands that serve a model share: its options, and the memory it may take.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/result.h"
#include "cli/model_options.h"
#include "service/served_model.h"

namespace sputnik::cli {

struct ServedOptions {
  ModelOptions model;
  std::string template_name;
  std::int64_t max_sequences = 16;
  double cache_gb = 0;  // 0: half of the memory that is left beside the model
  double disk_cache_gb = 8;
  double max_gap_ms = 50;
  bool no_speculation = false;
};

void add_served_options(CLI::App& command, ServedOptions& options);

// With its engine started.
Result<std::unique_ptr<service::ServedModel>> open_served(const ServedOptions& options);

// $XDG_STATE_HOME/sputnik, or ~/.local/state/sputnik: journals. And for what can be made again,
// $XDG_CACHE_HOME/sputnik, or ~/.cache/sputnik.
std::filesystem::path state_folder();
std::filesystem::path cache_folder();

}  // namespace sputnik::cli
