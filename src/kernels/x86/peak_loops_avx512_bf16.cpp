#include <immintrin.h>

#include "kernels/x86/peak_loops.h"

namespace sputnik::kernels::avx512_bf16 {
namespace {

constexpr int kChains = 16;

std::int64_t run_bf16(std::int64_t n_rounds) {
  __m512 acc[kChains];
  for (int i = 0; i < kChains; ++i) acc[i] = _mm512_set1_ps(static_cast<float>(i));
  __m512i half = _mm512_set1_epi32(0x3F003F00);  // 0.5, twice
  for (std::int64_t n = 0; n < n_rounds; ++n) {
    const auto x = reinterpret_cast<__m512bh>(half);
#pragma GCC unroll 16
    for (int i = 0; i < kChains; ++i) acc[i] = _mm512_dpbf16_ps(acc[i], x, x);
    __asm__ volatile("" : "+v"(half));
  }
  __m512 sum = acc[0];
  for (int i = 1; i < kChains; ++i) sum = _mm512_add_ps(sum, acc[i]);
  return static_cast<std::int64_t>(_mm512_reduce_add_ps(sum));
}

}  // namespace

PeakLoop bf16_peak_loop() {
  return {run_bf16, kChains * 32 * 2};
}

}  // namespace sputnik::kernels::avx512_bf16
