// How the blocks of every type are multiplied as they lie in the row, for products with few tokens:
// int8_rows.h. Vectors of 256 bits hold 32 neighbouring weights; Simd supplies the two
// multiplications that instruction sets differ in (int8_simd_*.h). Block layouts: quant_blocks.h.
//
// A type says
//   kBlock, kBlockBytes, kHasMin      as in int8_types.h
//   kScaleBytes    where in the block the half-precision d is; dmin or m are the two bytes after it
//   kSumOf         of how many activations dot() wants the sums: 16 or 32
//   kOffset        what the weights that dot() multiplies are too large by, if it is left to the
//                  caller to take that off
//   dot(block, x, ...)    adds a block's exact integers for every token
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "tensor/quant_blocks.h"

namespace sputnik::kernels {

// The activations of one block: what one row of weights after the other is multiplied with.
struct RowActivations {
  const std::uint8_t* q;     // of the first token
  const std::uint8_t* sums;  // of the sub-blocks that have a minimum or an offset, likewise
  std::int64_t stride;       // bytes to the next token's
};

[[gnu::always_inline]] static inline __m256i load32(const std::uint8_t* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
[[gnu::always_inline]] static inline __m128i load_half(const std::uint8_t* p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}
[[gnu::always_inline]] static inline __m256i low_nibbles_of(__m256i v) {
  return _mm256_and_si256(v, _mm256_set1_epi8(15));
}
[[gnu::always_inline]] static inline __m256i high_nibbles_of(__m256i v) {
  return low_nibbles_of(_mm256_srli_epi16(v, 4));
}
// Bits n .. of every byte of v, as far as mask has them. n may be negative.
template <int kShiftRight, int kMask>
[[gnu::always_inline]] static inline __m256i bits_of(__m256i v) {
  if constexpr (kShiftRight > 0) v = _mm256_srli_epi16(v, kShiftRight);
  if constexpr (kShiftRight < 0) v = _mm256_slli_epi16(v, -kShiftRight);
  return _mm256_and_si256(v, _mm256_set1_epi8(kMask));
}

// ---- 256-blocks: sum[t] += scale * (w . x) for 32 weights, in 16-bit products ----

// scales: the same scale in all sixteen 16-bit lanes, or two of them in eight each.
template <class Simd, int kTokens>
[[gnu::always_inline]] static inline void add_unsigned(__m256i w, __m256i scales, int first_weight,
                                                       const RowActivations& x,
                                                       __m256i (&sum)[kTokens]) {
#pragma GCC unroll 4
  for (int t = 0; t < kTokens; ++t) {
    const __m256i q = load32(x.q + t * x.stride + first_weight);
    sum[t] = Simd::add_products16(sum[t], _mm256_maddubs_epi16(w, q), scales);
  }
}

template <class Simd, int kTokens>
[[gnu::always_inline]] static inline void add_signed(__m256i w, __m256i scales, int first_weight,
                                                     const RowActivations& x,
                                                     __m256i (&sum)[kTokens]) {
  const __m256i magnitude = _mm256_abs_epi8(w);
#pragma GCC unroll 4
  for (int t = 0; t < kTokens; ++t) {
    const __m256i q = _mm256_sign_epi8(load32(x.q + t * x.stride + first_weight), w);
    sum[t] = Simd::add_products16(sum[t], _mm256_maddubs_epi16(magnitude, q), scales);
  }
}

// Scale s of eight 16-bit ones, which stand in both halves of v, in all lanes.
template <int s>
[[gnu::always_inline]] static inline __m256i one_scale(__m256i v) {
  return _mm256_shuffle_epi8(v, _mm256_set1_epi16((2 * s) | (2 * s + 1) << 8));
}

// From sixteen scales of eight bits: the even ones in the low half, the odd ones in the high half.
// one_scale<k>() of that are scales 2k and 2k + 1, each in the lanes of its sixteen weights.
[[gnu::always_inline]] static inline __m256i even_and_odd_scales(__m128i scales) {
  return _mm256_cvtepi8_epi16(_mm_shuffle_epi8(
      scales, _mm_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15)));
}

// sum[t] -= offset * scale[s] * (sum of q_x in s), over sixteen subs.
template <class Simd, int kOffset, int kTokens>
[[gnu::always_inline]] static inline void take_off_offset(__m128i scales, const RowActivations& x,
                                                          __m256i (&sum)[kTokens]) {
  const __m256i factors =
      _mm256_mullo_epi16(_mm256_cvtepi8_epi16(scales), _mm256_set1_epi16(-kOffset));
#pragma GCC unroll 4
  for (int t = 0; t < kTokens; ++t) {
    sum[t] = Simd::add_products16(sum[t], factors, load32(x.sums + t * x.stride));
  }
}

// The 6-bit scales and minima of Q4_K and Q5_K: eight bytes of scales, then eight of minima.
[[gnu::always_inline]] static inline __m128i six_bit_scales(const std::uint8_t* scales) {
  std::uint32_t a, b, c;
  __builtin_memcpy(&a, scales, 4);
  __builtin_memcpy(&b, scales + 4, 4);
  __builtin_memcpy(&c, scales + 8, 4);
  constexpr std::uint32_t kSix = 0x3F3F3F3F, kFour = 0x0F0F0F0F, kHigh = 0x30303030;
  const std::uint64_t low = a & kSix, high = (c & kFour) | (a >> 2 & kHigh);
  const std::uint64_t low_min = b & kSix, high_min = (c >> 4 & kFour) | (b >> 2 & kHigh);
  return _mm_set_epi64x(static_cast<long long>(low_min | high_min << 32),
                        static_cast<long long>(low | high << 32));
}

// Scales and minima of Q4_K and Q5_K, and the products of the minima.
struct SixBitScales {
  __m256i scales;  // eight of 16 bits, in both halves

