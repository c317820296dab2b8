// What AVX-512 (F, BW, VL, DQ, VBMI) with VNNI does better than AVX2: Intel since Ice Lake (2019),
// AMD since Zen 4 (2022). Contracts: kernels.h.
#pragma once

#include "kernels/kernels.h"

namespace sputnik::kernels::avx512_vnni {

void rms_norm(const float* x, const float* w, float* y, std::int64_t n, float eps);
void add(const float* a, const float* b, float* y, std::int64_t n);
void add_scaled(float s, const float* x, float* y, std::int64_t n);
void scale(float s, const float* x, float* y, std::int64_t n);
float dot(const float* a, const float* b, std::int64_t n);
void silu_mul(const float* gate, const float* up, float* y, std::int64_t n);
void rope_interleaved(float* x, const float* cos, const float* sin, std::int64_t n_pairs);
void rope_half(float* x, const float* cos, const float* sin, std::int64_t n_pairs);
void dequantize_row(DType dtype, const void* row, float* y, std::int64_t n);
void matmul_f32(const WeightRows& w, const float* x, std::int64_t x_stride, std::int64_t n_tokens,
                float* y, std::int64_t y_stride, void* scratch);
void matmul_f32_transposed(const WeightRows& w, const float* x, std::int64_t x_stride,
                           std::int64_t n_tokens, float* y, std::int64_t y_stride, void* scratch);
void attention(const float* q, std::int64_t q_stride, std::int64_t n_queries,
               const std::int64_t* n_keys, const CachedKeysValues& cache, float scale, float* out,
               std::int64_t out_stride, void* scratch);
void float_to_half(const float* x, std::uint16_t* y, std::int64_t n);

void quantize_activations(std::int64_t block, const float* x, std::int64_t n_cols, void* row);
// By type of the weights; null for types whose blocks hold another number of weights.
MatmulInt8 matmul_int8_of_32(DType dtype);
MatmulInt8 matmul_int8_of_256(DType dtype);

GemmKernels gemm_f32();
GemmKernels gemm_bf16();
void rms_norm_backward(const float* x, const float* w, const float* dy, float* dx, float* dw,
                       std::int64_t n, float eps, bool accumulate);
void silu_mul_backward(const float* gate, const float* up, const float* dy, float* dgate,
                       float* dup, std::int64_t n, bool accumulate);
float cross_entropy_row(float* logits, std::int64_t n, std::int64_t target, float scale);
void softmax_tile(const AttentionTile& tile, float* scores, float* row_max, float* row_sum,
                  float* out, std::int64_t out_stride, std::int64_t value_dim);
void softmax_tile_backward(const AttentionTile& tile, float* scores, float* dp,
                           const float* log_sum, const float* mean_dp);

}  // namespace sputnik::kernels::avx512_vnni
