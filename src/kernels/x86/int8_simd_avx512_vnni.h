// The int8 product with AVX-512 VNNI: 16 rows in the lanes of a vector, two such groups at a time.
// Included only by files named *_avx512_vnni.cpp; everything is local to the file that includes it,
// so that no copy compiled with AVX-512 can reach other machines.
#pragma once

#include <immintrin.h>

#include "kernels/x86/int8_matmul.h"

namespace sputnik::kernels::avx512_vnni {
namespace {

struct Int8Simd {
  static constexpr int kLanes = 16;
  using Ints = __m512i;
  using Floats = __m512;

  [[gnu::always_inline]] static inline Ints bytes(int value) {
    return _mm512_set1_epi8(static_cast<char>(value));
  }
  [[gnu::always_inline]] static inline Ints dwords(int value) { return _mm512_set1_epi32(value); }
  [[gnu::always_inline]] static inline Ints bit_and(Ints a, Ints b) {
    return _mm512_and_si512(a, b);
  }
  [[gnu::always_inline]] static inline Ints bit_or(Ints a, Ints b) { return _mm512_or_si512(a, b); }
  // (a & mask) | b
  [[gnu::always_inline]] static inline Ints masked_or(Ints a, int mask, Ints b) {
    return _mm512_ternarylogic_epi32(a, bytes(mask), b, 0xEA);
  }
  [[gnu::always_inline]] static inline Ints shift_left16(Ints v, int n) {
    return _mm512_slli_epi16(v, static_cast<unsigned>(n));
  }
  [[gnu::always_inline]] static inline Ints shift_right16(Ints v, int n) {
    return _mm512_srli_epi16(v, static_cast<unsigned>(n));
  }
  [[gnu::always_inline]] static inline Ints shift_left32(Ints v, int n) {
    return _mm512_slli_epi32(v, static_cast<unsigned>(n));
  }
  [[gnu::always_inline]] static inline Ints shift_right32(Ints v, int n) {
    return _mm512_srli_epi32(v, static_cast<unsigned>(n));
  }
  [[gnu::always_inline]] static inline Ints shift_right_signed32(Ints v, int n) {
    return _mm512_srai_epi32(v, static_cast<unsigned>(n));
  }
  [[gnu::always_inline]] static inline Ints sub8(Ints a, Ints b) { return _mm512_sub_epi8(a, b); }
  [[gnu::always_inline]] static inline Ints sub32(Ints a, Ints b) { return _mm512_sub_epi32(a, b); }
  [[gnu::always_inline]] static inline Floats low_halves(Ints v) {
    return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(v));
  }
  [[gnu::always_inline]] static inline void store(void* p, Ints v) { _mm512_store_si512(p, v); }
  [[gnu::always_inline]] static inline void store(float* p, Floats v) { _mm512_store_ps(p, v); }