  template <int kTokens>
  [[gnu::always_inline]] SixBitScales(const std::uint8_t* packed, const RowActivations& x,
                                      __m128i (&mins)[kTokens]) {
    const __m256i v = _mm256_cvtepu8_epi16(six_bit_scales(packed));
    scales = _mm256_permute2x128_si256(v, v, 0x00);
    const __m128i min = _mm256_extracti128_si256(v, 1);
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
      mins[t] = _mm_madd_epi16(min, load_half(x.sums + t * x.stride));
    }
  }
};

template <class Simd>
struct RowsOfQ4_K {
  static constexpr int kBlock = 256, kBlockBytes = sizeof(BlockQ4_K), kScaleBytes = 0;
  static constexpr int kSumOf = 32, kOffset = 0;
  static constexpr bool kHasMin = true;

  template <int kTokens>
  [[gnu::always_inline]] static inline void dot(const std::uint8_t* block, const RowActivations& x,
                                                __m256i (&sum)[kTokens], __m128i (&mins)[kTokens]) {
    const SixBitScales s(block + offsetof(BlockQ4_K, scales), x, mins);
    const std::uint8_t* const qs = block + offsetof(BlockQ4_K, qs);
    pair<0, kTokens>(load32(qs), s.scales, x, sum);
    pair<2, kTokens>(load32(qs + 32), s.scales, x, sum);
    pair<4, kTokens>(load32(qs + 64), s.scales, x, sum);
    pair<6, kTokens>(load32(qs + 96), s.scales, x, sum);
  }

  template <int s, int kTokens>
  [[gnu::always_inline]] static inline void pair(__m256i qs, __m256i scales,
                                                 const RowActivations& x, __m256i (&sum)[kTokens]) {
    add_unsigned<Simd>(low_nibbles_of(qs), one_scale<s>(scales), 32 * s, x, sum);
    add_unsigned<Simd>(high_nibbles_of(qs), one_scale<s + 1>(scales), 32 * s + 32, x, sum);
  }
};

