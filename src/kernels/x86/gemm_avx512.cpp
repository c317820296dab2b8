#include "kernels/x86/avx512_vnni_kernels.h"
#include "kernels/x86/gemm_simd.h"

namespace sputnik::kernels::avx512_vnni {

GemmKernels gemm_f32() {
  return {F32Dot::kGroup,   4, to_rows_f32, pack_rows_f32, pack_transposed_simd<F32Dot::kGroup>,
          gemm_simd<F32Dot>};
}
GemmKernels gemm_bf16() {
  return {Bf16ByF32Dot::kGroup,
          2,
          to_rows_bf16,
          pack_rows_bf16,
          pack_transposed_simd<Bf16ByF32Dot::kGroup>,
          gemm_simd<Bf16ByF32Dot>};
}

}  // namespace sputnik::kernels::avx512_vnni
