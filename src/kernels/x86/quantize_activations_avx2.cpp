#include <immintrin.h>

#include "kernels/int8_activations.h"
#include "kernels/x86/avx2_kernels.h"

namespace sputnik::kernels::avx2 {
namespace {

// 8 values as int32 in [-127, 127]: the conversion rounds to the nearest integer, ties to even.
[[gnu::always_inline]] inline __m256i quantize8(const float* x, __m256 inverse) {
  return _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x), inverse));
}

[[gnu::always_inline]] inline std::uint32_t largest(__m256i v) {
  __m128i max = _mm_max_epu32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  max = _mm_max_epu32(max, _mm_shuffle_epi32(max, 0x4E));
  max = _mm_max_epu32(max, _mm_shuffle_epi32(max, 0xB1));
  return static_cast<std::uint32_t>(_mm_cvtsi128_si32(max));
}

// Writes kBlock values of q and their sums: sums16[kBlock / 16]. Returns d.
template <int kBlock>
float quantize_block(const float* x, std::int8_t* q, std::int32_t* sums16) {
  __m256i max = _mm256_setzero_si256();
#pragma GCC unroll 4
  for (int i = 0; i < kBlock; i += 8) {
    const __m256i bits = _mm256_castps_si256(_mm256_loadu_ps(x + i));
    max = _mm256_max_epu32(max, _mm256_and_si256(bits, _mm256_set1_epi32(0x7FFFFFFF)));
  }
  const std::uint32_t max_bits = largest(max);
  float max_x;
  __builtin_memcpy(&max_x, &max_bits, 4);
  if (max_bits >= 0x7F800000 || max_x < kInt8SmallestMax) {  // infinite or NaN, or all but zero
    __builtin_memset(q, 0, kBlock);
    __builtin_memset(sums16, 0, kBlock / 16 * sizeof(std::int32_t));
    return max_bits >= 0x7F800000 ? __builtin_nanf("") : 0.0f;
  }
  const __m256 inverse = _mm256_set1_ps(127.0f / max_x);
#pragma GCC unroll 4
  for (int i = 0; i < kBlock; i += 16) {
    const __m256i words =
        _mm256_packs_epi32(quantize8(x + i, inverse), quantize8(x + i + 8, inverse));
    // Packing works in 128-bit lanes: put the quarters back in order.
    const __m256i ordered = _mm256_permute4x64_epi64(words, 0xD8);
    const __m128i low = _mm256_castsi256_si128(ordered);
    const __m128i high = _mm256_extracti128_si256(ordered, 1);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(q + i), _mm_packs_epi16(low, high));
    __m128i sum = _mm_madd_epi16(_mm_add_epi16(low, high), _mm_set1_epi16(1));
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4E));
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xB1));
    sums16[i / 16] = _mm_cvtsi128_si32(sum);
  }
  return max_x / 127.0f;
}

}  // namespace

void quantize_activations(std::int64_t block, const float* x, std::int64_t n_cols, void* row) {
  const Int8RowLayout layout = int8_row_layout(block, n_cols);
  auto* const bytes = static_cast<std::uint8_t*>(row);
  auto* const d = static_cast<float*>(row);
  auto* const q = reinterpret_cast<std::int8_t*>(bytes + layout.q);
  auto* const sums16 = reinterpret_cast<std::int16_t*>(bytes + layout.sums16);
  std::int32_t sums[16];
  if (block == 32) {
    auto* const ds = reinterpret_cast<float*>(bytes + layout.ds);
    for (std::int64_t b = 0; b < n_cols / 32; ++b) {
      d[b] = quantize_block<32>(x + 32 * b, q + 32 * b, sums);
      ds[b] = d[b] * static_cast<float>(sums[0] + sums[1]);
      sums16[2 * b] = static_cast<std::int16_t>(sums[0]);
      sums16[2 * b + 1] = static_cast<std::int16_t>(sums[1]);
    }
    return;
  }
  auto* const sums32 = reinterpret_cast<std::int16_t*>(bytes + layout.sums32);
  for (std::int64_t b = 0; b < n_cols / 256; ++b) {
    d[b] = quantize_block<256>(x + 256 * b, q + 256 * b, sums);
    for (int i = 0; i < 16; ++i) sums16[16 * b + i] = static_cast<std::int16_t>(sums[i]);
    for (int i = 0; i < 8; ++i) {
      sums32[8 * b + i] = static_cast<std::int16_t>(sums[2 * i] + sums[2 * i + 1]);
    }
  }
}

}  // namespace sputnik::kernels::avx2
