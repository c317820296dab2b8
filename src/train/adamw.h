// AdamW: Loshchilov & Hutter 2019 (arXiv:1711.05101).
#pragma once

#include <cstdint>
#include <vector>

#include "train/optimizer.h"

namespace sputnik {

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-8;
  double weight_decay = 0.1;  // of every trained parameter, vectors too
};

// Owns the moments, float32. Borrows the parameters.
class AdamW final : public Optimizer {
 public:
  // Of all parameters that are trained, or of these alone.
  AdamW(ParameterStore& parameters, const AdamWOptions& options);
  AdamW(ParameterStore& parameters, const AdamWOptions& options,
        const std::vector<Parameter*>& chosen);

  // With gradient g = gradient_scale * parameter.gradient:
  //   m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g^2
  //   p -= learning_rate (weight_decay p + m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon))
  // Other parameters stay as they are.
  void step(ThreadPool& pool, double learning_rate, double gradient_scale = 1) override;

  const AdamWOptions& options() const { return options_; }
  std::string_view name() const override { return "adamw"; }
  std::vector<StateArray> state() override;
  std::int64_t n_steps() const override { return n_steps_; }
  void set_n_steps(std::int64_t n) override { n_steps_ = n; }

 private:
  struct Moments {
    Parameter* parameter;
    std::vector<float> first, second;
  };

  ParameterStore& parameters_;
  AdamWOptions options_;
  std::vector<Moments> moments_;
  std::int64_t n_steps_ = 0;
};

// The length of the vector of all gradients; what clipping compares with its limit. Sums in double,
// in the order of the parameters.
double gradient_norm(const ParameterStore& parameters);

}  // namespace sputnik
