// The loop of training: batches in, steps of the optimizer out, and everything that a later start
// needs to go on as if nothing had happened.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "autograd/trainable_model.h"
#include "autograd/training_ops.h"
#include "base/thread_pool.h"
#include "train/muon.h"
#include "train/packer.h"
#include "train/schedule.h"
#include "train/work.h"

namespace sputnik {

enum class OptimizerKind { kAdamW, kMuon };

struct TrainerOptions {
  std::int64_t n_steps = 1000;
  LearningRateSchedule learning_rate;
  BatchSchedule batch;
  RouterBiasSchedule router_bias;
  OptimizerKind optimizer = OptimizerKind::kAdamW;
  AdamWOptions adamw;
  MuonOptions muon;  // with adamw for the rest
  double clip_norm = 1;
  std::int64_t micro_batch_tokens = 8192;  // of one forward pass
  TrainingPrecision precision = TrainingPrecision::kBfloat16;
  bool checkpoint_layers = false;
  double balance_loss_alpha = 1e-4;
  // What the prediction module's loss counts for, if the model has one (DeepSeek-V3: 0.3, then 0.1
  // after 67 % of training).
  double first_mtp_loss = 0.3, last_mtp_loss = 0.1, mtp_change = 0.67;
  // Steps whose loss or gradient is not a number that may be left out: counted, but nothing is
  // learned from their documents. One more ends the training.
  std::int64_t max_skipped_steps = 0;
  double ema_decay = 0;  // 0: no moving average of the weights is kept
};

struct StepReport {
  std::int64_t step = 0;    // steps done, this one included
  bool is_skipped = false;  // the loss or the gradient is not a number, and the weights as before
  double loss = 0;          // mean cross-entropy of the tokens that count, in nats
  double mtp_loss = 0;
  double gradient_norm = 0;  // before clipping
  double learning_rate = 0;
  std::int64_t n_tokens = 0;        // of this step
  std::int64_t n_tokens_total = 0;  // of all steps
  TrainingWork work;                // of this step
  RouterBalance::Statistics router;
};

// Borrows everything it is given. Everything random is a function of the seeds and of where the
// packer stands, so the numbers below are its whole state.
class Trainer {
 public:
  Trainer(TrainableModel& model, Packer& packer, ThreadPool& pool,
          const kernels::KernelTable& kernels, const TrainerOptions& options);

  // kInvalidArgument: the loss or a gradient is not a number, and no more steps may be skipped.
  // Weights are those of the step before.
  Result<StepReport> step();

  std::int64_t n_steps_done() const { return step_; }
  std::int64_t n_tokens_total() const { return n_tokens_total_; }
  std::int64_t n_skipped_steps() const { return n_skipped_; }
  std::int64_t memory_bytes() const { return ops_.memory_bytes(); }

  // identity says what is trained: a JSON object of strings, all of which must be the same when
  // training goes on.
  Result<void> save(const std::filesystem::path& path, const nlohmann::json& identity) const;
  // kInvalidArgument names what differs, the optimizer or a part of identity; nothing has changed
  // then. kCorrupt, kUnsupported.
  Result<void> load(const std::filesystem::path& path, const nlohmann::json& identity);

  // The moving average of a weight; the weight itself if none is kept.
  std::span<const float> averaged(const Parameter& parameter) const;

 private:
  void update(StepReport& report);
  void update_average();

  TrainableModel& model_;
  Packer& packer_;
  ThreadPool& pool_;
  TrainerOptions options_;
  TrainingOps ops_;
  std::unique_ptr<Optimizer> optimizer_;
  RouterBalance balance_;
  std::vector<std::vector<float>> average_;  // in the order of the parameters; empty: none is kept
  std::int64_t step_ = 0;
  std::int64_t n_tokens_total_ = 0;
  std::int64_t n_skipped_ = 0;
};

}  // namespace sputnik
