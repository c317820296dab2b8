#include "cost/planner.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/mapped_file.h"
#include "formats/printable.h"
#include "formats/tokenizer_json.h"
#include "tokenizer/tokenizer.h"

namespace sputnik {
namespace {

// Written, summed and synced: a middling solid-state disk.
constexpr double kCheckpointBytesPerS = 300e6;

double checkpoint_bytes(const TrainingMemory& memory) {
  return memory.weights + memory.moments + memory.average;
}

}  // namespace

Result<TrainingJob> job_of(const Recipe& recipe, std::string name, std::optional<double> n_tokens) {
  TrainingJob job;
  job.name = std::move(name);
  job.config = *recipe.config;
  const Recipe* first = &recipe;
  while (first->base != nullptr) first = first->base.get();
  if (!job.config.contains("vocab_size")) {
    job.config["vocab_size"] = first->tokenizer.vocab_size;
    if (!first->tokenizer.path.empty()) {
      SPUTNIK_TRY(const std::string text, read_file(first->tokenizer.path));
      SPUTNIK_TRY(TokenizerSpec spec, parse_tokenizer_json(text));
      SPUTNIK_TRY(const Tokenizer tokenizer, Tokenizer::from_spec(std::move(spec)));
      job.config["vocab_size"] = std::int64_t{tokenizer.vocab_size()};
    }
  }
  job.trainer = recipe.trainer;
  job.context_length = recipe.data.context_length;
  job.mtp_share = recipe.data.mtp_share;
  const TrainerOptions& options = recipe.trainer;
  for (std::int64_t step = 0; step < options.n_steps; ++step) {
    if (n_tokens && job.n_tokens >= *n_tokens) break;
    job.n_tokens += static_cast<double>(options.batch.at(step, options.n_steps));
    job.n_steps += 1;
  }
  if (n_tokens && job.n_tokens < *n_tokens) {  // a longer training than the recipe's
    const double more = *n_tokens - job.n_tokens;
    job.n_steps += std::ceil(more / static_cast<double>(options.batch.last_tokens));
    job.n_tokens = *n_tokens;
  }
  job.n_checkpoints = std::ceil(job.n_steps / static_cast<double>(recipe.run.checkpoint_every));
  return job;
}

Result<TrainingPlan> plan_training(const TrainingJob& job, const TrainingPlace& place) {
  SPUTNIK_TRY(const ShapeModel shape, ShapeModel::create(job.config));
  TrainingPlan plan;
  plan.n_parameters = shape.n_parameters;
  plan.n_active = shape.model->n_active_parameters();
  plan.memory =
      training_memory(shape, job.trainer, job.context_length, job.mtp_share, place.n_threads);
  plan.n_tokens = job.n_tokens;

  const TrainingCost cost(*shape.model, job.trainer.precision, job.trainer.checkpoint_layers);
  const double pairs = (static_cast<double>(job.context_length) + 1) / 2;
  TrainingWork per_token{{1, pairs}, {job.mtp_share, job.mtp_share * pairs}};
  if (place.measured) {
    plan.n_tokens += job.n_steps * place.measured->extra_tokens_per_step;
    per_token = place.measured->work_per_token;
  }
  const auto scaled = [&](const SequenceSums& sums) {
    return SequenceSums{plan.n_tokens * sums.n_tokens, plan.n_tokens * sums.n_pairs};
  };
  const TrainingWork work{scaled(per_token.main), scaled(per_token.mtp)};
  plan.by_operation = cost.flops_by_operation(work);
  plan.flops = cost.flops(work);
  plan.mtp_flops = plan.flops.model() - cost.flops({work.main, {}}).model();
  plan.plain_flops = 6 * static_cast<double>(plan.n_active) * plan.n_tokens;

  const double peak = place.hardware.bf16_flops_per_s;
  if (place.measured) {
    const double training_s = plan.n_tokens * place.measured->seconds_per_token;
    plan.other_s = place.measured->beginning_s +
                   job.n_checkpoints * checkpoint_bytes(plan.memory) / kCheckpointBytesPerS;
    plan.seconds = training_s + plan.other_s;
    plan.flops_per_s = plan.flops.model() / training_s;
    plan.mfu = peak > 0 ? plan.flops_per_s / peak : 0;
  } else {
    SPUTNIK_ASSERT(place.mfu > 0 && peak > 0);
    plan.mfu = place.mfu;
    plan.flops_per_s = plan.mfu * peak;
    plan.seconds = plan.flops.model() / plan.flops_per_s / place.n_devices;
  }
  plan.device_hours = plan.seconds / 3600 * place.n_devices;
  plan.energy_j = plan.seconds * place.n_devices * place.hardware.watts;
  plan.money = plan.device_hours * place.hardware.price_per_hour;
  return plan;
}

Result<double> parse_amount(const std::string& text) {
  char* end = nullptr;
  double value = std::strtod(text.c_str(), &end);
  const std::string suffix = end;
  bool is_right = end != text.c_str() && suffix.size() <= 1;
  if (is_right && !suffix.empty()) {
    switch (suffix[0]) {
      case 'k':
      case 'K':
        value *= 1e3;
        break;
      case 'm':
      case 'M':
        value *= 1e6;
        break;
      case 'b':
      case 'B':
        value *= 1e9;
        break;
      case 't':
      case 'T':
        value *= 1e12;
        break;
      default:
        is_right = false;
    }
  }
  if (!is_right || !(value >= 1 && value <= 1e18)) {
    return invalid_argument("\"{}\" is no number of tokens like 60M, 1.5e9 or 14.8T",
                            printable(text));
  }
  return value;
}

}  // namespace sputnik
