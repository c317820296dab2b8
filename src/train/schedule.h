// What changes while a model is trained: the learning rate, the size of the batch, and the biases
// of the routers.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "autograd/training_ops.h"

namespace sputnik {

// The form of DeepSeek-V3's (report, section 4.2): up in a line, constant, down a cosine to
// end_ratio, constant, and a tail lower still. Shares are of all steps; V3 was at 0.676, 0.966 and
// 0.989.
struct LearningRateSchedule {
  double peak = 1e-3;
  std::int64_t warmup_steps = 100;
  double decay_begin = 0.67, decay_end = 0.96;
  double tail_begin = 0.97;
  double end_ratio = 0.1;
  double tail_ratio = 0.033;

  double at(std::int64_t step, std::int64_t n_steps) const;
};

// Tokens per step: from first to last in a line during ramp_share of all steps.
struct BatchSchedule {
  std::int64_t first_tokens = 8192, last_tokens = 32768;
  double ramp_share = 0.05;

  std::int64_t at(std::int64_t step, std::int64_t n_steps) const;
};

// How far a step moves the bias of an expert that was chosen too often or too seldom.
struct RouterBiasSchedule {
  double first_gamma = 0.003;  // until first_share of all steps
  double gamma = 0.001;
  double first_share = 0.2;
  double last_share = 0.04;  // of the steps at the end: 0

  double at(std::int64_t step, std::int64_t n_steps) const;
};

// Balancing without an auxiliary loss (DeepSeek-V3 report, section 2.1.2): counts the tokens of a
// whole step, all micro-batches, then moves the biases.
class RouterBalance {
 public:
  struct Statistics {
    double max_over_mean = 1;  // of the worst layer: 1 is perfect balance
    // Experts that no token has chosen for alarm_steps steps, for people.
    std::vector<std::string> dead_experts;
    // Of each mixture layer: the share of each expert in its choices. All 0: no token came.
    std::vector<std::vector<float>> shares;
  };

  explicit RouterBalance(std::int64_t alarm_steps = 50) : alarm_steps_(alarm_steps) {}

  void add(std::span<const ExpertLoad> loads);  // of one forward pass
  // b_i += gamma for experts below the mean load of their layer, -= gamma above it. Forgets the
  // counts. The caller says parameters.changed().
  Statistics update(double gamma);
  void forget();  // the counts of a step that is not to be learned from

 private:
  struct Layer {
    Parameter* bias = nullptr;
    std::vector<std::int64_t> tokens;
    std::vector<std::int64_t> idle_steps;
  };
  std::int64_t alarm_steps_;
  std::vector<Layer> layers_;
};

}  // namespace sputnik
