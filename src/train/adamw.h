// AdamW: Loshchilov & Hutter 2019 (arXiv:1711.05101).
#pragma once

#include <cstdint>
#include <vector>

#include "autograd/parameter_store.h"
#include "base/thread_pool.h"

namespace sputnik {

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-8;
  double weight_decay = 0.1;  // of every trained parameter, vectors too
};

// Owns the moments, float32. Borrows the parameters.
class AdamW {
 public:
  AdamW(ParameterStore& parameters, const AdamWOptions& options);

  // With gradient g = gradient_scale * parameter.gradient:
  //   m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g^2
  //   p -= learning_rate (weight_decay p + m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon))
  // and parameters.changed(). Parameters that are not trained stay as they are.
  void step(ThreadPool& pool, double learning_rate, double gradient_scale = 1);

  std::int64_t n_steps() const { return n_steps_; }

  // For checkpoints: the moments of one parameter, in the order of parameters.all().
  struct Moments {
    Parameter* parameter;
    std::vector<float> first, second;
  };
  std::vector<Moments>& moments() { return moments_; }
  const std::vector<Moments>& moments() const { return moments_; }
  void set_n_steps(std::int64_t n) { n_steps_ = n; }

 private:
  ParameterStore& parameters_;
  AdamWOptions options_;
  std::vector<Moments> moments_;
  std::int64_t n_steps_ = 0;
};

// The length of the vector of all gradients; what clipping compares with its limit. Sums in double,
// in the order of the parameters.
double gradient_norm(const ParameterStore& parameters);

}  // namespace sputnik
