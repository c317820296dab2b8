#include "cost/training_cost.h"

#include <algorithm>

namespace sputnik {
namespace {

using ByOperation = std::map<std::string, TrainingFlops>;

// One sequence through the model and, if it has one, its prediction module.
struct Pass {
  ByOperation main, mtp;
};

Pass count_pass(const Model& model, TrainingPrecision precision, bool checkpoint_layers,
                std::int64_t n_tokens) {
  const PackedBatch packed = blank_batch(n_tokens, n_tokens);
  TrainingCostOps ops(precision, checkpoint_layers, 1);
  Tensor hidden;
  (void)model.losses(ops, packed.batch, {packed.targets, packed.counts}, &hidden);
  // The last segment is not computed again, but with a prediction module this one is not the last.
  Pass pass{ops.flops_by_operation(), {}};
  if (model.num_nextn_predict_layers() == 0) return pass;
  (void)model.mtp_losses(ops, packed.next, hidden, {packed.targets_after, packed.counts_after});
  pass.mtp = ops.flops_by_operation();
  for (const auto& [name, flops] : pass.main) pass.mtp[name] += -1.0 * flops;
  return pass;
}

}  // namespace

PackedBatch blank_batch(std::int64_t n_tokens, std::int64_t length, double mtp_share) {
  PackedBatch packed;
  const double n_mtp = mtp_share * static_cast<double>(n_tokens);
  for (std::int64_t first = 0; first < n_tokens; first += length) {
    const std::vector<std::int32_t> tokens(
        static_cast<std::size_t>(std::min(length, n_tokens - first)), 0);
    packed.batch.add(tokens, 0, {}, 0);
    if (static_cast<double>(first) >= n_mtp) continue;
    packed.next.add(tokens, 0, {}, 0);
    for (std::size_t i = 0; i < tokens.size(); ++i)
      packed.rows_before.push_back(first + static_cast<std::int64_t>(i));
  }
  packed.targets.assign(packed.batch.tokens.size(), 0);
  packed.counts.assign(packed.batch.tokens.size(), 1.0f);
  packed.targets_after.assign(packed.next.tokens.size(), 0);
  packed.counts_after.assign(packed.next.tokens.size(), 1.0f);
  return packed;
}

TrainingCost::TrainingCost(const Model& model, TrainingPrecision precision, bool checkpoint_layers)
    : has_mtp_(model.num_nextn_predict_layers() > 0) {
  // f(n) = a n + b n (n + 1) / 2:  f(1) = a + b,  f(2) = 2 a + 3 b
  const Pass one = count_pass(model, precision, checkpoint_layers, 1);
  const Pass two = count_pass(model, precision, checkpoint_layers, 2);
  const auto solve = [](const ByOperation& f1, const ByOperation& f2,
                        std::map<std::string, Rates>& rates) {
    for (const auto& [name, flops] : f1) {
      Rates& r = rates[name];
      r.per_pair = f2.at(name);
      r.per_pair += -2.0 * flops;
      r.per_token = flops;
      r.per_token += -1.0 * r.per_pair;
    }
  };
  solve(one.main, two.main, main_);
  solve(one.mtp, two.mtp, mtp_);
}

std::map<std::string, TrainingFlops> TrainingCost::flops_by_operation(
    const TrainingWork& work) const {
  ByOperation sums;
  const auto add = [&](const std::map<std::string, Rates>& rates, const SequenceSums& amount) {
    for (const auto& [name, rate] : rates) {
      sums[name] += amount.n_tokens * rate.per_token;
      sums[name] += amount.n_pairs * rate.per_pair;
    }
  };
  add(main_, work.main);
  add(mtp_, work.mtp);
  return sums;
}

TrainingFlops TrainingCost::flops(const TrainingWork& work) const {
  TrainingFlops sum;
  for (const auto& [name, flops] : flops_by_operation(work)) sum += flops;
  return sum;
}

TrainingFlops TrainingCost::flops(double n_tokens, double length, double mtp_share) const {
  const SequenceSums main{n_tokens, n_tokens * (length + 1) / 2};
  return flops({main, {mtp_share * main.n_tokens, mtp_share * main.n_pairs}});
}

TrainingMemory training_memory(const ShapeModel& shape, const TrainerOptions& options,
                               std::int64_t context_length, double mtp_share, int n_threads) {
  const Model& model = *shape.model;
  const std::int64_t n_tokens = std::min(
      options.micro_batch_tokens, std::max(options.batch.first_tokens, options.batch.last_tokens));
  const PackedBatch packed = blank_batch(n_tokens, std::min(context_length, n_tokens), mtp_share);
  TrainingCostOps ops(options.precision, options.checkpoint_layers, n_threads);
  Tensor hidden;
  (void)model.losses(ops, packed.batch, {packed.targets, packed.counts}, &hidden);
  if (model.num_nextn_predict_layers() > 0 && packed.next.n_tokens() > 0) {
    (void)model.mtp_losses(ops, packed.next, ops.select_rows(hidden, packed.rows_before),
                           {packed.targets_after, packed.counts_after});
  }
  const TrainingArenas arenas = ops.arenas();
  const auto n = static_cast<double>(shape.n_parameters);
  TrainingMemory memory;
  memory.weights = memory.gradients = 4 * n;
  memory.moments =
      4 * static_cast<double>(options.optimizer == OptimizerKind::kMuon ? shape.n_muon_moments
                                                                        : shape.n_adamw_moments);
  memory.average = options.ema_decay > 0 ? 4 * n : 0;
  memory.packed = static_cast<double>(arenas.packed);
  memory.activations = static_cast<double>(arenas.total() - arenas.packed);
  return memory;
}

}  // namespace sputnik
