#include "kernels/dispatch.h"
#include "kernels/reference/reference_kernels.h"

namespace sputnik::kernels {

const KernelTable& reference_table() {
  static const KernelTable table = [] {
    KernelTable t{};
    t.name = "reference";
    t.supported = [] { return true; };
    t.rms_norm = reference::rms_norm;
    t.add = reference::add;
    t.add_scaled = reference::add_scaled;
    t.scale = reference::scale;
    t.dot = reference::dot;
    t.silu_mul = reference::silu_mul;
    t.rope_interleaved = reference::rope_interleaved;
    t.rope_half = reference::rope_half;
    t.dequantize_row = reference::dequantize_row;
    t.matmul_f32 = reference::matmul_f32;
    t.matmul_f32_transposed = reference::matmul_f32_transposed;
    t.attention = reference::attention;
    t.float_to_half = reference::float_to_half;
    t.quantize_activations = reference::quantize_activations;
    for (int i = 0; i < kNumDTypes; ++i) {
      if (is_quantized_block(static_cast<DType>(i))) t.matmul_int8[i] = reference::matmul_int8;
    }
    t.gemm_f32 = reference::gemm_f32();
    t.gemm_bf16 = reference::gemm_bf16();
    t.rms_norm_backward = reference::rms_norm_backward;
    t.silu_mul_backward = reference::silu_mul_backward;
    t.cross_entropy_row = reference::cross_entropy_row;
    t.softmax_tile = reference::softmax_tile;
    t.softmax_tile_backward = reference::softmax_tile_backward;
    return t;
  }();
  return table;
}

}  // namespace sputnik::kernels