  [[gnu::always_inline]] static inline Ints broadcast16(const std::int8_t* p) {
    return _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  // Byte indices[i] % 16 of the 128-bit lane of v, for every byte i.
  [[gnu::always_inline]] static inline Ints shuffle(Ints v, Ints indices) {
    return _mm512_shuffle_epi8(v, indices);
  }
  // Signed weights as they stand in the tile: with 128 added.
  [[gnu::always_inline]] static inline Ints from_signed(Ints w) {
    return _mm512_xor_si512(w, bytes(0x80));
  }

  // Bytes 0 and 1 of every dword as a pair of 16-bit integers.
  [[gnu::always_inline]] static inline Ints low_byte_pair(Ints v) {
    return _mm512_shuffle_epi8(v, _mm512_broadcast_i32x4(_mm_setr_epi8(
                                      0, -1, 1, -1, 4, -1, 5, -1, 8, -1, 9, -1, 12, -1, 13, -1)));
  }

  // Bits 4i .. 4i + 3 of every dword as bit 4 of its four bytes; the other bits are anything. The
  // instruction picks eight bits from any place of a 64-bit word, that is of two rows, and wraps
  // around.
  [[gnu::always_inline]] static inline Ints fifth_bits(Ints qh, int i) {
    const Ints first = _mm512_set1_epi64(0x1F1E1D1C'FFFEFDFC);  // bits 28 .. 31, and -4 .. -1
    return _mm512_multishift_epi64_epi8(_mm512_add_epi8(first, bytes(4 * i)), qh);
  }

  // 16 bytes of each of 16 rows. The rows are loaded straight into the 128-bit lane where they
  // belong; what is left is to transpose 4x4 dwords in every lane.
  [[gnu::always_inline]] static inline Columns<Int8Simd> load_columns(const std::uint8_t* rows,
                                                                      std::int64_t stride) {
    Ints v[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const std::uint8_t* const p = rows + i * stride;
      v[i] = _mm512_castsi128_si512(load16(p));
      v[i] = _mm512_inserti32x4(v[i], load16(p + 4 * stride), 1);
      v[i] = _mm512_inserti32x4(v[i], load16(p + 8 * stride), 2);
      v[i] = _mm512_inserti32x4(v[i], load16(p + 12 * stride), 3);
    }
    const Ints low01 = _mm512_unpacklo_epi32(v[0], v[1]);
    const Ints high01 = _mm512_unpackhi_epi32(v[0], v[1]);
    const Ints low23 = _mm512_unpacklo_epi32(v[2], v[3]);
    const Ints high23 = _mm512_unpackhi_epi32(v[2], v[3]);
    return {{_mm512_unpacklo_epi64(low01, low23), _mm512_unpackhi_epi64(low01, low23),
             _mm512_unpacklo_epi64(high01, high23), _mm512_unpackhi_epi64(high01, high23)}};
  }
  [[gnu::always_inline]] static inline __m128i load16(const std::uint8_t* p) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  }

  // For few tokens: int8_rows.h. acc + pairs of products of 16-bit integers.
  static constexpr int kMostRowTokens = 4;
  [[gnu::always_inline]] static inline __m256i add_products16(__m256i acc, __m256i a, __m256i b) {
    return _mm256_dpwssd_epi32(acc, a, b);
  }
  // acc + fours of products of bytes without sign and bytes with one.
  [[gnu::always_inline]] static inline __m256i add_products8(__m256i acc, __m256i w, __m256i q) {
    return _mm256_dpbusd_epi32(acc, w, q);
  }

  template <class Type>
  static void multiply(const Int8Tile<16>* tiles, int n_blocks, const Int8Tokens& x,
                       std::int64_t n_tokens, Upcoming& next);
};

using Tile = Int8Tile<16>;

[[gnu::always_inline]] inline __m512i broadcast4(const std::uint8_t* p) {
  std::int32_t bytes;
  __builtin_memcpy(&bytes, p, 4);
  return _mm512_set1_epi32(bytes);
}

[[gnu::always_inline]] inline __m512i broadcast2(const std::uint8_t* p) {
  std::int16_t word;
  __builtin_memcpy(&word, p, 2);
  return _mm512_set1_epi16(word);
}

[[gnu::always_inline]] inline __m512 broadcast_float(const std::uint8_t* p) {
  float value;
  __builtin_memcpy(&value, p, 4);
  return _mm512_set1_ps(value);
}

// The lanes of group g that hold rows.
[[gnu::always_inline]] inline __mmask16 lanes(const Int8Tokens& x, int g) {
  const int n = x.n_rows - 16 * g;
  return static_cast<__mmask16>(n >= 16 ? 0xFFFF : (1 << n) - 1);
}

template <int kTokens, int kGroups>
struct Dots {
  __m512i v[kGroups][kTokens];
};

// The integer dot products of one sub. x: the first token's activations of it; sums: the two sums
// of 16 of them, or the first of a pair of which kSub = 16 uses one.
template <class Type, int kTokens, int kGroups>
[[gnu::always_inline]] inline Dots<kTokens, kGroups> dot_sub(const Tile* tile, int sub,
                                                             const std::uint8_t* x,
                                                             const std::uint8_t* sums,
                                                             std::int64_t stride) {
  constexpr int kColumns4 = Type::kSub / 4;
  Dots<kTokens, kGroups> dots;
#pragma GCC unroll 8
  for (int t = 0; t < kTokens; ++t) {
    __m512i start = _mm512_setzero_si512();
    if constexpr (Type::kOffset != 0) {
      // The weights in the tile are too large by kOffset, the dot product by kOffset * sum of x.
      constexpr int kLow = -Type::kOffset & 0xFFFF;
      constexpr int kPair = Type::kSub == 32 ? kLow | -Type::kOffset * 65536 : kLow;
      const std::uint8_t* const p = sums + t * stride;
      const __m512i s = Type::kSub == 32 ? broadcast4(p) : broadcast2(p);
      start = _mm512_dpwssd_epi32(start, s, _mm512_set1_epi32(kPair));
    }
#pragma GCC unroll 2
    for (int g = 0; g < kGroups; ++g) dots.v[g][t] = start;
  }
#pragma GCC unroll 8
  for (int k = 0; k < kColumns4; ++k) {
    __m512i w[kGroups];
#pragma GCC unroll 2
    for (int g = 0; g < kGroups; ++g) w[g] = _mm512_load_si512(tile[g].w[sub * kColumns4 + k]);
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t) {
      const __m512i q = broadcast4(x + t * stride + 4 * k);
#pragma GCC unroll 2
      for (int g = 0; g < kGroups; ++g) {
        dots.v[g][t] = _mm512_dpbusd_epi32(dots.v[g][t], w[g], q);
      }
    }
  }
  return dots;
}

template <int kTokens, int kGroups>
[[gnu::always_inline]] inline void load_results(const Int8Tokens& x, bool add,
                                                __m512 (&acc)[kGroups][kTokens]) {
#pragma GCC unroll 2
  for (int g = 0; g < kGroups; ++g) {
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t) {
      acc[g][t] = add ? _mm512_maskz_loadu_ps(lanes(x, g), x.y + t * x.y_stride + 16 * g)
                      : _mm512_setzero_ps();
    }
  }
}

