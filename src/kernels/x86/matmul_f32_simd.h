// matmul_f32: float32 products with weights of any type.
//
// One output is kLanes partial sums, lane l over the inputs l, l + kLanes, ... in ascending order,
// one fused multiply-add each; then the lanes are added in the order of Simd::store_sums. Every
// path below keeps to that, so how many tokens come at once decides only which path is taken, never
// a bit of the result.
//
// Rows of weights lie along the lanes as they lie in memory, so nothing is transposed, and few
// tokens can read the weights in place. A tile of 4 rows and kTileTokens tokens keeps its sums in
// registers and loads few values per FMA.
#pragma once

#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/scratch.h"
#include "kernels/x86/weights_simd.h"

namespace sputnik::kernels {
namespace {

static_assert(kLanes <= kMatmulLanes);

constexpr int kTileRows = 4;

template <int kRows, int kTokens>
struct Sums {
  Vec at[kRows][kTokens];
};

// Adds the products of n inputs. rows[r] is where row r begins, token t begins at x + t * x_stride.
template <class Read, int kRows, int kTokens>
[[gnu::always_inline]] inline void accumulate(const Byte* const (&rows)[kRows],
                                              const float* const (&scales)[kRows], const float* x,
                                              std::int64_t x_stride, std::int64_t n,
                                              Sums<kRows, kTokens>& sums) {
  Vec scale[kRows];
  const auto step = [&](auto weights, auto inputs) __attribute__((always_inline)) {
    // The smaller of the two sets waits in registers, the other is loaded as it is used.
    if constexpr (kRows <= kTokens) {
      Vec w[kRows];
      for (int r = 0; r < kRows; ++r)
        w[r] = Read::kScaled ? Simd::mul(weights(r), scale[r]) : weights(r);
      for (int t = 0; t < kTokens; ++t) {
        const Vec v = inputs(t);
        for (int r = 0; r < kRows; ++r) sums.at[r][t] = Simd::fma(w[r], v, sums.at[r][t]);
      }
    } else {
      Vec v[kTokens];
      for (int t = 0; t < kTokens; ++t) v[t] = inputs(t);
      for (int r = 0; r < kRows; ++r) {
        const Vec w = Read::kScaled ? Simd::mul(weights(r), scale[r]) : weights(r);
        for (int t = 0; t < kTokens; ++t) sums.at[r][t] = Simd::fma(w, v[t], sums.at[r][t]);
      }
    }
  };
  for (std::int64_t c = 0; c < n;) {
    std::int64_t end = n;
    if constexpr (Read::kScaled) {
      if (n - c > kScaleBlock) end = c + kScaleBlock;
      for (int r = 0; r < kRows; ++r) scale[r] = scale_vector(scales[r], c);
    }
    for (; c + kLanes <= end; c += kLanes) {
      step([&](int r) { return Read::load(rows[r] + c * Read::kBytes); },
           [&](int t) { return Simd::load(x + t * x_stride + c); });
    }
    if (c < end) {
      step([&](int r) { return read_first<Read>(rows[r] + c * Read::kBytes, end - c); },
           [&](int t) { return load_first(x + t * x_stride + c, end - c); });
      c = end;
    }
  }
}

// y[t * y_stride + r] = the sum of lanes, for the first n_rows rows of the tile.
template <int kRows, int kTokens>
[[gnu::always_inline]] inline void store_outputs(const Sums<kRows, kTokens>& sums,
                                                 std::int64_t n_rows, float* y,
                                                 std::int64_t y_stride) {
  static_assert(kRows % 4 == 0);
#pragma GCC unroll 8
  for (int t = 0; t < kTokens; ++t) {
#pragma GCC unroll 2
    for (int r = 0; r < kRows; r += 4) {
      float out[4];
      const bool whole = r + 4 <= n_rows;
      Simd::store_sums(whole ? y + t * y_stride + r : out, sums.at[r][t], sums.at[r + 1][t],
                       sums.at[r + 2][t], sums.at[r + 3][t]);
      for (std::int64_t k = r; !whole && k < n_rows; ++k) y[t * y_stride + k] = out[k - r];
    }
  }
}

// Enough sums to hide the latency of the FMA also for a single token.
template <int kTokens>
constexpr int kRowsFor = kTokens == 1 ? 2 * kTileRows : kTileRows;

// Few tokens: the weights are read in place and converted in registers. The rows r0 .. r0 +
// kRowsFor - 1.
template <class Read, int kTokens>
inline void multiply_rows_in_place(const WeightRows& w, std::int64_t r0, const float* x,
                                   std::int64_t x_stride, float* y, std::int64_t y_stride) {
  constexpr int kRows = kRowsFor<kTokens>;
  const Byte* rows[kRows];
  const float* scales[kRows];
  Sums<kRows, kTokens> sums;
  for (int r = 0; r < kRows; ++r) {
    rows[r] = row_at(w, r0 + r);
    scales[r] = scales_at(w, r0 + r);
    for (int t = 0; t < kTokens; ++t) sums.at[r][t] = Simd::zero();
  }
  accumulate<Read>(rows, scales, x, x_stride, w.n_cols, sums);
  store_outputs(sums, w.n_rows - r0, y + r0, y_stride);
}

// A second tile of tokens finds its rows in the cache.
template <class Read>
inline void multiply_in_place(const WeightRows& w, const float* x, std::int64_t x_stride,
                              std::int64_t n_tokens, float* y, std::int64_t y_stride) {
  const std::int64_t n_rows = n_tokens == 1 ? kRowsFor<1> : kTileRows;
  for (std::int64_t r = 0; r < w.n_rows; r += n_rows) {
    for_each_tile(n_tokens, [&](auto tokens, std::int64_t t) {
      multiply_rows_in_place<Read, decltype(tokens)::value>(w, r, x + t * x_stride, x_stride,
                                                            y + t * y_stride, y_stride);
    });
  }
}

// Some rows, a stretch of inputs and some tokens, all small enough to stay in L2.
struct Panel {
  const float* weights;  // decoded, kMatmulDepth apart
  std::int64_t n_rows;
  std::int64_t n_inputs;
  bool first, last;  // of the stretches
  float* partial;    // kMatmulLanes floats per output, [token][kMatmulRows]
};

template <int kTokens>
inline void multiply_panel(const Panel& panel, const float* x, std::int64_t x_stride,
                           float* partial, float* y, std::int64_t y_stride) {
  constexpr int kRows = kRowsFor<kTokens>;
  for (std::int64_t r0 = 0; r0 < panel.n_rows; r0 += kRows) {
    const Byte* rows[kRows];
    const float* scales[kRows] = {};
    Sums<kRows, kTokens> sums;
    for (int r = 0; r < kRows; ++r) {
      const std::int64_t row = r0 + r < panel.n_rows ? r0 + r : panel.n_rows - 1;
      rows[r] = reinterpret_cast<const Byte*>(panel.weights + row * kMatmulDepth);
      for (int t = 0; t < kTokens; ++t) {
        const float* const from = partial + (t * kMatmulRows + r0 + r) * kMatmulLanes;
        sums.at[r][t] = panel.first ? Simd::zero() : Simd::load(from);
      }
    }
    accumulate<ReadF32>(rows, scales, x, x_stride, panel.n_inputs, sums);
    if (panel.last) {
      store_outputs(sums, panel.n_rows - r0, y + r0, y_stride);
      continue;
    }
    for (int t = 0; t < kTokens; ++t) {
      for (int r = 0; r < kRows; ++r) {
        Simd::store(partial + (t * kMatmulRows + r0 + r) * kMatmulLanes, sums.at[r][t]);
      }
    }
  }
}

// Many tokens, or weights that are decoded in blocks: a panel of weights is decoded once per
// kMatmulTokens tokens.
inline void multiply_decoded(const WeightRows& w, const float* x, std::int64_t x_stride,
                             std::int64_t n_tokens, float* y, std::int64_t y_stride,
                             DequantizeRow dequantize, float* scratch) {
  float* const weights = scratch;
  float* const partial = scratch + kMatmulWeightFloats;
  for (std::int64_t t0 = 0; t0 < n_tokens; t0 += kMatmulTokens) {
    const std::int64_t t_end = n_tokens - t0 < kMatmulTokens ? n_tokens : t0 + kMatmulTokens;
    for (std::int64_t r0 = 0; r0 < w.n_rows; r0 += kMatmulRows) {
      for (std::int64_t c0 = 0; c0 < w.n_cols; c0 += kMatmulDepth) {
        Panel panel;
        panel.weights = weights;
        panel.n_rows = w.n_rows - r0 < kMatmulRows ? w.n_rows - r0 : kMatmulRows;
        panel.n_inputs = w.n_cols - c0 < kMatmulDepth ? w.n_cols - c0 : kMatmulDepth;
        panel.first = c0 == 0;
        panel.last = c0 + panel.n_inputs == w.n_cols;
        for (std::int64_t r = 0; r < panel.n_rows; ++r) {
          decode(w, r0 + r, c0, panel.n_inputs, dequantize, weights + r * kMatmulDepth);
        }
        for_each_tile(t_end - t0, [&](auto tokens, std::int64_t t) {
          multiply_panel<decltype(tokens)::value>(panel, x + (t0 + t) * x_stride + c0, x_stride,
                                                  partial + t * kMatmulRows * kMatmulLanes,
                                                  y + (t0 + t) * y_stride + r0, y_stride);
        });
      }
    }
  }
}

inline void matmul_f32_simd(const WeightRows& w, const float* x, std::int64_t x_stride,
                            std::int64_t n_tokens, float* y, std::int64_t y_stride,
                            DequantizeRow dequantize, void* scratch) {
  if (n_tokens <= 0 || w.n_rows <= 0) return;
  if (w.n_cols <= 0) return set_zero(y, y_stride, n_tokens, w.n_rows);
  const bool in_place = n_tokens <= 2 * kTileTokens;
  const auto multiply = [&](auto read) {
    multiply_in_place<decltype(read)>(w, x, x_stride, n_tokens, y, y_stride);
  };
  if (in_place && w.dtype == DType::kF32) return multiply(ReadF32());
  if (in_place && w.dtype == DType::kF16) return multiply(ReadF16());
  if (in_place && w.dtype == DType::kBF16) return multiply(ReadBF16());
  if (in_place && w.dtype == DType::kF8E4M3) return multiply(ReadF8());
  multiply_decoded(w, x, x_stride, n_tokens, y, y_stride, dequantize, static_cast<float*>(scratch));
}

}  // namespace
}  // namespace sputnik::kernels
