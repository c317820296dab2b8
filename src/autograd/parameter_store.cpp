#include "autograd/parameter_store.h"

#include <algorithm>

#include "base/assert.h"

namespace sputnik {

Parameter parameter_of(std::string name, std::int64_t rows, std::int64_t cols) {
  Parameter p;
  p.name = std::move(name);
  p.rows = rows;
  p.cols = cols;
  p.is_vector = rows == 1;
  p.is_trained = !p.name.ends_with(".e_score_correction_bias");
  p.is_router = p.name.ends_with(".mlp.gate.weight");
  return p;
}

Parameter& ParameterStore::add(std::string name, std::int64_t rows, std::int64_t cols) {
  SPUTNIK_ASSERT(rows > 0 && cols > 0 && !by_name_.contains(name));
  Parameter& p = parameters_.emplace_back(parameter_of(std::move(name), rows, cols));
  p.value = memory_.allocate_span<float>(rows * cols);
  p.gradient = memory_.allocate_span<float>(rows * cols);
  std::fill(p.value.begin(), p.value.end(), 0.0f);
  std::fill(p.gradient.begin(), p.gradient.end(), 0.0f);
  by_name_[p.name] = &p;
  by_value_[p.value.data()] = &p;
  return p;
}

Parameter* ParameterStore::find(std::string_view name) {
  const auto it = by_name_.find(std::string(name));
  return it == by_name_.end() ? nullptr : it->second;
}

Parameter* ParameterStore::find_by_value(const void* value) {
  const auto it = by_value_.find(value);
  return it == by_value_.end() ? nullptr : it->second;
}

std::int64_t ParameterStore::n_values() const {
  std::int64_t n = 0;
  for (const Parameter& p : parameters_) n += p.rows * p.cols;
  return n;
}

void ParameterStore::zero_gradients() {
  for (Parameter& p : parameters_) std::fill(p.gradient.begin(), p.gradient.end(), 0.0f);
}

}  // namespace sputnik
