// What a training run leaves for people while it goes on: its log and the report made of it.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "base/result.h"
#include "train/report.h"
#include "train/training_log.h"

namespace sputnik {

class RunRecord {
 public:
  static Result<RunRecord> open(const std::filesystem::path& folder);  // kIo

  // A line for the log; now and then the report. kIo: of the log alone.
  Result<void> add(const nlohmann::ordered_json& line);
  // Behind the last line: the report once more, with the bill that stands in the folder by now.
  void finish();

  // Why the report could not be written, once: training goes on without it.
  std::optional<std::string> take_problem();

 private:
  RunRecord(TrainingLog log, const std::filesystem::path& folder)
      : log_(std::move(log)), report_(folder) {}
  void note(const Result<void>& written);

  TrainingLog log_;
  ReportWriter report_;
  std::optional<std::string> problem_;
  bool has_told_ = false;
};

}  // namespace sputnik
