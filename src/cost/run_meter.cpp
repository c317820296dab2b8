#include "cost/run_meter.h"

#include <nlohmann/json.hpp>

#include "cost/amounts.h"
#include "kernels/machine_limits.h"

namespace sputnik {

RunMeter::RunMeter(MeterOptions options) : meter_(std::move(options)) {}

void RunMeter::begin(const Recipe& recipe, std::string stage, const Model& model,
                     ThreadPool& pool) {
  const TrainerOptions& options = recipe.trainer;
  rates_ = recipe.cost;
  stage_ = std::move(stage);
  recipe_hash_ = recipe.hash;
  cost_.emplace(model, options.precision, options.checkpoint_layers);
  flops_per_token_ =
      cost_->flops(1, static_cast<double>(recipe.data.context_length), recipe.data.mtp_share)
          .model();
  watts_ = rates_.watts > 0 ? rates_.watts : kDefaultWattsPerThread * pool.n_threads();
  meter_.set_watts(watts_);
  const kernels::FlopPeaks peaks = kernels::measure_flop_peaks(pool);
  peak_flops_per_s_ = options.precision == TrainingPrecision::kBfloat16 ? peaks.bf16_flops_per_s
                                                                        : peaks.f32_flops_per_s;
}

void RunMeter::add_to(nlohmann::ordered_json& line) {
  const Lap lap = meter_.lap();
  line["elapsed_s"] = lap.seconds;
  line["energy_j"] = lap.energy_j;
  line["energy_from"] = lap.energy_is_measured ? "rapl" : "estimate";
}

void RunMeter::add_to(nlohmann::ordered_json& line, const StepReport& report) {
  SPUTNIK_ASSERT(cost_.has_value());
  line["flops"] = cost_->flops(report.work).model();
  add_to(line);
}

void RunMeter::add_start_to(nlohmann::ordered_json& line) {
  line["peak_flops_per_s"] = peak_flops_per_s_;
  add_to(line);
}

Result<Bill> RunMeter::bill(const std::filesystem::path& log) const {
  SPUTNIK_TRY(const Usage usage, usage_of_log(log, recipe_hash_, {flops_per_token_, watts_}));
  Bill own(rates_.currency);
  own.add({stage_, usage, usage.seconds / 3600 * rates_.price_per_hour});
  if (!base_) return own;
  Bill all = *base_;
  SPUTNIK_CHECK_OK(all.add(own));
  return all;
}

std::string bill_so_far(const Bill& bill) {
  const StageBill total = bill.total();
  return fmt::format("{} so far: {}, {} FLOP", money_text(total.money, bill.currency()),
                     duration_text(total.usage.seconds), power_of_ten_text(total.usage.flops));
}

}  // namespace sputnik
