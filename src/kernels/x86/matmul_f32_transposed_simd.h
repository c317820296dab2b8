// matmul_f32_transposed: y[t][c] = sum over r of x[t][r] * w[r][c], in float32, for weights of any
// type.
//
// Columns of weights lie along the lanes. One output is a single sum over r in ascending order, one
// fused multiply-add each; between two panels of rows it waits in y, which changes no bit. So the
// number of tokens and how columns fall into tiles do not matter.
#pragma once

#include <cstdint>

#include "kernels/x86/weights_simd.h"

namespace sputnik::kernels {
namespace {

// Adds n_rows rows of decoded weights (kTransposedCols apart) to kVectors vectors of outputs of
// kTokens tokens.
template <int kTokens, int kVectors>
[[gnu::always_inline]] inline void add_rows(const float* weights, std::int64_t n_rows, bool first,
                                            const float* x, std::int64_t x_stride, float* y,
                                            std::int64_t y_stride) {
  Vec sum[kTokens][kVectors];
  for (int t = 0; t < kTokens; ++t) {
    for (int v = 0; v < kVectors; ++v) {
      sum[t][v] = first ? Simd::zero() : Simd::load(y + t * y_stride + v * kLanes);
    }
  }
  for (std::int64_t r = 0; r < n_rows; ++r) {
    multiply_outer<kTokens, kVectors>(x + r, x_stride, weights + r * kTransposedCols, sum);
  }
  for (int t = 0; t < kTokens; ++t) {
    for (int v = 0; v < kVectors; ++v) Simd::store(y + t * y_stride + v * kLanes, sum[t][v]);
  }
}

// Enough vectors to hide the latency of the FMA also for one token.
template <int kTokens>
constexpr int kVectorsFor = kTokens == 1 ? 8 : 4;

template <int kTokens>
inline void add_panel(const float* weights, std::int64_t n_rows, std::int64_t n_cols, bool first,
                      const float* x, std::int64_t x_stride, float* y, std::int64_t y_stride) {
  constexpr int kVectors = kVectorsFor<kTokens>;
  std::int64_t c = 0;
  for (; c + kVectors * kLanes <= n_cols; c += kVectors * kLanes) {
    add_rows<kTokens, kVectors>(weights + c, n_rows, first, x, x_stride, y + c, y_stride);
  }
  for (; c + kLanes <= n_cols; c += kLanes) {
    add_rows<kTokens, 1>(weights + c, n_rows, first, x, x_stride, y + c, y_stride);
  }
  for (; c < n_cols; ++c) {
    for (int t = 0; t < kTokens; ++t) {
      float sum = first ? 0 : y[t * y_stride + c];
      for (std::int64_t r = 0; r < n_rows; ++r) {
        sum = __builtin_fmaf(x[t * x_stride + r], weights[r * kTransposedCols + c], sum);
      }
      y[t * y_stride + c] = sum;
    }
  }
}

inline void matmul_f32_transposed_simd(const WeightRows& w, const float* x, std::int64_t x_stride,
                                       std::int64_t n_tokens, float* y, std::int64_t y_stride,
                                       DequantizeRow dequantize, void* scratch) {
  auto* const weights = static_cast<float*>(scratch);
  if (w.n_rows <= 0) return set_zero(y, y_stride, n_tokens, w.n_cols);
  for (std::int64_t c0 = 0; c0 < w.n_cols; c0 += kTransposedCols) {
    const std::int64_t n_cols = w.n_cols - c0 < kTransposedCols ? w.n_cols - c0 : kTransposedCols;
    for (std::int64_t r0 = 0; r0 < w.n_rows; r0 += kTransposedRows) {
      const std::int64_t n_rows = w.n_rows - r0 < kTransposedRows ? w.n_rows - r0 : kTransposedRows;
      for (std::int64_t r = 0; r < n_rows; ++r) {
        decode(w, r0 + r, c0, n_cols, dequantize, weights + r * kTransposedCols);
      }
      for_each_tile(n_tokens, [&](auto tokens, std::int64_t t) {
        add_panel<decltype(tokens)::value>(weights, n_rows, n_cols, r0 == 0, x + t * x_stride + r0,
                                           x_stride, y + t * y_stride + c0, y_stride);
      });
    }
  }
}

}  // namespace
}  // namespace sputnik::kernels
