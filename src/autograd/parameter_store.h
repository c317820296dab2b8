// The weights of a model that is trained: float32, with a gradient each.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tensor/arena.h"

namespace sputnik {

struct Parameter {
  std::string name;  // as in the Hugging Face checkpoint
  std::int64_t rows = 0;
  std::int64_t cols = 0;  // a vector is one row
  bool is_vector = false;
  std::span<float> value;     // row-major
  std::span<float> gradient;  // of the sum of all backward passes since zero_gradients()
  // False for e_score_correction_bias: no gradient reaches it, training changes it by another rule.
  bool is_trained = true;
  // Multiplied in float32 whatever the precision of training: the router's scores decide.
  bool is_router = false;
};

// What its name and shape say of a parameter; without memory.
Parameter parameter_of(std::string name, std::int64_t rows, std::int64_t cols);

// Owns values and gradients. Addresses never change.
class ParameterStore {
 public:
  // Zero. The name must be new; is_trained and is_router follow from it.
  Parameter& add(std::string name, std::int64_t rows, std::int64_t cols);
  Parameter* find(std::string_view name);
  Parameter* find_by_value(const void* value);

  std::deque<Parameter>& all() { return parameters_; }
  const std::deque<Parameter>& all() const { return parameters_; }
  std::int64_t n_values() const;

  void zero_gradients();

  // To be called whenever values were changed, so that copies in other formats are made anew.
  void changed() { ++version_; }
  std::int64_t version() const { return version_; }

 private:
  Arena memory_;
  std::deque<Parameter> parameters_;
  std::unordered_map<std::string, Parameter*> by_name_;
  std::unordered_map<const void*, Parameter*> by_value_;
  std::int64_t version_ = 1;
};

}  // namespace sputnik
