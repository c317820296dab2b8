// The contract of every kernel: formula, layout, aliasing, tolerance, source. Kernels know pointers
// and sizes only: they own no memory, start no threads and never ask the CPU. A table of function
// pointers is chosen once, at start (dispatch.h), and handed down.
//
// Rows are contiguous; a stride says how far apart rows are, in elements of their type unless it
// ends in _bytes. Unless said otherwise pointers need no alignment, outputs may not overlap inputs,
// and sizes may be any non-negative number.
//
// Two kinds of promises:
//  - exact kernels compute the same bits in every table. Their contracts spell out the order of
//  operations.
//  - tolerant kernels agree with the reference within the stated tolerance.
// Both promise independence: an output row (token) depends on its own inputs only, bit for bit,
// however many rows are computed in the same call and however the caller splits the work over rows
// of weights. Batch size, chunking and threads therefore never change a result.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/dtype.h"

namespace sputnik::kernels {

// ------------------------------------------------------------------------------------------
// element-wise and norms

// y[i] = w[i] * x[i] / sqrt(mean(x^2) + eps)        RMSNorm, Zhang & Sennrich 2019
// (arXiv:1910.07467). y may be x. Tolerance: 2e-6 relative.
using RmsNorm = void (*)(const float* x, const float* w, float* y, std::int64_t n, float eps);

// y[i] = a[i] + b[i]. y may be a or b. Exact.
using Add = void (*)(const float* a, const float* b, float* y, std::int64_t n);

// y[i] += s * x[i], one fused multiply-add per element. Exact.
using AddScaled = void (*)(float s, const float* x, float* y, std::int64_t n);

// y[i] = silu(gate[i]) * up[i], silu(z) = z / (1 + exp(-z))        SwiGLU, Shazeer 2020
// (arXiv:2002.05202). y may be gate or up. Any finite input is allowed. Tolerance: 4e-6 relative to
// |y| + 1e-6.
using SiluMul = void (*)(const float* gate, const float* up, float* y, std::int64_t n);

// Rotary embedding of one head in place: n_pairs rotations by the angles whose cosines and sines
// are given.
//   interleaved: pair i is (x[2i], x[2i+1])           DeepSeek; Llama in GGUF order
//   half-split:  pair i is (x[i], x[i + n_pairs])     Qwen2; Llama in Hugging Face order
//   (a, b) -> (a*cos - b*sin, a*sin + b*cos)          RoFormer (arXiv:2104.09864), eq. 34
// Tolerance: 1e-6 relative to |a| + |b|.
using Rope = void (*)(float* x, const float* cos, const float* sin, std::int64_t n_pairs);

// -------------------------------------------------------------------------------------------------------
// decoding

// n floats from a row of quantised or plain weights; n is a multiple of the block size. kF8E4M3
// yields the values without their block scale. Exact: the bits of tensor/quant_codec.h.
using DequantizeRow = void (*)(DType dtype, const void* row, float* y, std::int64_t n);

// -------------------------------------------------------------------------------------------------
// matrix products

// Some rows of a weight matrix, row-major [out, in].
struct WeightRows {
  DType dtype;
  const void* data;  // the first of these rows
  std::int64_t row_stride_bytes;
  std::int64_t n_rows;  // outputs
  std::int64_t n_cols;  // inputs: a multiple of the type's block size
  // kF8E4M3 only: scale of element (r, c) of the whole matrix = scales[(r / 128) * scale_stride + c
  // / 128].
  const float* scales = nullptr;
  std::int64_t scale_stride = 0;
  std::int64_t first_row = 0;  // index of the first of these rows in the whole matrix
};

// y[t * y_stride + r] = sum over c of float(w[r][c]) * x[t * x_stride + c], for t < n_tokens, r <
// n_rows. Any DType. All arithmetic in float32. Tolerance: 1e-6 * sum |w||x| (plus 1e-6). scratch:
// matmul_f32_scratch_bytes(n_cols) bytes, 64-byte aligned, one per calling thread.
using MatmulF32 = void (*)(const WeightRows& w, const float* x, std::int64_t x_stride,
                           std::int64_t n_tokens, float* y, std::int64_t y_stride, void* scratch);
std::int64_t matmul_f32_scratch_bytes(std::int64_t n_cols);

// y[t * y_stride + c] = sum over r of x[t * x_stride + r] * float(w[r][c]): the product with the
// transposed matrix, which absorbs kv_b_proj into the query. Same tolerance and scratch as
// MatmulF32.
using MatmulF32Transposed = MatmulF32;

// Activations as int8, for products with block-quantised weights. Rows of activations are made once
// and used by every row of weights. n_cols is a multiple of block, which is activation_block(type
// of the weights):
//   256 for Q2_K..Q6_K and IQ4_XS, 32 for Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, IQ4_NL
// Per block: d = max|x| / 127, q[i] = x[i] * (127 / max|x|) rounded to the nearest integer, ties to
// even: in [-127, 127]. If max|x| < 1e-30, d and all q are 0. If an x is infinite or NaN, d is NaN
// and all q are 0, so that the trouble shows in every product. Beside d and q a row holds sums of q
// over 16 values and, of 32, their sum (block 256) or ds = d * their sum, rounded once (block 32).
// Layout: int8_activations.h. Row pointers are 64-byte aligned. Exact.
using QuantizeActivations = void (*)(std::int64_t block, const float* x, std::int64_t n_cols,
                                     void* row);
std::int64_t activation_block(DType weights);  // 32 or 256; 0: not a block type
std::int64_t activation_row_bytes(std::int64_t block, std::int64_t n_cols);  // a multiple of 64

// y[t * y_stride + r] = the dot product of weight row r with activation row t (rows at x + t *
// x_stride_bytes, 64-byte aligned). Exact in every table. The order of operations for one output,
// in float32; every product and fma rounds once:
//   acc = 0; for the blocks of 256 or 32 in ascending order:
//   256-blocks:  acc = fma(d_w * d_x, float(sum over s of scale_s * dot_s), acc)
//                dot_s = sum of q_w * q_x over the sub-block s of 16 or 32 weights
//                if the type has minima (Q2_K, Q4_K, Q5_K):
//                acc = fma(-(dmin_w * d_x), float(sum over s of min_s * (sum of q_x in s)), acc)
//   32-blocks:   acc = fma(d_w * d_x, float(sum of q_w * q_x), acc)
//                if the type has minima (Q4_1, Q5_1): acc = fma(m_w, ds, acc)
// What float() is taken of is an exact integer below 2^28, so that it does not matter in which
// order it is added up.
// q_w includes the type's offset (q - 32 for Q6_K, table values for IQ4_NL ...). Infinite or NaN
// scales in hostile files propagate as IEEE says; nothing else may happen. Fastest when the first
// row of a call is a multiple of kMatmulInt8Rows in the matrix and n_rows is one, too. scratch:
// matmul_int8_scratch_bytes(n_cols) bytes, 64-byte aligned, one per calling thread.
constexpr std::int64_t kMatmulInt8Rows = 32;
using MatmulInt8 = void (*)(const WeightRows& w, const void* x, std::int64_t x_stride_bytes,
                            std::int64_t n_tokens, float* y, std::int64_t y_stride, void* scratch);
std::int64_t matmul_int8_scratch_bytes(std::int64_t n_cols);

// -------------------------------------------------------------------------------------------------------
// attention

// Keys and values of one sequence in blocks of kCacheBlock tokens. Token t's key is the key_dim
// elements at keys[t / kCacheBlock] + (t % kCacheBlock) * key_stride (in elements), its value
// likewise. For absorbed MLA a "key" is [c_kv, k_pe], and values points at the same rows with
// value_dim = kv_lora_rank.
constexpr std::int64_t kCacheBlock = 64;

struct CachedKeysValues {
  DType dtype;              // kF32 or kF16
  const void* const* keys;  // one pointer per block
  const void* const* values;
  std::int64_t key_stride;  // elements
  std::int64_t value_stride;
  std::int64_t key_dim;
  std::int64_t value_dim;
};

// For every query row i < n_queries, with keys 0 <= j < n_keys[i] (at least 1; non-decreasing in
// i):
//   out[i] = sum_j softmax_j(scale * q[i] . k[j]) * v[j]        scaled dot-product attention
//   (arXiv:1706.03762, eq. 1)
// q + i * q_stride: key_dim floats; out + i * out_stride: value_dim floats. Rows of several heads
// that share keys (grouped queries, MLA) and several tokens may come in one call. Tolerance: 2e-6 *
// max|v|, arithmetic in float32. scratch: attention_scratch_bytes(key_dim, value_dim) bytes,
// 64-byte aligned, one per calling thread.
using Attention = void (*)(const float* q, std::int64_t q_stride, std::int64_t n_queries,
                           const std::int64_t* n_keys, const CachedKeysValues& cache, float scale,
                           float* out, std::int64_t out_stride, void* scratch);
std::int64_t attention_scratch_bytes(std::int64_t key_dim, std::int64_t value_dim);

// y[i] = x[i] as IEEE half, round to nearest even (overflow: infinity). Exact.
using FloatToHalf = void (*)(const float* x, std::uint16_t* y, std::int64_t n);

// --------------------------------------------------------------------------------------------------------
// the table

// One entry per operation. A table starts as a copy of the next lower instruction set's table and
// replaces what it can do better, so every entry is always callable.
struct KernelTable {
  const char* name;     // "reference", "avx2", "avx512_vnni"
  bool (*supported)();  // by this machine
  RmsNorm rms_norm;
  Add add;
  AddScaled add_scaled;
  SiluMul silu_mul;
  Rope rope_interleaved;
  Rope rope_half;
  DequantizeRow dequantize_row;
  MatmulF32 matmul_f32;
  MatmulF32Transposed matmul_f32_transposed;
  QuantizeActivations quantize_activations;
  MatmulInt8 matmul_int8[kNumDTypes];  // by DType; null for types that are not block-quantised
  Attention attention;
  FloatToHalf float_to_half;
};

}  // namespace sputnik::kernels
