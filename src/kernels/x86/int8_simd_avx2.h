// The int8 product with AVX2: 8 rows in the lanes of a vector.
// Included only by files named *_avx2.cpp; everything is local to the file that includes it, so
// that no copy compiled with AVX2 can reach other machines.
//
// Without VNNI, vpmaddubsw multiplies unsigned with signed bytes and adds two products with
// saturation at 16 bits. Weights up to 63 times activations up to 127 are far from that, and
// several such sums fit before they have to be widened. Weights of eight bits would saturate: they
// keep their signs in the tile, and for the product these are moved to the activations.
#pragma once

#include <immintrin.h>

#include "kernels/x86/int8_matmul.h"

namespace sputnik::kernels::avx2 {
namespace {

struct Int8Simd {
  static constexpr int kLanes = 8;
  using Ints = __m256i;
  using Floats = __m256;

  [[gnu::always_inline]] static inline Ints bytes(int value) {
    return _mm256_set1_epi8(static_cast<char>(value));
  }
  [[gnu::always_inline]] static inline Ints dwords(int value) { return _mm256_set1_epi32(value); }
  [[gnu::always_inline]] static inline Ints bit_and(Ints a, Ints b) {
    return _mm256_and_si256(a, b);
  }
  [[gnu::always_inline]] static inline Ints bit_or(Ints a, Ints b) { return _mm256_or_si256(a, b); }
  // (a & mask) | b
  [[gnu::always_inline]] static inline Ints masked_or(Ints a, int mask, Ints b) {
    return bit_or(bit_and(a, bytes(mask)), b);
  }
  [[gnu::always_inline]] static inline Ints shift_left16(Ints v, int n) {
    return _mm256_slli_epi16(v, n);
  }
  [[gnu::always_inline]] static inline Ints shift_right16(Ints v, int n) {
    return _mm256_srli_epi16(v, n);
  }
  [[gnu::always_inline]] static inline Ints shift_left32(Ints v, int n) {
    return _mm256_slli_epi32(v, n);
  }
  [[gnu::always_inline]] static inline Ints shift_right32(Ints v, int n) {
    return _mm256_srli_epi32(v, n);
  }
  [[gnu::always_inline]] static inline Ints shift_right_signed32(Ints v, int n) {
    return _mm256_srai_epi32(v, n);
  }
  [[gnu::always_inline]] static inline Ints sub8(Ints a, Ints b) { return _mm256_sub_epi8(a, b); }
  [[gnu::always_inline]] static inline Ints sub32(Ints a, Ints b) { return _mm256_sub_epi32(a, b); }
  [[gnu::always_inline]] static inline Floats low_halves(Ints v) {
    const Ints low = bit_and(v, dwords(0xFFFF));
    return _mm256_cvtph_ps(
        _mm_packus_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1)));
  }
  [[gnu::always_inline]] static inline void store(void* p, Ints v) {
    _mm256_store_si256(static_cast<__m256i*>(p), v);
  }
  [[gnu::always_inline]] static inline void store(float* p, Floats v) { _mm256_store_ps(p, v); }

  [[gnu::always_inline]] static inline Ints broadcast16(const std::int8_t* p) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  // Byte indices[i] % 16 of the 128-bit lane of v, for every byte i.
  [[gnu::always_inline]] static inline Ints shuffle(Ints v, Ints indices) {
    return _mm256_shuffle_epi8(v, indices);
  }
  // Signed weights as they stand in the tile: as they are (dot_signed).
  [[gnu::always_inline]] static inline Ints from_signed(Ints w) { return w; }

  // Bytes 0 and 1 of every dword as a pair of 16-bit integers.
  [[gnu::always_inline]] static inline Ints low_byte_pair(Ints v) {
    return _mm256_shuffle_epi8(v, _mm256_broadcastsi128_si256(_mm_setr_epi8(
                                      0, -1, 1, -1, 4, -1, 5, -1, 8, -1, 9, -1, 12, -1, 13, -1)));
  }

  // Bits 4i .. 4i + 3 of every dword as bit 4 of its four bytes; the other bits are anything.
  [[gnu::always_inline]] static inline Ints fifth_bits(Ints qh, int i) {
    const Ints nibble = bit_and(shift_right32(qh, 4 * i), dwords(15));
    const Ints copies =
        _mm256_shuffle_epi8(nibble, _mm256_broadcastsi128_si256(_mm_setr_epi8(
                                        0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12)));
    const Ints bit_of_byte = dwords(0x08040201);
    return _mm256_cmpeq_epi8(bit_and(copies, bit_of_byte), bit_of_byte);
  }