template <class Simd>
struct RowsOfQ5_K {
  static constexpr int kBlock = 256, kBlockBytes = sizeof(BlockQ5_K), kScaleBytes = 0;
  static constexpr int kSumOf = 32, kOffset = 0;
  static constexpr bool kHasMin = true;

  template <int kTokens>
  [[gnu::always_inline]] static inline void dot(const std::uint8_t* block, const RowActivations& x,
                                                __m256i (&sum)[kTokens], __m128i (&mins)[kTokens]) {
    const SixBitScales s(block + offsetof(BlockQ5_K, scales), x, mins);
    const std::uint8_t* const qs = block + offsetof(BlockQ5_K, qs);
    const __m256i qh = load32(block + offsetof(BlockQ5_K, qh));
    pair<0, kTokens>(load32(qs), qh, s.scales, x, sum);
    pair<2, kTokens>(load32(qs + 32), qh, s.scales, x, sum);
    pair<4, kTokens>(load32(qs + 64), qh, s.scales, x, sum);
    pair<6, kTokens>(load32(qs + 96), qh, s.scales, x, sum);
  }

  template <int s, int kTokens>
  [[gnu::always_inline]] static inline void pair(__m256i qs, __m256i qh, __m256i scales,
                                                 const RowActivations& x, __m256i (&sum)[kTokens]) {
    const __m256i low = _mm256_or_si256(low_nibbles_of(qs), bits_of<s - 4, 16>(qh));
    const __m256i high = _mm256_or_si256(high_nibbles_of(qs), bits_of<s - 3, 16>(qh));
    add_unsigned<Simd>(low, one_scale<s>(scales), 32 * s, x, sum);
    add_unsigned<Simd>(high, one_scale<s + 1>(scales), 32 * s + 32, x, sum);
  }
};

template <class Simd>
struct RowsOfQ6_K {
  static constexpr int kBlock = 256, kBlockBytes = sizeof(BlockQ6_K);
  static constexpr int kScaleBytes = offsetof(BlockQ6_K, d);
  static constexpr int kSumOf = 16, kOffset = 0;
  static constexpr bool kHasMin = false;

  template <int kTokens>
  [[gnu::always_inline]] static inline void dot(const std::uint8_t* block, const RowActivations& x,
                                                __m256i (&sum)[kTokens], __m128i (&)[kTokens]) {
    const __m128i scales = load_half(block + offsetof(BlockQ6_K, scales));
    const __m256i s = even_and_odd_scales(scales);
    half<0, kTokens>(block, s, x, sum);
    half<1, kTokens>(block, s, x, sum);
    take_off_offset<Simd, 32>(scales, x, sum);
  }

  template <int h, int kTokens>
  [[gnu::always_inline]] static inline void half(const std::uint8_t* block, __m256i scales,
                                                 const RowActivations& x, __m256i (&sum)[kTokens]) {
    const __m256i a = load32(block + 64 * h), b = load32(block + 64 * h + 32);
    const __m256i qh = load32(block + offsetof(BlockQ6_K, qh) + 32 * h);
    const __m256i w0 = _mm256_or_si256(low_nibbles_of(a), bits_of<-4, 0x30>(qh));
    const __m256i w1 = _mm256_or_si256(low_nibbles_of(b), bits_of<-2, 0x30>(qh));
    const __m256i w2 = _mm256_or_si256(high_nibbles_of(a), bits_of<0, 0x30>(qh));
    const __m256i w3 = _mm256_or_si256(high_nibbles_of(b), bits_of<2, 0x30>(qh));
    add_unsigned<Simd>(w0, one_scale<4 * h>(scales), 128 * h, x, sum);
    add_unsigned<Simd>(w1, one_scale<4 * h + 1>(scales), 128 * h + 32, x, sum);
    add_unsigned<Simd>(w2, one_scale<4 * h + 2>(scales), 128 * h + 64, x, sum);
    add_unsigned<Simd>(w3, one_scale<4 * h + 3>(scales), 128 * h + 96, x, sum);
  }
};