template <int kTokens, int kGroups>
[[gnu::always_inline]] inline void store_results(const Int8Tokens& x,
                                                 const __m512 (&acc)[kGroups][kTokens]) {
#pragma GCC unroll 2
  for (int g = 0; g < kGroups; ++g) {
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t) {
      _mm512_mask_storeu_ps(x.y + t * x.y_stride + 16 * g, lanes(x, g), acc[g][t]);
    }
  }
}

template <class Type, int kTokens, int kGroups>
void multiply_32(const Tile* tile, int n_blocks, const Int8Tokens& x, Upcoming& next) {
  __m512 acc[kGroups][kTokens];
  load_results<kTokens, kGroups>(x, x.add, acc);
  const std::uint8_t* q = x.row + x.layout.q + x.first_col;
  const std::uint8_t* sums = x.row + x.layout.sums16 + x.first_col / 16 * 2;
  const std::uint8_t* d = x.row + x.first_col / 32 * 4;
  for (int b = 0; b < n_blocks; ++b, q += 32, sums += 4, d += 4) {
    next.prefetch();
    const auto dots = dot_sub<Type, kTokens, kGroups>(tile, b, q, sums, x.stride);
#pragma GCC unroll 2
    for (int g = 0; g < kGroups; ++g) {
      const __m512 d_w = _mm512_load_ps(tile[g].d[b]);
#pragma GCC unroll 8
      for (int t = 0; t < kTokens; ++t) {
        const __m512 scale = _mm512_mul_ps(d_w, broadcast_float(d + t * x.stride));
        acc[g][t] = _mm512_fmadd_ps(scale, _mm512_cvtepi32_ps(dots.v[g][t]), acc[g][t]);
        if constexpr (Type::kHasMin) {
          acc[g][t] = _mm512_fmadd_ps(_mm512_load_ps(tile[g].m[b]),
                                      broadcast_float(d + t * x.stride + x.layout.ds), acc[g][t]);
        }
      }
    }
  }
  store_results<kTokens, kGroups>(x, acc);
}

// acc -= dmin_w * d_x * (sum over s of min_s * (sum of q_x in s)) for block b of the tile.
// d: the first token's d of the block.
template <class Type, int kTokens, int kGroups>
[[gnu::always_inline]] inline void add_minima(const Tile* tile, int b, const Int8Tokens& x,
                                              const std::uint8_t* d,
                                              __m512 (&acc)[kGroups][kTokens]) {
  constexpr int kPairs = 256 / Type::kSub / 2;
  const std::uint8_t* const sums = x.row + (Type::kSub == 32 ? x.layout.sums32 : x.layout.sums16) +
                                   (x.first_col + 256 * b) / Type::kSub * 2;
#pragma GCC unroll 2
  for (int g = 0; g < kGroups; ++g) {
    __m512i mins[kTokens];
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t) mins[t] = _mm512_setzero_si512();
#pragma GCC unroll 8
    for (int p = 0; p < kPairs; ++p) {
      const __m512i m = _mm512_load_si512(tile[g].min_pairs[b * kPairs + p]);
#pragma GCC unroll 8
      for (int t = 0; t < kTokens; ++t) {
        mins[t] = _mm512_dpwssd_epi32(mins[t], m, broadcast4(sums + t * x.stride + 4 * p));
      }
    }
    const __m512 m_w = _mm512_load_ps(tile[g].m[b]);
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t) {
      const __m512 m = _mm512_mul_ps(m_w, broadcast_float(d + t * x.stride));
      acc[g][t] = _mm512_fnmadd_ps(m, _mm512_cvtepi32_ps(mins[t]), acc[g][t]);
    }
  }
}

