// Int8 products with few tokens, where every weight is used once or twice: unpacking into a tile
// (int8_matmul.h) would cost more than the product. The weights are multiplied as they lie, one row
// after the other, because processors fetch memory fastest when it is read straight through. What
// comes of four rows are exact integers; they are kept until the float operations are done for all
// four at once, a row in each lane. These are the operations of the tiles, in the same order: same
// bits.
#pragma once

#include <immintrin.h>

#include "kernels/int8_activations.h"
#include "kernels/kernels.h"
#include "kernels/x86/int8_row_types.h"

namespace sputnik::kernels {

constexpr int kRowsAtOnce = 4;

// Lane i is the sum of v[i]'s lanes.
[[gnu::always_inline]] static inline __m128i sums_of(const __m256i (&v)[4]) {
  const __m256i v01 =
      _mm256_add_epi32(_mm256_unpacklo_epi32(v[0], v[1]), _mm256_unpackhi_epi32(v[0], v[1]));
  const __m256i v23 =
      _mm256_add_epi32(_mm256_unpacklo_epi32(v[2], v[3]), _mm256_unpackhi_epi32(v[2], v[3]));
  const __m256i all =
      _mm256_add_epi32(_mm256_unpacklo_epi64(v01, v23), _mm256_unpackhi_epi64(v01, v23));
  return _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
}
[[gnu::always_inline]] static inline __m128i sums_of(const __m128i (&v)[4]) {
  const __m128i v01 = _mm_add_epi32(_mm_unpacklo_epi32(v[0], v[1]), _mm_unpackhi_epi32(v[0], v[1]));
  const __m128i v23 = _mm_add_epi32(_mm_unpacklo_epi32(v[2], v[3]), _mm_unpackhi_epi32(v[2], v[3]));
  return _mm_add_epi32(_mm_unpacklo_epi64(v01, v23), _mm_unpackhi_epi64(v01, v23));
}

[[gnu::always_inline]] static inline __m128i load_dwords(const std::int32_t* p) {
  return _mm_load_si128(reinterpret_cast<const __m128i*>(p));
}
// Lane k goes to to[k * kRowsAtOnce].
[[gnu::always_inline]] static inline void store_lanes(__m128i v, std::int32_t* to) {
  to[0] = _mm_cvtsi128_si32(v);
  to[kRowsAtOnce] = _mm_extract_epi32(v, 1);
  to[2 * kRowsAtOnce] = _mm_extract_epi32(v, 2);
  to[3 * kRowsAtOnce] = _mm_extract_epi32(v, 3);
}
[[gnu::always_inline]] static inline __m128 low_halves_of(__m128i v) {
  return _mm_cvtph_ps(
      _mm_shuffle_epi8(v, _mm_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1)));
}
[[gnu::always_inline]] static inline __m128 high_halves_of(__m128i v) {
  return low_halves_of(_mm_srli_epi32(v, 16));
}
[[gnu::always_inline]] static inline __m128 broadcast_float4(const std::uint8_t* p) {
  float value;
  __builtin_memcpy(&value, p, 4);
  return _mm_set1_ps(value);
}

// What is kept of four rows: for every block a lane per row.
template <class Type, int kTokens>
struct RowSums {
  // So many that the longest rows there are, of 18432 weights, need one piece or two: every piece
  // more is a jump in memory.
  static constexpr std::int64_t kMostBlocks = Type::kBlock == 256 ? 128 : 512;

  alignas(16) std::int32_t dots[kTokens][kMostBlocks][kRowsAtOnce];
  static constexpr bool kHasMins = Type::kHasMin && Type::kBlock == 256;
  alignas(16) std::int32_t mins[kTokens][kHasMins ? kMostBlocks : 1][kRowsAtOnce];
  // d and the two bytes after it, or before it where a block ends with it.
  alignas(16) std::int32_t scales[kMostBlocks][kRowsAtOnce];
};

// Where the activations of a call lie.
struct RowTokens {
  const std::uint8_t* x;  // the first token's row
  std::int64_t stride;    // bytes between rows
  Int8RowLayout layout;
};

template <class Type>
struct ScaleBytes {
  // Reading past a block that ends with d could leave the file.
  static constexpr bool kAtEnd = Type::kScaleBytes + 2 == Type::kBlockBytes;
  static constexpr std::int64_t kFirst = Type::kScaleBytes - (kAtEnd ? 2 : 0);
};