  // 16 bytes of each of 8 rows. The rows are loaded straight into the 128-bit lane where they
  // belong; what is left is to transpose 4x4 dwords in every lane.
  [[gnu::always_inline]] static inline Columns<Int8Simd> load_columns(const std::uint8_t* rows,
                                                                      std::int64_t stride) {
    Ints v[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const std::uint8_t* const p = rows + i * stride;
      v[i] = _mm256_inserti128_si256(_mm256_castsi128_si256(load16(p)), load16(p + 4 * stride), 1);
    }
    const Ints low01 = _mm256_unpacklo_epi32(v[0], v[1]);
    const Ints high01 = _mm256_unpackhi_epi32(v[0], v[1]);
    const Ints low23 = _mm256_unpacklo_epi32(v[2], v[3]);
    const Ints high23 = _mm256_unpackhi_epi32(v[2], v[3]);
    return {{_mm256_unpacklo_epi64(low01, low23), _mm256_unpackhi_epi64(low01, low23),
             _mm256_unpacklo_epi64(high01, high23), _mm256_unpackhi_epi64(high01, high23)}};
  }
  [[gnu::always_inline]] static inline __m128i load16(const std::uint8_t* p) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  }

  // For few tokens: int8_rows.h. acc + pairs of products of 16-bit integers.
  static constexpr int kMostRowTokens = 4;
  [[gnu::always_inline]] static inline __m256i add_products16(__m256i acc, __m256i a, __m256i b) {
    return _mm256_add_epi32(acc, _mm256_madd_epi16(a, b));
  }
  // acc + fours of products of bytes without sign and bytes with one. Two products fit 16 bits.
  [[gnu::always_inline]] static inline __m256i add_products8(__m256i acc, __m256i w, __m256i q) {
    return add_products16(acc, _mm256_maddubs_epi16(w, q), _mm256_set1_epi16(1));
  }

  template <class Type>
  static void multiply(const Int8Tile<8>* tiles, int n_blocks, const Int8Tokens& x,
                       std::int64_t n_tokens, Upcoming& next);
};

using Tile = Int8Tile<8>;

[[gnu::always_inline]] inline __m256i broadcast4(const std::uint8_t* p) {
  std::int32_t bytes;
  __builtin_memcpy(&bytes, p, 4);
  return _mm256_set1_epi32(bytes);
}

[[gnu::always_inline]] inline __m256i broadcast2(const std::uint8_t* p) {
  std::int16_t word;
  __builtin_memcpy(&word, p, 2);
  return _mm256_set1_epi16(word);
}

[[gnu::always_inline]] inline __m256 broadcast_float(const std::uint8_t* p) {
  float value;
  __builtin_memcpy(&value, p, 4);
  return _mm256_set1_ps(value);
}

[[gnu::always_inline]] inline __m256i load(const void* p) {
  return _mm256_load_si256(static_cast<const __m256i*>(p));
}

template <int kTokens>
struct Dots {
  __m256i v[kTokens];
};

// The integer dot products of one sub of signed weights: |w| * (x with the sign of w).
template <int kSub, int kTokens>
[[gnu::always_inline]] inline Dots<kTokens> dot_signed(const Tile& tile, int sub,
                                                       const std::uint8_t* x, std::int64_t stride) {
  Dots<kTokens> dots;
#pragma GCC unroll 4
  for (int t = 0; t < kTokens; ++t) dots.v[t] = _mm256_setzero_si256();
#pragma GCC unroll 8
  for (int k = 0; k < kSub / 4; ++k) {
    const __m256i w = load(tile.w[sub * (kSub / 4) + k]), magnitude = _mm256_abs_epi8(w);
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
      const __m256i q = _mm256_sign_epi8(broadcast4(x + t * stride + 4 * k), w);
      const __m256i pairs = _mm256_maddubs_epi16(magnitude, q);
      dots.v[t] = _mm256_add_epi32(dots.v[t], _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
    }
  }
  return dots;
}