template <class Type, int kTokens, int kGroups>
void multiply_256(const Tile* tile, int n_blocks, const Int8Tokens& x, Upcoming& next) {
  constexpr int kSubs = 256 / Type::kSub;
  const std::uint8_t* q = x.row + x.layout.q + x.first_col;
  const std::uint8_t* sums = x.row + x.layout.sums16 + x.first_col / 16 * 2;
  for (int b = 0; b < n_blocks; ++b) {
    __m512i sum[kGroups][kTokens];
#pragma GCC unroll 2
    for (int g = 0; g < kGroups; ++g) {
#pragma GCC unroll 8
      for (int t = 0; t < kTokens; ++t) sum[g][t] = _mm512_setzero_si512();
    }
    for (int s = b * kSubs; s < (b + 1) * kSubs; ++s) {
      next.prefetch();
      const auto dots = dot_sub<Type, kTokens, kGroups>(tile, s, q, sums, x.stride);
      q += Type::kSub;
      sums += Type::kSub / 16 * 2;
#pragma GCC unroll 2
      for (int g = 0; g < kGroups; ++g) {
        const __m512i scale = _mm512_load_si512(tile[g].scale[s]);
#pragma GCC unroll 8
        for (int t = 0; t < kTokens; ++t) {
          sum[g][t] = _mm512_add_epi32(sum[g][t], _mm512_mullo_epi32(scale, dots.v[g][t]));
        }
      }
    }

    __m512 acc[kGroups][kTokens];
    load_results<kTokens, kGroups>(x, x.add || b > 0, acc);
    const std::uint8_t* const d = x.row + (x.first_col / 256 + b) * 4;
#pragma GCC unroll 2
    for (int g = 0; g < kGroups; ++g) {
      const __m512 d_w = _mm512_load_ps(tile[g].d[b]);
#pragma GCC unroll 8
      for (int t = 0; t < kTokens; ++t) {
        const __m512 scale = _mm512_mul_ps(d_w, broadcast_float(d + t * x.stride));
        acc[g][t] = _mm512_fmadd_ps(scale, _mm512_cvtepi32_ps(sum[g][t]), acc[g][t]);
      }
    }
    if constexpr (Type::kHasMin) add_minima<Type, kTokens, kGroups>(tile, b, x, d, acc);
    store_results<kTokens, kGroups>(x, acc);
  }
}

template <class Type, int kTokens, int kGroups>
[[gnu::always_inline]] inline void multiply(const Tile* tile, int n_blocks, const Int8Tokens& x,
                                            Upcoming& next) {
  if constexpr (Type::kBlock == 32) {
    multiply_32<Type, kTokens, kGroups>(tile, n_blocks, x, next);
  } else {
    multiply_256<Type, kTokens, kGroups>(tile, n_blocks, x, next);
  }
}

// All tokens, as evenly as possible in steps of at most 6: 12 dot products and 12 sums then fill
// the registers and hide the latency of the multiplications.
template <class Type, int kGroups>
void multiply_tokens(const Tile* tile, int n_blocks, Int8Tokens x, std::int64_t n_tokens,
                     Upcoming& next) {
  next.spread_over((n_tokens + 5) / 6 * n_blocks * (Type::kBlock / Type::kSub));
  while (n_tokens > 0) {
    const std::int64_t n_steps = (n_tokens + 5) / 6;
    const std::int64_t n = (n_tokens + n_steps - 1) / n_steps;
    if (n == 1) {
      multiply<Type, 1, kGroups>(tile, n_blocks, x, next);
    } else if (n == 2) {
      multiply<Type, 2, kGroups>(tile, n_blocks, x, next);
    } else if (n == 3) {
      multiply<Type, 3, kGroups>(tile, n_blocks, x, next);
    } else if (n == 4) {
      multiply<Type, 4, kGroups>(tile, n_blocks, x, next);
    } else if (n == 5) {
      multiply<Type, 5, kGroups>(tile, n_blocks, x, next);
    } else {
      multiply<Type, 6, kGroups>(tile, n_blocks, x, next);
    }
    n_tokens -= n;
    x.row += n * x.stride;
    x.y += n * x.y_stride;
  }
}

template <class Type>
void Int8Simd::multiply(const Tile* tiles, int n_blocks, const Int8Tokens& x, std::int64_t n_tokens,
                        Upcoming& next) {
  if (x.n_rows > 16) {
    multiply_tokens<Type, 2>(tiles, n_blocks, x, n_tokens, next);
  } else {
    multiply_tokens<Type, 1>(tiles, n_blocks, x, n_tokens, next);
  }
}

}  // namespace
}  // namespace sputnik::kernels::avx512_vnni