// The exact integers of row r, blocks [begin, begin + n), n at most four.
template <class Simd, class Type, int kTokens>
[[gnu::always_inline]] static inline void multiply_blocks(const std::uint8_t* row, int r,
                                                          std::int64_t begin, std::int64_t i, int n,
                                                          const RowTokens& tokens,
                                                          RowSums<Type, kTokens>& out) {
  __m256i sums[kTokens][4];
  __m128i mins[kTokens][4];
#pragma GCC unroll 4
  for (int k = 0; k < 4; ++k) {
    __m256i sum[kTokens];
    __m128i min[kTokens];
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
      sum[t] = _mm256_setzero_si256();
      min[t] = _mm_setzero_si128();
    }
    if (k < n) {
      const std::int64_t b = begin + i + k;
      const std::uint8_t* const block = row + b * Type::kBlockBytes;
      const std::int64_t sums_at = Type::kSumOf == 32 ? tokens.layout.sums32 : tokens.layout.sums16;
      Type::dot(block,
                {tokens.x + tokens.layout.q + Type::kBlock * b,
                 tokens.x + sums_at + Type::kBlock / Type::kSumOf * 2 * b, tokens.stride},
                sum, min);
      __builtin_memcpy(&out.scales[i + k][r], block + ScaleBytes<Type>::kFirst, 4);
    }
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
      sums[t][k] = sum[t];
      mins[t][k] = min[t];
    }
  }
#pragma GCC unroll 4
  for (int t = 0; t < kTokens; ++t) {
    store_lanes(sums_of(sums[t]), &out.dots[t][i][r]);
    if constexpr (RowSums<Type, kTokens>::kHasMins) {
      store_lanes(sums_of(mins[t]), &out.mins[t][i][r]);
    }
  }
}

// The float operations for block b of four rows, whose integers are the i-th kept.
template <class Type, int kTokens>
[[gnu::always_inline]] static inline void add_block(const RowSums<Type, kTokens>& sums,
                                                    std::int64_t i, std::int64_t b,
                                                    const RowTokens& tokens,
                                                    __m128 (&acc)[kTokens]) {
  const __m128i scales = load_dwords(sums.scales[i]);
  const __m128 d_w = ScaleBytes<Type>::kAtEnd ? high_halves_of(scales) : low_halves_of(scales);
#pragma GCC unroll 4
  for (int t = 0; t < kTokens; ++t) {
    const std::uint8_t* const x = tokens.x + t * tokens.stride;
    const __m128 d_x = broadcast_float4(x + 4 * b);
    __m128i dots = load_dwords(sums.dots[t][i]);
    if constexpr (Type::kOffset != 0) {
      std::int16_t halves[2];
      __builtin_memcpy(halves, x + tokens.layout.sums16 + 4 * b, 4);
      dots = _mm_sub_epi32(dots, _mm_set1_epi32(Type::kOffset * (halves[0] + halves[1])));
    }
    acc[t] = _mm_fmadd_ps(_mm_mul_ps(d_w, d_x), _mm_cvtepi32_ps(dots), acc[t]);
    if constexpr (Type::kHasMin && Type::kBlock == 32) {
      acc[t] = _mm_fmadd_ps(high_halves_of(scales), broadcast_float4(x + tokens.layout.ds + 4 * b),
                            acc[t]);
    } else if constexpr (Type::kHasMin) {
      const __m128 m = _mm_mul_ps(high_halves_of(scales), d_x);
      acc[t] = _mm_fnmadd_ps(m, _mm_cvtepi32_ps(load_dwords(sums.mins[t][i])), acc[t]);
    }
  }
}

template <class Simd, class Type, int kTokens>
static void matmul_int8_rows(const WeightRows& w, const std::uint8_t* x, std::int64_t stride,
                             float* y, std::int64_t y_stride) {
  using Sums = RowSums<Type, kTokens>;
  const RowTokens tokens{x, stride, int8_row_layout(Type::kBlock, w.n_cols)};
  const std::int64_t n_blocks = w.n_cols / Type::kBlock;
  Sums sums;
  for (std::int64_t r0 = 0; r0 < w.n_rows; r0 += kRowsAtOnce) {
    const std::int64_t n_rows = w.n_rows - r0 < kRowsAtOnce ? w.n_rows - r0 : kRowsAtOnce;
    __m128 acc[kTokens];
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) acc[t] = _mm_setzero_ps();
    for (std::int64_t begin = 0; begin < n_blocks; begin += Sums::kMostBlocks) {
      const std::int64_t left = n_blocks - begin;
      const std::int64_t n = left < Sums::kMostBlocks ? left : Sums::kMostBlocks;
      for (int r = 0; r < kRowsAtOnce; ++r) {
        // Where rows are missing at the end, the last one is computed again and not stored.
        const std::uint8_t* const row = static_cast<const std::uint8_t*>(w.data) +
                                        (r0 + (r < n_rows ? r : n_rows - 1)) * w.row_stride_bytes;
        std::int64_t i = 0;
        for (; i + 4 <= n; i += 4) {
          multiply_blocks<Simd, Type, kTokens>(row, r, begin, i, 4, tokens, sums);
        }
        if (i < n) {
          multiply_blocks<Simd, Type, kTokens>(row, r, begin, i, static_cast<int>(n - i), tokens,
                                               sums);
        }
      }
      for (std::int64_t i = 0; i < n; ++i) {
        add_block<Type, kTokens>(sums, i, begin + i, tokens, acc);
      }
    }
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
      alignas(16) float lanes[kRowsAtOnce];
      _mm_store_ps(lanes, acc[t]);
      for (std::int64_t r = 0; r < n_rows; ++r) y[t * y_stride + r0 + r] = lanes[r];
    }
  }
}

}  // namespace sputnik::kernels
