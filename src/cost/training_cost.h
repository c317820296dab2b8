// What training a model costs: FLOPs and memory, counted by running the model itself.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "cost/shape_model.h"
#include "cost/training_cost_ops.h"
#include "train/trainer.h"
#include "train/work.h"

namespace sputnik {

// FLOPs of any amount of work. A pass costs so much per token and so much per pair of positions,
// so two passes say everything. Neither norms nor the balance loss nor the optimizer count: a
// thousandth of the whole.
class TrainingCost {
 public:
  TrainingCost(const Model& model, TrainingPrecision precision, bool checkpoint_layers);

  TrainingFlops flops(const TrainingWork& work) const;
  // Of tokens in sequences of one length; mtp_share of them through the prediction module, if
  // there is one.
  TrainingFlops flops(double n_tokens, double length, double mtp_share = 1) const;
  std::map<std::string, TrainingFlops> flops_by_operation(const TrainingWork& work) const;
  bool has_mtp() const { return has_mtp_; }

 private:
  struct Rates {
    TrainingFlops per_token, per_pair;
  };
  bool has_mtp_;
  std::map<std::string, Rates> main_, mtp_;  // by operation
};

// Bytes that `sputnik train` holds.
struct TrainingMemory {
  double weights = 0, gradients = 0, moments = 0, average = 0;  // float32
  double packed = 0;  // weights in the form that products read
  // Of one micro-batch: with gradients of them and memory of single operations.
  double activations = 0;
  double program = 30e6;  // code, texts, threads

  // What Trainer::memory_bytes() is about.
  double of_ops() const { return packed + activations; }
  double total() const {
    return weights + gradients + moments + average + packed + activations + program;
  }
};

// Of micro-batches of as many tokens as options say, in sequences of context_length, of which
// mtp_share go through the prediction module.
TrainingMemory training_memory(const ShapeModel& shape, const TrainerOptions& options,
                               std::int64_t context_length, double mtp_share, int n_threads);

// Token 0 in sequences of this length, the last of what is left: its costs are those of any batch.
PackedBatch blank_batch(std::int64_t n_tokens, std::int64_t length, double mtp_share = 1);

}  // namespace sputnik
