#include "kernels/x86/avx512_bf16_kernels.h"
#include "kernels/x86/gemm_simd.h"

namespace sputnik::kernels::avx512_bf16 {
namespace {

struct Bf16Dot {
  static constexpr std::int64_t kGroup = 2;
  using A = __m512bh;
  using B = __m512bh;
  static A a(float word) { return b(Simd::set1(word)); }
  static B b(Vec words) { return reinterpret_cast<__m512bh>(words); }
  static Vec dot(Vec sum, A x, B y) { return _mm512_dpbf16_ps(sum, x, y); }
};

}  // namespace

GemmKernels gemm_bf16() {
  return {Bf16Dot::kGroup,   2, to_rows_bf16, pack_rows_bf16, pack_transposed_simd<Bf16Dot::kGroup>,
          gemm_simd<Bf16Dot>};
}

}  // namespace sputnik::kernels::avx512_bf16