// The same of weights without sign, less kOffset * sum of x. Up to kInWord sums of pairs are added
// in 16 bits. sums: of 16 activations each.
template <class Type, int kInWord, int kTokens>
[[gnu::always_inline]] inline Dots<kTokens> dot_unsigned(const Tile& tile, int sub,
                                                         const std::uint8_t* x,
                                                         const std::uint8_t* sums,
                                                         std::int64_t stride) {
  constexpr int kColumns4 = Type::kSub / 4;
  Dots<kTokens> dots;
#pragma GCC unroll 4
  for (int t = 0; t < kTokens; ++t) {
    dots.v[t] = _mm256_setzero_si256();
    if constexpr (Type::kOffset != 0) {
      constexpr int kLow = -Type::kOffset & 0xFFFF;
      constexpr int kPair = Type::kSub == 32 ? kLow | -Type::kOffset * 65536 : kLow;
      const std::uint8_t* const p = sums + t * stride;
      const __m256i s = Type::kSub == 32 ? broadcast4(p) : broadcast2(p);
      dots.v[t] = _mm256_madd_epi16(s, _mm256_set1_epi32(kPair));
    }
  }
#pragma GCC unroll 8
  for (int k = 0; k < kColumns4; k += kInWord) {
    __m256i words[kTokens];
#pragma GCC unroll 8
    for (int i = k; i < k + kInWord; ++i) {
      const __m256i w = load(tile.w[sub * kColumns4 + i]);
#pragma GCC unroll 4
      for (int t = 0; t < kTokens; ++t) {
        const __m256i pairs = _mm256_maddubs_epi16(w, broadcast4(x + t * stride + 4 * i));
        words[t] = i == k ? pairs : _mm256_add_epi16(words[t], pairs);
      }
    }
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
      dots.v[t] = _mm256_add_epi32(dots.v[t], _mm256_madd_epi16(words[t], _mm256_set1_epi16(1)));
    }
  }
  return dots;
}

template <class Type, int kTokens>
[[gnu::always_inline]] inline Dots<kTokens> dot_sub(const Tile& tile, int sub,
                                                    const std::uint8_t* x, const std::uint8_t* sums,
                                                    std::int64_t stride) {
  constexpr int kFit = 32767 / (2 * 127 * Type::kLargest);
  constexpr int kColumns4 = Type::kSub / 4;
  if constexpr (kFit == 0) {
    return dot_signed<Type::kSub, kTokens>(tile, sub, x, stride);
  } else {
    constexpr int kPowerOf2 = kFit >= 8 ? 8 : kFit >= 4 ? 4 : kFit >= 2 ? 2 : 1;
    constexpr int kInWord = kPowerOf2 < kColumns4 ? kPowerOf2 : kColumns4;
    return dot_unsigned<Type, kInWord, kTokens>(tile, sub, x, sums, stride);
  }
}

// Results of the group of 8 rows that begins at row first of the tile.
template <int kTokens>
[[gnu::always_inline]] inline void load_results(const Int8Tokens& x, int first, bool add,
                                                __m256 (&acc)[kTokens]) {
  const __m256i lanes = _mm256_cmpgt_epi32(_mm256_set1_epi32(x.n_rows - first),
                                           _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
#pragma GCC unroll 4
  for (int t = 0; t < kTokens; ++t) {
    acc[t] = add ? _mm256_maskload_ps(x.y + t * x.y_stride + first, lanes) : _mm256_setzero_ps();
  }
}

template <int kTokens>
[[gnu::always_inline]] inline void store_results(const Int8Tokens& x, int first,
                                                 const __m256 (&acc)[kTokens]) {
  const __m256i lanes = _mm256_cmpgt_epi32(_mm256_set1_epi32(x.n_rows - first),
                                           _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
#pragma GCC unroll 4
  for (int t = 0; t < kTokens; ++t) {
    _mm256_maskstore_ps(x.y + t * x.y_stride + first, lanes, acc[t]);
  }
}

template <class Type, int kTokens>
void multiply_32(const Tile& tile, int first, int n_blocks, const Int8Tokens& x, Upcoming& next) {
  __m256 acc[kTokens];
  load_results<kTokens>(x, first, x.add, acc);
  const std::uint8_t* q = x.row + x.layout.q + x.first_col;
  const std::uint8_t* sums = x.row + x.layout.sums16 + x.first_col / 16 * 2;
  const std::uint8_t* d = x.row + x.first_col / 32 * 4;
  for (int b = 0; b < n_blocks; ++b, q += 32, sums += 4, d += 4) {
    next.prefetch();
    const auto dots = dot_sub<Type, kTokens>(tile, b, q, sums, x.stride);
    const __m256 d_w = _mm256_load_ps(tile.d[b]);
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
      const __m256 scale = _mm256_mul_ps(d_w, broadcast_float(d + t * x.stride));
      acc[t] = _mm256_fmadd_ps(scale, _mm256_cvtepi32_ps(dots.v[t]), acc[t]);
      if constexpr (Type::kHasMin) {
        acc[t] = _mm256_fmadd_ps(_mm256_load_ps(tile.m[b]),
                                 broadcast_float(d + t * x.stride + x.layout.ds), acc[t]);
      }
    }
  }
  store_results<kTokens>(x, first, acc);
}

// acc -= dmin_w * d_x * (sum over s of min_s * (sum of q_x in s)) for block b of the tile.
// d: the first token's d of the block.
template <class Type, int kTokens>
[[gnu::always_inline]] inline void add_minima(const Tile& tile, int b, const Int8Tokens& x,
                                              const std::uint8_t* d, __m256 (&acc)[kTokens]) {
  constexpr int kPairs = 256 / Type::kSub / 2;
  const std::uint8_t* const sums = x.row + (Type::kSub == 32 ? x.layout.sums32 : x.layout.sums16) +
                                   (x.first_col + 256 * b) / Type::kSub * 2;
  __m256i mins[kTokens];
#pragma GCC unroll 4
  for (int t = 0; t < kTokens; ++t) mins[t] = _mm256_setzero_si256();
#pragma GCC unroll 8
  for (int p = 0; p < kPairs; ++p) {
    const __m256i m = load(tile.min_pairs[b * kPairs + p]);
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
      mins[t] =
          _mm256_add_epi32(mins[t], _mm256_madd_epi16(m, broadcast4(sums + t * x.stride + 4 * p)));
    }
  }
#pragma GCC unroll 4
  for (int t = 0; t < kTokens; ++t) {
    const __m256 m = _mm256_mul_ps(_mm256_load_ps(tile.m[b]), broadcast_float(d + t * x.stride));
    acc[t] = _mm256_fnmadd_ps(m, _mm256_cvtepi32_ps(mins[t]), acc[t]);
  }
}

