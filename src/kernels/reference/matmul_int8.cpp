#include <cmath>
#include <cstddef>

#include "kernels/int8_activations.h"
#include "kernels/reference/int8_weights.h"
#include "kernels/reference/reference_kernels.h"

namespace sputnik::kernels::reference {
namespace {

// Block b of an activation row.
struct Activations {
  const std::int8_t* q;
  float d;
  float ds;  // block 32 only
};

Activations activations(const std::byte* row, const Int8RowLayout& layout, std::int64_t block,
                        std::int64_t b) {
  Activations x{};
  x.q = reinterpret_cast<const std::int8_t*>(row + layout.q) + b * block;
  x.d = reinterpret_cast<const float*>(row)[b];
  if (block == 32) x.ds = reinterpret_cast<const float*>(row + layout.ds)[b];
  return x;
}

float add_block_of_32(const Int8Block& w, const Activations& x, float acc) {
  int dot = 0;
  for (int i = 0; i < 32; ++i) dot += w.q[i] * x.q[i];
  acc = std::fma(w.d * x.d, static_cast<float>(dot), acc);
  return w.has_min ? std::fma(w.m, x.ds, acc) : acc;
}

float add_block_of_256(const Int8Block& w, const Activations& x, float acc) {
  const int width = 256 / w.n_subs;
  int sum = 0, mins = 0;
  for (int s = 0; s < w.n_subs; ++s) {
    int dot = 0, sum_x = 0;
    for (int i = s * width; i < (s + 1) * width; ++i) {
      dot += w.q[i] * x.q[i];
      sum_x += x.q[i];
    }
    sum += w.scale[s] * dot;
    if (w.has_min) mins += w.min[s] * sum_x;
  }
  acc = std::fma(w.d * x.d, static_cast<float>(sum), acc);
  return w.has_min ? std::fma(-(w.m * x.d), static_cast<float>(mins), acc) : acc;
}

}  // namespace

void matmul_int8(const WeightRows& w, const void* x, std::int64_t x_stride_bytes,
                 std::int64_t n_tokens, float* y, std::int64_t y_stride, void* /*scratch*/) {
  const std::int64_t block = activation_block(w.dtype);
  const std::int64_t block_bytes = traits(w.dtype).block_bytes;
  const Int8RowLayout layout = int8_row_layout(block, w.n_cols);
  const auto* const tokens = static_cast<const std::byte*>(x);
  for (std::int64_t r = 0; r < w.n_rows; ++r) {
    const auto* const row = static_cast<const std::byte*>(w.data) + r * w.row_stride_bytes;
    for (std::int64_t t = 0; t < n_tokens; ++t) y[t * y_stride + r] = 0;
    for (std::int64_t b = 0; b < w.n_cols / block; ++b) {
      Int8Block weights;
      unpack_int8_block(w.dtype, row + b * block_bytes, weights);
      for (std::int64_t t = 0; t < n_tokens; ++t) {
        float& acc = y[t * y_stride + r];
        const Activations a = activations(tokens + t * x_stride_bytes, layout, block, b);
        acc = block == 32 ? add_block_of_32(weights, a, acc) : add_block_of_256(weights, a, acc);
      }
    }
  }
}

}  // namespace sputnik::kernels::reference