template <class Simd>
struct RowsOfQ2_K {
  static constexpr int kBlock = 256, kBlockBytes = sizeof(BlockQ2_K);
  static constexpr int kScaleBytes = offsetof(BlockQ2_K, d);
  static constexpr int kSumOf = 16, kOffset = 0;
  static constexpr bool kHasMin = true;

  template <int kTokens>
  [[gnu::always_inline]] static inline void dot(const std::uint8_t* block, const RowActivations& x,
                                                __m256i (&sum)[kTokens], __m128i (&mins)[kTokens]) {
    const __m128i packed = load_half(block), fifteen = _mm_set1_epi8(15);
    const __m256i s = even_and_odd_scales(_mm_and_si128(packed, fifteen));
    const __m256i min = _mm256_cvtepu8_epi16(_mm_and_si128(_mm_srli_epi16(packed, 4), fifteen));
    half<0, kTokens>(block, s, x, sum);
    half<1, kTokens>(block, s, x, sum);
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
      const __m256i products = _mm256_madd_epi16(min, load32(x.sums + t * x.stride));
      mins[t] =
          _mm_add_epi32(_mm256_castsi256_si128(products), _mm256_extracti128_si256(products, 1));
    }
  }

  template <int h, int kTokens>
  [[gnu::always_inline]] static inline void half(const std::uint8_t* block, __m256i scales,
                                                 const RowActivations& x, __m256i (&sum)[kTokens]) {
    const __m256i qs = load32(block + offsetof(BlockQ2_K, qs) + 32 * h);
    add_unsigned<Simd>(bits_of<0, 3>(qs), one_scale<4 * h>(scales), 128 * h, x, sum);
    add_unsigned<Simd>(bits_of<2, 3>(qs), one_scale<4 * h + 1>(scales), 128 * h + 32, x, sum);
    add_unsigned<Simd>(bits_of<4, 3>(qs), one_scale<4 * h + 2>(scales), 128 * h + 64, x, sum);
    add_unsigned<Simd>(bits_of<6, 3>(qs), one_scale<4 * h + 3>(scales), 128 * h + 96, x, sum);
  }
};

template <class Simd>
struct RowsOfQ3_K {
  static constexpr int kBlock = 256, kBlockBytes = sizeof(BlockQ3_K);
  static constexpr int kScaleBytes = offsetof(BlockQ3_K, d);
  static constexpr int kSumOf = 16, kOffset = 0;
  static constexpr bool kHasMin = false;

  template <int kTokens>
  [[gnu::always_inline]] static inline void dot(const std::uint8_t* block, const RowActivations& x,
                                                __m256i (&sum)[kTokens], __m128i (&)[kTokens]) {
    const __m128i scales = six_bit_signed(block + offsetof(BlockQ3_K, scales));
    const __m256i s = even_and_odd_scales(scales);
    const __m256i hmask = load32(block);
    half<0, kTokens>(block, hmask, s, x, sum);
    half<1, kTokens>(block, hmask, s, x, sum);
    take_off_offset<Simd, 4>(scales, x, sum);
  }

  [[gnu::always_inline]] static inline __m128i six_bit_signed(const std::uint8_t* scales) {
    std::uint32_t a, b, c;
    __builtin_memcpy(&a, scales, 4);
    __builtin_memcpy(&b, scales + 4, 4);
    __builtin_memcpy(&c, scales + 8, 4);
    constexpr std::uint32_t kFour = 0x0F0F0F0F, kHigh = 0x30303030;
    const auto dword = [](std::uint32_t v) { return static_cast<int>(v); };
    const __m128i unsigned_scales = _mm_setr_epi32(
        dword((a & kFour) | (c << 4 & kHigh)), dword((b & kFour) | (c << 2 & kHigh)),
        dword((a >> 4 & kFour) | (c & kHigh)), dword((b >> 4 & kFour) | (c >> 2 & kHigh)));
    return _mm_sub_epi8(unsigned_scales, _mm_set1_epi8(32));
  }

