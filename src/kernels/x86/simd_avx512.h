// AVX-512 as struct Simd. Included by simd.h alone.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace sputnik::kernels {
namespace {

struct Simd {
  using Vec = __m512;
  static constexpr int kLanes = 16;
  static constexpr int kRegisters = 32;

  static Vec zero() { return _mm512_setzero_ps(); }
  static Vec set1(float x) { return _mm512_set1_ps(x); }
  static Vec load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, Vec x) { _mm512_storeu_ps(p, x); }
  static Vec add(Vec a, Vec b) { return _mm512_add_ps(a, b); }
  static Vec sub(Vec a, Vec b) { return _mm512_sub_ps(a, b); }
  static Vec mul(Vec a, Vec b) { return _mm512_mul_ps(a, b); }
  static Vec div(Vec a, Vec b) { return _mm512_div_ps(a, b); }
  static Vec fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }           // a*b + c
  static Vec fma_negated(Vec a, Vec b, Vec c) { return _mm512_fnmadd_ps(a, b, c); }  // c - a*b
  // If one is NaN, the result is b.
  static Vec max(Vec a, Vec b) { return _mm512_max_ps(a, b); }
  static Vec min(Vec a, Vec b) { return _mm512_min_ps(a, b); }
  static Vec round(Vec x) {
    return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  // x * 2^n for integral n in [-160, 160], rounded once.
  static Vec scale_by_power(Vec x, Vec n) { return _mm512_scalef_ps(x, n); }

  // The first n lanes of x, the others replaced by fill.
  static Vec keep_first(Vec x, std::int64_t n, Vec fill) {
    return _mm512_mask_mov_ps(fill, static_cast<__mmask16>((1u << n) - 1), x);
  }

  // (a, b, a, b, ...) -> (b, a, b, a, ...)
  static Vec swap_pairs(Vec x) { return _mm512_permute_ps(x, 0xB1); }
  // kLanes / 2 floats, each twice.
  static Vec load_twice(const float* p) {
    const __m512i pattern = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
    return _mm512_permutexvar_ps(pattern, _mm512_castps256_ps512(_mm256_loadu_ps(p)));
  }
  // a*b - c in even lanes, a*b + c in odd ones.
  static Vec fma_add_sub(Vec a, Vec b, Vec c) { return _mm512_fmaddsub_ps(a, b, c); }

  static Vec load_int8(const std::int8_t* p) {
    return _mm512_cvtepi32_ps(
        _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
  }
  static Vec load_half(const std::uint16_t* p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static void store_half(std::uint16_t* p, Vec x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                        _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  }
  static Vec load_bfloat16(const std::uint16_t* p) {
    const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
  }
  // Rounded to nearest even. The instruction makes zeros of subnormal numbers.
  static void store_bfloat16(std::uint16_t* p, Vec x) {
#if defined(__AVX512BF16__)
    const __m512bh both = _mm512_cvtne2ps_pbh(zero(), x);
    __m512i words;
    static_assert(sizeof(words) == sizeof(both));
    __builtin_memcpy(&words, &both, sizeof(words));
    const __m256i halves = _mm512_castsi512_si256(words);
#else
    const __m512i bits = _mm512_castps_si512(x), upper = _mm512_srli_epi32(bits, 16);
    const __m512i to_even = _mm512_and_si512(upper, _mm512_set1_epi32(1));
    const __m512i bias = _mm512_add_epi32(to_even, _mm512_set1_epi32(0x7FFF));
    const __m512i rounded = _mm512_srli_epi32(_mm512_add_epi32(bits, bias), 16);
    const __m512i nan = _mm512_or_si512(upper, _mm512_set1_epi32(0x40));
    const __mmask16 is_nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
    const __m256i halves = _mm512_cvtepi32_epi16(_mm512_mask_mov_epi32(rounded, is_nan, nan));
#endif
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), halves);
  }
  // The two halves of each 32-bit word, as floats.
  static Vec even_bfloat16(Vec words) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(words), 16));
  }
  static Vec odd_bfloat16(Vec words) {
    return _mm512_castsi512_ps(
        _mm512_and_si512(_mm512_castps_si512(words), _mm512_set1_epi32(-0x10000)));
  }
  // kLanes elements of each row: out = a[0], b[0], a[1], b[1], ...
  static void interleave_bfloat16(const std::uint16_t* a, const std::uint16_t* b,
                                  std::uint16_t* out) {
    const __m512i low =
        _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(a)));
    const __m512i high =
        _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(b)));
    _mm512_storeu_si512(out, _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
  }
  // F8_E4M3 bits seen as an IEEE half with the same fraction and the exponent's bias wrong by 8:
  // exact after a multiplication by 2^8, subnormal numbers too. All ones in exponent and fraction
  // is NaN.
  static Vec load_float8_over_256(const std::uint8_t* p) {
    const __m256i bits = _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    const __m256i magnitude = _mm256_and_si256(bits, _mm256_set1_epi16(0x7F));
    const __m256i sign = _mm256_slli_epi16(_mm256_and_si256(bits, _mm256_set1_epi16(0x80)), 8);
    const __m256i is_nan = _mm256_cmpeq_epi16(magnitude, _mm256_set1_epi16(0x7F));
    const __m256i nan = _mm256_and_si256(is_nan, _mm256_set1_epi16(0x7E00));
    return _mm512_cvtph_ps(
        _mm256_or_si256(_mm256_or_si256(sign, nan), _mm256_slli_epi16(magnitude, 7)));
  }

  // Eight elements of each of kLanes rows, transposed: out[d * out_stride + i] = rows[i][d] for d <
  // 8, as floats.
  static void transpose(const std::uint16_t* const (&rows)[kLanes], std::int64_t at, float* out,
                        std::int64_t out_stride) {
    __m256i
        x[8];  // row i in the low half, row i + 8 in the high half: two 8x8 transpositions at once
    for (int i = 0; i < 8; ++i) {
      const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows[i] + at));
      const __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows[i + 8] + at));
      x[i] = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
    }
    __m256i pair[8], quad[8];
    for (int i = 0; i < 4; ++i) {
      pair[2 * i] = _mm256_unpacklo_epi16(x[2 * i], x[2 * i + 1]);
      pair[2 * i + 1] = _mm256_unpackhi_epi16(x[2 * i], x[2 * i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
      quad[i] = _mm256_unpacklo_epi32(pair[i], pair[i + 2]);
      quad[i + 1] = _mm256_unpackhi_epi32(pair[i], pair[i + 2]);
      quad[i + 2] = _mm256_unpacklo_epi32(pair[i + 1], pair[i + 3]);
      quad[i + 3] = _mm256_unpackhi_epi32(pair[i + 1], pair[i + 3]);
    }
    for (int i = 0; i < 4; ++i) {
      store(out + 2 * i * out_stride, _mm512_cvtph_ps(_mm256_unpacklo_epi64(quad[i], quad[i + 4])));
      store(out + (2 * i + 1) * out_stride,
            _mm512_cvtph_ps(_mm256_unpackhi_epi64(quad[i], quad[i + 4])));
    }
  }
  static void transpose(const float* const (&rows)[kLanes], std::int64_t at, float* out,
                        std::int64_t out_stride) {
    for (int d = 0; d < 8; d += 4) {
      Vec x[4];  // row i + 4 * k in quarter k: four 4x4 transpositions at once
      for (int i = 0; i < 4; ++i) {
        x[i] = _mm512_castps128_ps512(_mm_loadu_ps(rows[i] + at + d));
        x[i] = _mm512_insertf32x4(x[i], _mm_loadu_ps(rows[i + 4] + at + d), 1);
        x[i] = _mm512_insertf32x4(x[i], _mm_loadu_ps(rows[i + 8] + at + d), 2);
        x[i] = _mm512_insertf32x4(x[i], _mm_loadu_ps(rows[i + 12] + at + d), 3);
      }
      const Vec ab_low = _mm512_unpacklo_ps(x[0], x[1]), ab_high = _mm512_unpackhi_ps(x[0], x[1]);
      const Vec cd_low = _mm512_unpacklo_ps(x[2], x[3]), cd_high = _mm512_unpackhi_ps(x[2], x[3]);
      store(out + d * out_stride, _mm512_shuffle_ps(ab_low, cd_low, 0x44));
      store(out + (d + 1) * out_stride, _mm512_shuffle_ps(ab_low, cd_low, 0xEE));
      store(out + (d + 2) * out_stride, _mm512_shuffle_ps(ab_high, cd_high, 0x44));
      store(out + (d + 3) * out_stride, _mm512_shuffle_ps(ab_high, cd_high, 0xEE));
    }
  }

  static float max_of_lanes(Vec x) {
    return _mm512_reduce_max_ps(x);
  }
  static float first_lane(Vec x) {
    return _mm512_cvtss_f32(x);
  }
  // out[i] = sum of the lanes of xi, each summed in the same order.
  static void store_sums(float* out, Vec x0, Vec x1, Vec x2, Vec x3) {
    _mm_storeu_ps(out, sums(x0, x1, x2, x3));
  }
  static float sum_of_lanes(Vec x) {
    return _mm_cvtss_f32(sums(x, x, x, x));
  }

 private:
  static __m128 sums(Vec x0, Vec x1, Vec x2, Vec x3) {
    const Vec x01 = add(_mm512_unpacklo_ps(x0, x1), _mm512_unpackhi_ps(x0, x1));
    const Vec x23 = add(_mm512_unpacklo_ps(x2, x3), _mm512_unpackhi_ps(x2, x3));
    const Vec all = add(_mm512_shuffle_ps(x01, x23, 0x44), _mm512_shuffle_ps(x01, x23, 0xEE));
    const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(all), _mm512_extractf32x8_ps(all, 1));
    return _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  }
};

}  // namespace
}  // namespace sputnik::kernels
