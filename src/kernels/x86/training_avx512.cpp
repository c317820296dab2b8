#include "kernels/x86/avx512_vnni_kernels.h"
#include "kernels/x86/training_simd.h"

namespace sputnik::kernels::avx512_vnni {

void rms_norm_backward(const float* x, const float* w, const float* dy, float* dx, float* dw,
                       std::int64_t n, float eps, bool accumulate) {
  rms_norm_backward_simd(x, w, dy, dx, dw, n, eps, accumulate);
}
void silu_mul_backward(const float* gate, const float* up, const float* dy, float* dgate,
                       float* dup, std::int64_t n, bool accumulate) {
  silu_mul_backward_simd(gate, up, dy, dgate, dup, n, accumulate);
}
float cross_entropy_row(float* logits, std::int64_t n, std::int64_t target, float scale) {
  return cross_entropy_row_simd(logits, n, target, scale);
}
void softmax_tile(const AttentionTile& tile, float* scores, float* row_max, float* row_sum,
                  float* out, std::int64_t out_stride, std::int64_t value_dim) {
  softmax_tile_simd(tile, scores, row_max, row_sum, out, out_stride, value_dim);
}
void softmax_tile_backward(const AttentionTile& tile, float* scores, float* dp,
                           const float* log_sum, const float* mean_dp) {
  softmax_tile_backward_simd(tile, scores, dp, log_sum, mean_dp);
}

}  // namespace sputnik::kernels::avx512_vnni
