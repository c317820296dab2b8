#include "train/run_record.h"

#include <nlohmann/json.hpp>

namespace sputnik {

Result<RunRecord> RunRecord::open(const std::filesystem::path& folder) {
  SPUTNIK_TRY(TrainingLog log, TrainingLog::open(folder / "log.jsonl"));
  return RunRecord(std::move(log), folder);
}

Result<void> RunRecord::add(const nlohmann::ordered_json& line) {
  SPUTNIK_CHECK_OK(log_.add(line));
  note(report_.write_if_due());
  return ok_result();
}

void RunRecord::finish() {
  note(report_.write());
}

void RunRecord::note(const Result<void>& written) {
  if (written.ok() || has_told_) return;
  problem_ = "the report cannot be written: " + written.error().message;
}

std::optional<std::string> RunRecord::take_problem() {
  if (!problem_) return std::nullopt;
  has_told_ = true;
  return std::exchange(problem_, std::nullopt);
}

}  // namespace sputnik