  template <int h, int kTokens>
  [[gnu::always_inline]] static inline void half(const std::uint8_t* block, __m256i hmask,
                                                 __m256i scales, const RowActivations& x,
                                                 __m256i (&sum)[kTokens]) {
    const __m256i qs = load32(block + offsetof(BlockQ3_K, qs) + 32 * h);
    const __m256i w0 = _mm256_or_si256(bits_of<0, 3>(qs), bits_of<4 * h - 2, 4>(hmask));
    const __m256i w1 = _mm256_or_si256(bits_of<2, 3>(qs), bits_of<4 * h - 1, 4>(hmask));
    const __m256i w2 = _mm256_or_si256(bits_of<4, 3>(qs), bits_of<4 * h, 4>(hmask));
    const __m256i w3 = _mm256_or_si256(bits_of<6, 3>(qs), bits_of<4 * h + 1, 4>(hmask));
    add_unsigned<Simd>(w0, one_scale<4 * h>(scales), 128 * h, x, sum);
    add_unsigned<Simd>(w1, one_scale<4 * h + 1>(scales), 128 * h + 32, x, sum);
    add_unsigned<Simd>(w2, one_scale<4 * h + 2>(scales), 128 * h + 64, x, sum);
    add_unsigned<Simd>(w3, one_scale<4 * h + 3>(scales), 128 * h + 96, x, sum);
  }
};

// 16 bytes of indices as 32 levels: the low nibbles first.
[[gnu::always_inline]] static inline __m256i nibble_halves(const std::uint8_t* qs) {
  const __m128i v = load_half(qs);
  return low_nibbles_of(
      _mm256_inserti128_si256(_mm256_castsi128_si256(v), _mm_srli_epi16(v, 4), 1));
}
[[gnu::always_inline]] static inline __m256i iq4_levels(const std::uint8_t* qs) {
  const __m256i table =
      _mm256_broadcastsi128_si256(load_half(reinterpret_cast<const std::uint8_t*>(kIq4Values)));
  return _mm256_shuffle_epi8(table, nibble_halves(qs));
}

template <class Simd>
struct RowsOfIQ4_XS {
  static constexpr int kBlock = 256, kBlockBytes = sizeof(BlockIQ4_XS), kScaleBytes = 0;
  static constexpr int kSumOf = 32, kOffset = 0;
  static constexpr bool kHasMin = false;

  template <int kTokens>
  [[gnu::always_inline]] static inline void dot(const std::uint8_t* block, const RowActivations& x,
                                                __m256i (&sum)[kTokens], __m128i (&)[kTokens]) {
    std::uint16_t high;
    std::uint32_t low;
    __builtin_memcpy(&high, block + offsetof(BlockIQ4_XS, scales_h), 2);
    __builtin_memcpy(&low, block + offsetof(BlockIQ4_XS, scales_l), 4);
#pragma GCC unroll 8
    for (int s = 0; s < 8; ++s) {
      const int scale = static_cast<int>((low >> 4 * s & 15) | (high >> 2 * s & 3) << 4) - 32;
      add_signed<Simd>(iq4_levels(block + offsetof(BlockIQ4_XS, qs) + 16 * s),
                       _mm256_set1_epi16(static_cast<short>(scale)), 32 * s, x, sum);
    }
  }
};

// ---- 32-blocks: sum[t] = w . x, in 32-bit products ----

// A type whose weights() are bytes without sign.
template <class Simd, class Type, int kOffsetOfWeights>
struct RowsOfUnsigned {
  static constexpr int kBlock = 32, kSumOf = 16, kScaleBytes = 0, kOffset = kOffsetOfWeights;

  template <int kTokens>
  [[gnu::always_inline]] static inline void dot(const std::uint8_t* block, const RowActivations& x,
                                                __m256i (&sum)[kTokens], __m128i (&)[kTokens]) {
    const __m256i w = Type::weights(block);
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
      sum[t] = Simd::add_products8(sum[t], w, load32(x.q + t * x.stride));
    }
  }
};

