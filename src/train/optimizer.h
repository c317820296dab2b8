// What turns gradients into new weights.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "autograd/parameter_store.h"
#include "base/thread_pool.h"

namespace sputnik {

class Optimizer {
 public:
  virtual ~Optimizer() = default;

  // Changes the values of all trained parameters, given gradients gradient_scale *
  // parameter.gradient, and calls parameters.changed(). Results do not depend on the number of
  // threads.
  virtual void step(ThreadPool& pool, double learning_rate, double gradient_scale) = 0;

  // The name of its kind in recipes and checkpoints.
  virtual std::string_view name() const = 0;

  // For checkpoints: n_steps() and these arrays are all that a later step depends on.
  struct StateArray {
    std::string_view kind;  // one word: kind and parameter are the name
    const Parameter* parameter;
    std::span<float> values;
  };
  virtual std::vector<StateArray> state() = 0;
  virtual std::int64_t n_steps() const = 0;
  virtual void set_n_steps(std::int64_t n) = 0;
};

}  // namespace sputnik
