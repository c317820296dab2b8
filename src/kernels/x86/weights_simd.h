// What matmul_f32 and matmul_f32_transposed have in common: reading weights of every type as
// floats.
#pragma once

#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/scratch.h"
#include "kernels/x86/simd.h"

namespace sputnik::kernels {
namespace {

constexpr std::int64_t kScaleBlock = 128;  // F8_E4M3: one scale per 128x128 weights
constexpr int kTileTokens = Simd::kRegisters == 32 ? 6 : 3;

using Byte = unsigned char;

// How kLanes weights of one type are read.
struct ReadF32 {
  static constexpr int kBytes = 4;
  static constexpr bool kScaled = false;
  static Vec load(const Byte* p) { return Simd::load(reinterpret_cast<const float*>(p)); }
};
struct ReadF16 {
  static constexpr int kBytes = 2;
  static constexpr bool kScaled = false;
  static Vec load(const Byte* p) {
    return Simd::load_half(reinterpret_cast<const std::uint16_t*>(p));
  }
};
struct ReadBF16 {
  static constexpr int kBytes = 2;
  static constexpr bool kScaled = false;
  static Vec load(const Byte* p) {
    return Simd::load_bfloat16(reinterpret_cast<const std::uint16_t*>(p));
  }
};
struct ReadF8 {  // to be multiplied by 256 times the scale
  static constexpr int kBytes = 1;
  static constexpr bool kScaled = true;
  static Vec load(const Byte* p) { return Simd::load_float8_over_256(p); }
};

template <class Read>
inline Vec read_first(const Byte* p, std::int64_t n) {
  alignas(64) Byte buffer[kLanes * Read::kBytes] = {};
  for (std::int64_t i = 0; i < n * Read::kBytes; ++i) buffer[i] = p[i];
  return Read::load(buffer);
}

// The row r of w and its scales (null without); rows behind the last repeat it, so that tiles are
// always whole.
inline const Byte* row_at(const WeightRows& w, std::int64_t r) {
  return static_cast<const Byte*>(w.data) + (r < w.n_rows ? r : w.n_rows - 1) * w.row_stride_bytes;
}
inline const float* scales_at(const WeightRows& w, std::int64_t r) {
  if (w.scales == nullptr) return nullptr;
  return w.scales +
         (w.first_row + (r < w.n_rows ? r : w.n_rows - 1)) / kScaleBlock * w.scale_stride;
}
inline Vec scale_vector(const float* scales, std::int64_t c) {
  return Simd::set1(scales[c / kScaleBlock] * 256.0f);
}

// n weights of row r from column c on, as floats. c is a multiple of the type's block size.
inline void decode(const WeightRows& w, std::int64_t r, std::int64_t c, std::int64_t n,
                   DequantizeRow dequantize, float* out) {
  const Byte* const from = row_at(w, r) + row_bytes(w.dtype, c);
  if (w.dtype != DType::kF8E4M3) return dequantize(w.dtype, from, out, n);
  const float* const scales = scales_at(w, r);
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    Simd::store(out + i, Simd::mul(ReadF8::load(from + i), scale_vector(scales, c + i)));
  }
  if (i < n)
    store_first(out + i,
                Simd::mul(read_first<ReadF8>(from + i, n - i), scale_vector(scales, c + i)), n - i);
}

// sum[t][v] += factors[t * stride] * vectors[v]: one step of a product that keeps kTokens x
// kVectors sums in registers.
template <int kTokens, int kVectors>
[[gnu::always_inline]] inline void multiply_outer(const float* factors, std::int64_t stride,
                                                  const float* vectors,
                                                  Vec (&sum)[kTokens][kVectors]) {
  if constexpr (kVectors <= kTokens) {
    Vec x[kVectors];
    for (int v = 0; v < kVectors; ++v) x[v] = Simd::load(vectors + v * kLanes);
    for (int t = 0; t < kTokens; ++t) {
      const Vec factor = Simd::set1(factors[t * stride]);
      for (int v = 0; v < kVectors; ++v) sum[t][v] = Simd::fma(factor, x[v], sum[t][v]);
    }
  } else {
    Vec factor[kTokens];
    for (int t = 0; t < kTokens; ++t) factor[t] = Simd::set1(factors[t * stride]);
    for (int v = 0; v < kVectors; ++v) {
      const Vec x = Simd::load(vectors + v * kLanes);
      for (int t = 0; t < kTokens; ++t) sum[t][v] = Simd::fma(factor[t], x, sum[t][v]);
    }
  }
}

inline void set_zero(float* y, std::int64_t y_stride, std::int64_t n_tokens, std::int64_t n) {
  for (std::int64_t t = 0; t < n_tokens; ++t) {
    for (std::int64_t i = 0; i < n; ++i) y[t * y_stride + i] = 0;
  }
}

// Calls f(Number<n>()), 1 <= n <= kMax: a number of tokens becomes a template argument.
template <int n>
struct Number {
  static constexpr int value = n;
};
template <int kMax, class F>
[[gnu::always_inline]] inline void with_number(std::int64_t n, F f) {
  if constexpr (kMax > 1) {
    if (n < kMax) return with_number<kMax - 1>(n, f);
  }
  f(Number<kMax>());
}

// Cuts n tokens (or query rows) into tiles of at most kTileTokens and calls f(Number<tokens in the
// tile>(), index of the first). The last two tiles are of about equal size: a tile of few tokens
// uses the machine badly.
template <class F>
[[gnu::always_inline]] inline void for_each_tile(std::int64_t n, F f) {
  for (std::int64_t i = 0; i < n;) {
    const std::int64_t n_left = n - i;
    const std::int64_t tile = n_left >= 2 * kTileTokens ? kTileTokens
                              : n_left > kTileTokens    ? (n_left + 1) / 2
                                                        : n_left;
    with_number<kTileTokens>(tile, [&](auto tokens) { f(tokens, i); });
    i += tile;
  }
}

}  // namespace
}  // namespace sputnik::kernels
