#include "kernels/x86/avx512_vnni_kernels.h"
#include "kernels/x86/elementwise_simd.h"

namespace sputnik::kernels::avx512_vnni {

void rms_norm(const float* x, const float* w, float* y, std::int64_t n, float eps) {
  rms_norm_simd(x, w, y, n, eps);
}
void add(const float* a, const float* b, float* y, std::int64_t n) {
  add_simd(a, b, y, n);
}
void add_scaled(float s, const float* x, float* y, std::int64_t n) {
  add_scaled_simd(s, x, y, n);
}
void scale(float s, const float* x, float* y, std::int64_t n) {
  scale_simd(s, x, y, n);
}
float dot(const float* a, const float* b, std::int64_t n) {
  return dot_simd(a, b, n);
}
void silu_mul(const float* gate, const float* up, float* y, std::int64_t n) {
  silu_mul_simd(gate, up, y, n);
}
void rope_interleaved(float* x, const float* cos, const float* sin, std::int64_t n_pairs) {
  rope_interleaved_simd(x, cos, sin, n_pairs);
}
void rope_half(float* x, const float* cos, const float* sin, std::int64_t n_pairs) {
  rope_half_simd(x, cos, sin, n_pairs);
}
void float_to_half(const float* x, std::uint16_t* y, std::int64_t n) {
  float_to_half_simd(x, y, n);
}

}  // namespace sputnik::kernels::avx512_vnni
