// AVX2 with FMA and F16C as struct Simd. Included by simd.h alone; the operations are described in
// simd_avx512.h.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace sputnik::kernels {
namespace {

struct Simd {
  using Vec = __m256;
  static constexpr int kLanes = 8;
  static constexpr int kRegisters = 16;

  static Vec zero() { return _mm256_setzero_ps(); }
  static Vec set1(float x) { return _mm256_set1_ps(x); }
  static Vec load(const float* p) { return _mm256_loadu_ps(p); }
  static void store(float* p, Vec x) { _mm256_storeu_ps(p, x); }
  static Vec add(Vec a, Vec b) { return _mm256_add_ps(a, b); }
  static Vec sub(Vec a, Vec b) { return _mm256_sub_ps(a, b); }
  static Vec mul(Vec a, Vec b) { return _mm256_mul_ps(a, b); }
  static Vec div(Vec a, Vec b) { return _mm256_div_ps(a, b); }
  static Vec fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
  static Vec fma_negated(Vec a, Vec b, Vec c) { return _mm256_fnmadd_ps(a, b, c); }
  static Vec max(Vec a, Vec b) { return _mm256_max_ps(a, b); }
  static Vec min(Vec a, Vec b) { return _mm256_min_ps(a, b); }
  static Vec round(Vec x) {
    return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  // In two steps, because 2^n itself may be too small or too large for a float. The first is exact.
  static Vec scale_by_power(Vec x, Vec n) {
    const __m256i power = _mm256_cvtps_epi32(n);
    const __m256i half = _mm256_srai_epi32(power, 1);
    return mul(mul(x, power_of_two(half)), power_of_two(_mm256_sub_epi32(power, half)));
  }

  static Vec keep_first(Vec x, std::int64_t n, Vec fill) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i kept = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), lane);
    return _mm256_blendv_ps(fill, x, _mm256_castsi256_ps(kept));
  }

  static Vec swap_pairs(Vec x) { return _mm256_permute_ps(x, 0xB1); }
  static Vec load_twice(const float* p) {
    const __m128 x = _mm_loadu_ps(p);
    return _mm256_set_m128(_mm_unpackhi_ps(x, x), _mm_unpacklo_ps(x, x));
  }
  static Vec fma_add_sub(Vec a, Vec b, Vec c) { return _mm256_fmaddsub_ps(a, b, c); }

  static Vec load_int8(const std::int8_t* p) {
    return _mm256_cvtepi32_ps(
        _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
  }
  static Vec load_half(const std::uint16_t* p) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static void store_half(std::uint16_t* p, Vec x) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                     _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  }
  static Vec load_bfloat16(const std::uint16_t* p) {
    const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
  }
  static void store_bfloat16(std::uint16_t* p, Vec x) {
    const __m256i bits = _mm256_castps_si256(x), upper = _mm256_srli_epi32(bits, 16);
    const __m256i to_even = _mm256_and_si256(upper, _mm256_set1_epi32(1));
    const __m256i bias = _mm256_add_epi32(to_even, _mm256_set1_epi32(0x7FFF));
    const __m256i rounded = _mm256_srli_epi32(_mm256_add_epi32(bits, bias), 16);
    const __m256i nan = _mm256_or_si256(upper, _mm256_set1_epi32(0x40));
    const __m256i is_nan = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
    const __m256i words = _mm256_blendv_epi8(rounded, nan, is_nan);
    const __m256i halves = _mm256_permute4x64_epi64(_mm256_packus_epi32(words, words), 0xD8);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_castsi256_si128(halves));
  }
  static Vec even_bfloat16(Vec words) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(words), 16));
  }
  static Vec odd_bfloat16(Vec words) {
    return _mm256_castsi256_ps(
        _mm256_and_si256(_mm256_castps_si256(words), _mm256_set1_epi32(-0x10000)));
  }
  static void interleave_bfloat16(const std::uint16_t* a, const std::uint16_t* b,
                                  std::uint16_t* out) {
    const __m256i low = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(a)));
    const __m256i high =
        _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(b)));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out),
                        _mm256_or_si256(low, _mm256_slli_epi32(high, 16)));
  }
  static Vec load_float8_over_256(const std::uint8_t* p) {
    const __m128i bits = _mm_cvtepu8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
    const __m128i magnitude = _mm_and_si128(bits, _mm_set1_epi16(0x7F));
    const __m128i sign = _mm_slli_epi16(_mm_and_si128(bits, _mm_set1_epi16(0x80)), 8);
    const __m128i is_nan = _mm_cmpeq_epi16(magnitude, _mm_set1_epi16(0x7F));
    const __m128i nan = _mm_and_si128(is_nan, _mm_set1_epi16(0x7E00));
    return _mm256_cvtph_ps(_mm_or_si128(_mm_or_si128(sign, nan), _mm_slli_epi16(magnitude, 7)));
  }

  static void transpose(const std::uint16_t* const (&rows)[kLanes], std::int64_t at, float* out,
                        std::int64_t out_stride) {
    __m128i x[8], pair[8], quad[8];
    for (int i = 0; i < 8; ++i)
      x[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows[i] + at));
    for (int i = 0; i < 4; ++i) {
      pair[2 * i] = _mm_unpacklo_epi16(x[2 * i], x[2 * i + 1]);
      pair[2 * i + 1] = _mm_unpackhi_epi16(x[2 * i], x[2 * i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
      quad[i] = _mm_unpacklo_epi32(pair[i], pair[i + 2]);
      quad[i + 1] = _mm_unpackhi_epi32(pair[i], pair[i + 2]);
      quad[i + 2] = _mm_unpacklo_epi32(pair[i + 1], pair[i + 3]);
      quad[i + 3] = _mm_unpackhi_epi32(pair[i + 1], pair[i + 3]);
    }
    for (int i = 0; i < 4; ++i) {
      store(out + 2 * i * out_stride, _mm256_cvtph_ps(_mm_unpacklo_epi64(quad[i], quad[i + 4])));
      store(out + (2 * i + 1) * out_stride,
            _mm256_cvtph_ps(_mm_unpackhi_epi64(quad[i], quad[i + 4])));
    }
  }
  static void transpose(const float* const (&rows)[kLanes], std::int64_t at, float* out,
                        std::int64_t out_stride) {
    for (int d = 0; d < 8; d += 4) {
      Vec x[4];  // row i in the low half, row i + 4 in the high half
      for (int i = 0; i < 4; ++i)
        x[i] = _mm256_set_m128(_mm_loadu_ps(rows[i + 4] + at + d), _mm_loadu_ps(rows[i] + at + d));
      const Vec ab_low = _mm256_unpacklo_ps(x[0], x[1]), ab_high = _mm256_unpackhi_ps(x[0], x[1]);
      const Vec cd_low = _mm256_unpacklo_ps(x[2], x[3]), cd_high = _mm256_unpackhi_ps(x[2], x[3]);
      store(out + d * out_stride, _mm256_shuffle_ps(ab_low, cd_low, 0x44));
      store(out + (d + 1) * out_stride, _mm256_shuffle_ps(ab_low, cd_low, 0xEE));
      store(out + (d + 2) * out_stride, _mm256_shuffle_ps(ab_high, cd_high, 0x44));
      store(out + (d + 3) * out_stride, _mm256_shuffle_ps(ab_high, cd_high, 0xEE));
    }
  }

  static float max_of_lanes(Vec x) {
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
  }
  static float first_lane(Vec x) { return _mm256_cvtss_f32(x); }
  static void store_sums(float* out, Vec x0, Vec x1, Vec x2, Vec x3) {
    _mm_storeu_ps(out, sums(x0, x1, x2, x3));
  }
  static float sum_of_lanes(Vec x) { return _mm_cvtss_f32(sums(x, x, x, x)); }

 private:
  static Vec power_of_two(__m256i n) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
  }
  static __m128 sums(Vec x0, Vec x1, Vec x2, Vec x3) {
    const Vec all = _mm256_hadd_ps(_mm256_hadd_ps(x0, x1), _mm256_hadd_ps(x2, x3));
    return _mm_add_ps(_mm256_castps256_ps128(all), _mm256_extractf128_ps(all, 1));
  }
};

}  // namespace
}  // namespace sputnik::kernels