template <class Type, int kTokens>
void multiply_256(const Tile& tile, int first, int n_blocks, const Int8Tokens& x, Upcoming& next) {
  constexpr int kSubs = 256 / Type::kSub;
  const std::uint8_t* q = x.row + x.layout.q + x.first_col;
  const std::uint8_t* sums = x.row + x.layout.sums16 + x.first_col / 16 * 2;
  for (int b = 0; b < n_blocks; ++b) {
    __m256i sum[kTokens];
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) sum[t] = _mm256_setzero_si256();
    for (int s = b * kSubs; s < (b + 1) * kSubs; ++s) {
      next.prefetch();
      const auto dots = dot_sub<Type, kTokens>(tile, s, q, sums, x.stride);
      q += Type::kSub;
      sums += Type::kSub / 16 * 2;
      const __m256i scale = load(tile.scale[s]);
#pragma GCC unroll 4
      for (int t = 0; t < kTokens; ++t) {
        sum[t] = _mm256_add_epi32(sum[t], _mm256_mullo_epi32(scale, dots.v[t]));
      }
    }

    __m256 acc[kTokens];
    load_results<kTokens>(x, first, x.add || b > 0, acc);
    const std::uint8_t* const d = x.row + (x.first_col / 256 + b) * 4;
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
      const __m256 scale =
          _mm256_mul_ps(_mm256_load_ps(tile.d[b]), broadcast_float(d + t * x.stride));
      acc[t] = _mm256_fmadd_ps(scale, _mm256_cvtepi32_ps(sum[t]), acc[t]);
    }
    if constexpr (Type::kHasMin) add_minima<Type, kTokens>(tile, b, x, d, acc);
    store_results<kTokens>(x, first, acc);
  }
}

template <class Type, int kTokens>
[[gnu::always_inline]] inline void multiply_groups(const Tile* tiles, int n_blocks,
                                                   const Int8Tokens& x, Upcoming& next) {
  for (int first = 0; first < x.n_rows; first += 8) {
    if constexpr (Type::kBlock == 32) {
      multiply_32<Type, kTokens>(tiles[first / 8], first, n_blocks, x, next);
    } else {
      multiply_256<Type, kTokens>(tiles[first / 8], first, n_blocks, x, next);
    }
  }
}

// All tokens, as evenly as possible in steps of at most 4: their sums of 16 and 32 bits and floats
// fill 12 registers.
template <class Type>
void Int8Simd::multiply(const Tile* tiles, int n_blocks, const Int8Tokens& x, std::int64_t n_tokens,
                        Upcoming& next) {
  Int8Tokens rest = x;
  const std::int64_t n_groups = (x.n_rows + 7) / 8;
  next.spread_over((n_tokens + 3) / 4 * n_groups * n_blocks * (Type::kBlock / Type::kSub));
  while (n_tokens > 0) {
    const std::int64_t n_steps = (n_tokens + 3) / 4;
    const std::int64_t n = (n_tokens + n_steps - 1) / n_steps;
    if (n == 1) {
      multiply_groups<Type, 1>(tiles, n_blocks, rest, next);
    } else if (n == 2) {
      multiply_groups<Type, 2>(tiles, n_blocks, rest, next);
    } else if (n == 3) {
      multiply_groups<Type, 3>(tiles, n_blocks, rest, next);
    } else {
      multiply_groups<Type, 4>(tiles, n_blocks, rest, next);
    }
    n_tokens -= n;
    rest.row += n * rest.stride;
    rest.y += n * rest.y_stride;
  }
}

}  // namespace
}  // namespace sputnik::kernels::avx2
