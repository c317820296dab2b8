#include <cmath>

#include "kernels/reference/reference_kernels.h"

namespace sputnik::kernels::reference {

void add(const float* a, const float* b, float* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = a[i] + b[i];
}

void add_scaled(float s, const float* x, float* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = std::fma(s, x[i], y[i]);
}

void scale(float s, const float* x, float* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = s * x[i];
}

float dot(const float* a, const float* b, std::int64_t n) {
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += double{a[i]} * b[i];
  return static_cast<float>(sum);
}

void silu_mul(const float* gate, const float* up, float* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    const double z = gate[i];
    y[i] = static_cast<float>(z / (1.0 + std::exp(-z)) * up[i]);
  }
}

}  // namespace sputnik::kernels::reference
