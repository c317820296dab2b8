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

// y[i] = s * x[i]. y may be x. Exact.
using Scale = void (*)(float s, const float* x, float* y, std::int64_t n);

// The sum of a[i] * b[i]. Tolerance: 1e-6 * sum |a||b|.
using Dot = float (*)(const float* a, const float* b, std::int64_t n);

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

// -------------------------------------------------------------------------------------------------
// training: products of packed matrices

// c[i * c_stride + j] (+)= sum over k of a(i, k) * b(k, j), for i < m, j < n; the sum in float32.
// Elements are float (group = 1) or bfloat16 (group = 2: two neighbours in the sum lie side by
// side, as bfloat16 dot products want them). A matrix comes in one of two forms:
//   rows    row-major [rows][row stride], row stride a multiple of group; what is beyond the last
//           column is zero
//   panels  of kPanelColumns columns, the last one of what is left, rounded up to 16:
//           [panel][ceil(k / group)][columns of this panel][group], zeros beyond both edges
// Rows serve as a; panels serve as b, and as the transpose of a. So the three products of a linear
// layer need two forms of each operand, whichever dimension they sum over.
constexpr std::int64_t kPanelColumns = 64;
constexpr std::int64_t kPanelGrain = 16;

constexpr std::int64_t panel_width(std::int64_t n, std::int64_t panel) {
  const std::int64_t left = n - panel * kPanelColumns;
  return left >= kPanelColumns ? kPanelColumns
                               : (left + kPanelGrain - 1) / kPanelGrain * kPanelGrain;
}

// a(i, k) = data[i * row + (k / group) * step + k % group]. Rows: row = row stride, step = group.
// One panel, transposed: row = group, step = width of the panel * group.
struct GemmA {
  const void* data;
  std::int64_t row;  // in elements
  std::int64_t step;
};

// b: the first of the panels, which lie b_panel_stride elements apart. k is rounded up to group:
// both operands hold zeros there. c is overwritten, or added to if accumulate. Per output: blocks
// of kGemmDepth in ascending order are summed in one accumulator each (its order within a block is
// the table's) and added to c. Tolerance: 2e-6 * sum |a||b|, with |a|, |b| as stored.
constexpr std::int64_t kGemmDepth = 512;
using Gemm = void (*)(const GemmA& a, const void* b, std::int64_t b_panel_stride, std::int64_t m,
                      std::int64_t n, std::int64_t k, float* c, std::int64_t c_stride,
                      bool accumulate);

// Floats to rows of elements, rounded to nearest even (subnormals may become zero), each followed
// by n_zeros zeros.
using ToRows = void (*)(const float* x, std::int64_t x_stride, std::int64_t n_rows,
                        std::int64_t n_cols, void* out, std::int64_t out_stride,
                        std::int64_t n_zeros);
// Rows to panels of their columns: the sum runs over the rows.
using PackRows = void (*)(const void* rows, std::int64_t row_stride, std::int64_t n_rows,
                          std::int64_t n_cols, void* panels);
// Rows to panels of the transpose: the sum runs along the rows. row_stride and the start of rows
// are multiples of group; columns between n_cols and its multiple of group hold zeros.
using PackTransposed = PackRows;

struct GemmKernels {
  std::int64_t group;
  std::int64_t element_bytes;
  ToRows to_rows;
  PackRows pack_rows;
  PackTransposed pack_transposed;
  Gemm multiply;

  std::int64_t rounded(std::int64_t k) const { return (k + group - 1) / group * group; }
  // Between panels whose sums run over k, and of all panels of n columns.
  std::int64_t panel_stride(std::int64_t k) const { return kPanelColumns * rounded(k); }
  std::int64_t panels_bytes(std::int64_t n, std::int64_t k) const {
    return (n + kPanelGrain - 1) / kPanelGrain * kPanelGrain * rounded(k) * element_bytes;
  }
};

// -------------------------------------------------------------------------------------------------
// training: the way back. "(+)=": added if accumulate, else written.

// RMSNorm: with r = 1 / sqrt(mean(x^2) + eps) and g = w * dy,
//   dx (+)= r * (g - x * r^2 * mean(g * x)),   dw += dy * x * r
// Tolerance: 4e-6 * (|r g| + |x| r^3 mean|g x|).
using RmsNormBackward = void (*)(const float* x, const float* w, const float* dy, float* dx,
                                 float* dw, std::int64_t n, float eps, bool accumulate);

// y = silu(gate) * up: with s = 1 / (1 + exp(-gate)),
//   dgate (+)= dy * up * s * (1 + gate * (1 - s)),   dup (+)= dy * gate * s
// Tolerance: 4e-6 * (|dy| (1 + |gate|) (1 + |up|)).
using SiluMulBackward = void (*)(const float* gate, const float* up, const float* dy, float* dgate,
                                 float* dup, std::int64_t n, bool accumulate);

// Softmax cross-entropy of one row: returns log(sum exp(logits)) - logits[target] and replaces the
// logits by their gradient, scale * (softmax(logits) - [i = target]). Tolerance: 4e-6 * scale, the
// loss 4e-6 * (1 + |loss| + max|logit|).
using CrossEntropyRow = float (*)(float* logits, std::int64_t n, std::int64_t target, float scale);

// One tile of attention, one query per row, width <= kPanelColumns keys: row i sees its first
// clamp(n_visible + i, 0, width) keys, the others get probability 0.
struct AttentionTile {
  std::int64_t n_rows;
  std::int64_t width;
  std::int64_t stride;  // of scores, in floats
  std::int64_t n_visible;
  float scale;
};
// Online softmax (arXiv:1805.02867): scores become exp(scale * score - m), m = the largest scaled
// score of the row so far; sums and the rows of out, made of earlier keys, are multiplied by exp(m
// before - m), then sums grow by the new row. row_max starts at -infinity, row_sum and out at 0.
using SoftmaxTile = void (*)(const AttentionTile& tile, float* scores, float* row_max,
                             float* row_sum, float* out, std::int64_t out_stride,
                             std::int64_t value_dim);
// Backward: scores become p = exp(scale * score - log_sum), dp (the gradient of p) becomes that of
// the scores: scale * p * (dp - mean_dp), mean_dp = sum_j p_j dp_j.
using SoftmaxTileBackward = void (*)(const AttentionTile& tile, float* scores, float* dp,
                                     const float* log_sum, const float* mean_dp);

// --------------------------------------------------------------------------------------------------------
// the table

// One entry per operation. A table starts as a copy of the next lower instruction set's table and
// replaces what it can do better, so every entry is always callable.
struct KernelTable {
  const char* name;     // "reference", "avx2", "avx512_vnni", "avx512_bf16"
  bool (*supported)();  // by this machine
  RmsNorm rms_norm;
  Add add;
  AddScaled add_scaled;
  Scale scale;
  Dot dot;
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
  GemmKernels gemm_f32;
  GemmKernels gemm_bf16;
  RmsNormBackward rms_norm_backward;
  SiluMulBackward silu_mul_backward;
  CrossEntropyRow cross_entropy_row;
  SoftmaxTile softmax_tile;
  SoftmaxTileBackward softmax_tile_backward;
};

}  // namespace sputnik::kernels