template <class Simd, class Type>
struct RowsOfSigned {
  static constexpr int kBlock = 32, kSumOf = 16, kScaleBytes = 0, kOffset = 0;

  template <int kTokens>
  [[gnu::always_inline]] static inline void dot(const std::uint8_t* block, const RowActivations& x,
                                                __m256i (&sum)[kTokens], __m128i (&)[kTokens]) {
    const __m256i w = Type::weights(block), magnitude = _mm256_abs_epi8(w);
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
      const __m256i q = _mm256_sign_epi8(load32(x.q + t * x.stride), w);
      sum[t] = Simd::add_products8(sum[t], magnitude, q);
    }
  }
};

// The 32 bits of qh as bit 4 of 32 bytes.
[[gnu::always_inline]] static inline __m256i fifth_bits_of(const std::uint8_t* qh) {
  int bits;
  __builtin_memcpy(&bits, qh, 4);
  const __m256i bytes = _mm256_shuffle_epi8(
      _mm256_set1_epi32(bits),
      _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303));
  const __m256i bit = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201));
  const __m256i is_set = _mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit), bit);
  return _mm256_and_si256(is_set, _mm256_set1_epi8(16));
}

template <class Simd>
struct RowsOfQ4_0 : RowsOfUnsigned<Simd, RowsOfQ4_0<Simd>, 8> {
  static constexpr int kBlockBytes = sizeof(BlockQ4_0);
  static constexpr bool kHasMin = false;
  [[gnu::always_inline]] static inline __m256i weights(const std::uint8_t* block) {
    return nibble_halves(block + offsetof(BlockQ4_0, qs));
  }
};

template <class Simd>
struct RowsOfQ4_1 : RowsOfUnsigned<Simd, RowsOfQ4_1<Simd>, 0> {
  static constexpr int kBlockBytes = sizeof(BlockQ4_1);
  static constexpr bool kHasMin = true;
  [[gnu::always_inline]] static inline __m256i weights(const std::uint8_t* block) {
    return nibble_halves(block + offsetof(BlockQ4_1, qs));
  }
};

template <class Simd>
struct RowsOfQ5_0 : RowsOfUnsigned<Simd, RowsOfQ5_0<Simd>, 16> {
  static constexpr int kBlockBytes = sizeof(BlockQ5_0);
  static constexpr bool kHasMin = false;
  [[gnu::always_inline]] static inline __m256i weights(const std::uint8_t* block) {
    return _mm256_or_si256(nibble_halves(block + offsetof(BlockQ5_0, qs)),
                           fifth_bits_of(block + offsetof(BlockQ5_0, qh)));
  }
};

template <class Simd>
struct RowsOfQ5_1 : RowsOfUnsigned<Simd, RowsOfQ5_1<Simd>, 0> {
  static constexpr int kBlockBytes = sizeof(BlockQ5_1);
  static constexpr bool kHasMin = true;
  [[gnu::always_inline]] static inline __m256i weights(const std::uint8_t* block) {
    return _mm256_or_si256(nibble_halves(block + offsetof(BlockQ5_1, qs)),
                           fifth_bits_of(block + offsetof(BlockQ5_1, qh)));
  }
};

template <class Simd>
struct RowsOfQ8_0 : RowsOfSigned<Simd, RowsOfQ8_0<Simd>> {
  static constexpr int kBlockBytes = sizeof(BlockQ8_0);
  static constexpr bool kHasMin = false;
  [[gnu::always_inline]] static inline __m256i weights(const std::uint8_t* block) {
    return load32(block + offsetof(BlockQ8_0, qs));
  }
};

template <class Simd>
struct RowsOfIQ4_NL : RowsOfSigned<Simd, RowsOfIQ4_NL<Simd>> {
  static constexpr int kBlockBytes = sizeof(BlockIQ4_NL);
  static constexpr bool kHasMin = false;
  [[gnu::always_inline]] static inline __m256i weights(const std::uint8_t* block) {
    return iq4_levels(block + offsetof(BlockIQ4_NL, qs));
  }
};

}  // namespace sputnik::kernels
