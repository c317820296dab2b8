#include <immintrin.h>

#include "kernels/int8_activations.h"
#include "kernels/x86/avx512_vnni_kernels.h"

namespace sputnik::kernels::avx512_vnni {
namespace {

// 16 values as int32 in [-127, 127]: the conversion rounds to the nearest integer, ties to even.
[[gnu::always_inline]] inline __m512i quantize16(const float* x, __m512 inverse) {
  return _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x), inverse));
}

// Writes kBlock values of q and their sums: sums16[kBlock / 16]. Returns d.
template <int kBlock>
float quantize_block(const float* x, std::int8_t* q, std::int32_t* sums16) {
  __m512i max = _mm512_setzero_si512();
#pragma GCC unroll 4
  for (int i = 0; i < kBlock; i += 16) {
    const __m512i magnitude =
        _mm512_and_si512(_mm512_loadu_si512(x + i), _mm512_set1_epi32(0x7FFFFFFF));
    max = _mm512_max_epu32(max, magnitude);
  }
  const std::uint32_t max_bits = _mm512_reduce_max_epu32(max);
  float max_x;
  __builtin_memcpy(&max_x, &max_bits, 4);
  if (max_bits >= 0x7F800000 || max_x < kInt8SmallestMax) {  // infinite or NaN, or all but zero
    __builtin_memset(q, 0, kBlock);
    __builtin_memset(sums16, 0, kBlock / 16 * sizeof(std::int32_t));
    return max_bits >= 0x7F800000 ? __builtin_nanf("") : 0.0f;
  }
  const __m512 inverse = _mm512_set1_ps(127.0f / max_x);
#pragma GCC unroll 4
  for (int i = 0; i < kBlock; i += 16) {
    const __m512i values = quantize16(x + i, inverse);
    sums16[i / 16] = _mm512_reduce_add_epi32(values);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(q + i), _mm512_cvtepi32_epi8(values));
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

}  // namespace sputnik::kernels::avx512_vnni
