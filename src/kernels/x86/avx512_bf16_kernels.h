// What AVX512_BF16 does better than AVX-512 with VNNI: products of bfloat16. AMD since Zen 4
// (2022), Intel since Cooper Lake and Sapphire Rapids. Contracts: kernels.h.
#pragma once

#include "kernels/kernels.h"

namespace sputnik::kernels::avx512_bf16 {

GemmKernels gemm_bf16();

}  // namespace sputnik::kernels::avx512_bf16
