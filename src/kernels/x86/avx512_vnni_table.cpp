#include "kernels/x86/avx512_vnni_kernels.h"
#include "kernels/x86/x86_tables.h"

namespace sputnik::kernels {

const KernelTable& avx512_vnni_table() {
  static const KernelTable table = [] {
    KernelTable t = avx2_table();
    t.name = "avx512_vnni";
    t.supported = [] {
      return avx2_table().supported() && __builtin_cpu_supports("avx512f") &&
             __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vbmi") &&
             __builtin_cpu_supports("avx512vnni");
    };
    t.rms_norm = avx512_vnni::rms_norm;
    t.add = avx512_vnni::add;
    t.add_scaled = avx512_vnni::add_scaled;
    t.scale = avx512_vnni::scale;
    t.dot = avx512_vnni::dot;
    t.silu_mul = avx512_vnni::silu_mul;
    t.rope_interleaved = avx512_vnni::rope_interleaved;
    t.rope_half = avx512_vnni::rope_half;
    t.dequantize_row = avx512_vnni::dequantize_row;
    t.matmul_f32 = avx512_vnni::matmul_f32;
    t.matmul_f32_transposed = avx512_vnni::matmul_f32_transposed;
    t.attention = avx512_vnni::attention;
    t.float_to_half = avx512_vnni::float_to_half;
    t.quantize_activations = avx512_vnni::quantize_activations;
    for (int i = 0; i < kNumDTypes; ++i) {
      const auto dtype = static_cast<DType>(i);
      if (const MatmulInt8 f = avx512_vnni::matmul_int8_of_32(dtype)) t.matmul_int8[i] = f;
      if (const MatmulInt8 f = avx512_vnni::matmul_int8_of_256(dtype)) t.matmul_int8[i] = f;
    }
    t.gemm_f32 = avx512_vnni::gemm_f32();
    t.gemm_bf16 = avx512_vnni::gemm_bf16();
    t.rms_norm_backward = avx512_vnni::rms_norm_backward;
    t.silu_mul_backward = avx512_vnni::silu_mul_backward;
    t.cross_entropy_row = avx512_vnni::cross_entropy_row;
    t.softmax_tile = avx512_vnni::softmax_tile;
    t.softmax_tile_backward = avx512_vnni::softmax_tile_backward;
    return t;
  }();
  return table;
}

}  // namespace sputnik::kernels
