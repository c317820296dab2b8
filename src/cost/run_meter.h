// The meter of `sputnik train`.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/thread_pool.h"
#include "cost/bill.h"
#include "cost/meter.h"
#include "cost/training_cost.h"
#include "train/recipe.h"
#include "train/trainer.h"

namespace sputnik {

// Counts from its construction. What is used goes into the run's log, line by line, and the bill is
// the sum of that log: it survives whatever ends the program, and holds the steps that were lost
// and made again, because they were paid for.
class RunMeter {
 public:
  explicit RunMeter(MeterOptions options = {});

  // Once it is known what is trained: measures the peak of the threads that will work, a fifth of a
  // second. Nothing is kept of it for another start, which may have another machine. stage: what a
  // bill calls this training.
  void begin(const Recipe& recipe, std::string stage, const Model& model, ThreadPool& pool);
  // The bill of what this run went on from stands before its own.
  void set_base(Bill base) { base_ = std::move(base); }

  // What was used since the line before: elapsed_s, energy_j, energy_from ("rapl" or "estimate").
  void add_to(nlohmann::ordered_json& line);
  // That, and flops, for the line of a step.
  void add_to(nlohmann::ordered_json& line, const StepReport& report);
  // That, and peak_flops_per_s, for the line of a start.
  void add_start_to(nlohmann::ordered_json& line);

  // Of all starts. kIo; kInvalidArgument: the base's currency is another one.
  Result<Bill> bill(const std::filesystem::path& log) const;

 private:
  Meter meter_;
  CostRecipe rates_;
  std::string stage_, recipe_hash_;
  std::optional<TrainingCost> cost_;
  std::optional<Bill> base_;
  double watts_ = 0;
  double peak_flops_per_s_ = 0;
  double flops_per_token_ = 0;  // for lines without a meter
};

// "$0.0012 so far: 12.3 s, 1.20e12 FLOP".
std::string bill_so_far(const Bill& bill);

}  // namespace sputnik
