#include <cpuid.h>

#include "kernels/dispatch.h"
#include "kernels/x86/avx2_kernels.h"
#include "kernels/x86/x86_tables.h"

namespace sputnik::kernels {
namespace {

// clang 14 knows no "f16c".
bool has_f16c() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}

}  // namespace

const KernelTable& avx2_table() {
  static const KernelTable table = [] {
    KernelTable t = reference_table();
    t.name = "avx2";
    t.supported = [] {
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
    };
    t.rms_norm = avx2::rms_norm;
    t.add = avx2::add;
    t.add_scaled = avx2::add_scaled;
    t.scale = avx2::scale;
    t.dot = avx2::dot;
    t.silu_mul = avx2::silu_mul;
    t.rope_interleaved = avx2::rope_interleaved;
    t.rope_half = avx2::rope_half;
    t.dequantize_row = avx2::dequantize_row;
    t.matmul_f32 = avx2::matmul_f32;
    t.matmul_f32_transposed = avx2::matmul_f32_transposed;
    t.attention = avx2::attention;
    t.float_to_half = avx2::float_to_half;
    t.quantize_activations = avx2::quantize_activations;
    for (int i = 0; i < kNumDTypes; ++i) {
      const auto dtype = static_cast<DType>(i);
      if (const MatmulInt8 f = avx2::matmul_int8_of_32(dtype)) t.matmul_int8[i] = f;
      if (const MatmulInt8 f = avx2::matmul_int8_of_256(dtype)) t.matmul_int8[i] = f;
    }
    t.gemm_f32 = avx2::gemm_f32();
    t.gemm_bf16 = avx2::gemm_bf16();
    t.rms_norm_backward = avx2::rms_norm_backward;
    t.silu_mul_backward = avx2::silu_mul_backward;
    t.cross_entropy_row = avx2::cross_entropy_row;
    t.softmax_tile = avx2::softmax_tile;
    t.softmax_tile_backward = avx2::softmax_tile_backward;
    return t;
  }();
  return table;
}

}  // namespace sputnik::kernels
