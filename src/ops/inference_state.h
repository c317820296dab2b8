// Private to InferenceOps: what its parts share.
#pragma once

#include <cstring>
#include <memory>
#include <vector>

#include "ops/inference_ops.h"
#include "ops/router.h"
#include "tensor/arena.h"

namespace sputnik {

struct InferenceOps::State {
  State(const kernels::KernelTable& k, ThreadPool& p, const KvCache& c, Numerics n)
      : kernels(k), pool(p), cache(c), numerics(n) {}

  const kernels::KernelTable& kernels;
  ThreadPool& pool;
  const KvCache cache;
  const Numerics numerics;

  // Activations of the layer that is computed now, and the residual stream that layer_boundary()
  // carries over from the one before.
  Arena layer_arena;
  Arena boundary_arena;
  Arena& arena() { return layer_arena; }

  // Cosines and sines of this batch, made once per Rope and pass.
  struct RopeTable {
    const Rope* rope;
    const std::int64_t* positions;
    std::int64_t n_positions;
    float* cos;
    float* sin;
  };
  Arena rope_arena;
  std::vector<RopeTable> rope_tables;

  // The activations quantised last: q, k and v (gate and up) are products of the same input.
  struct QuantizedActivations {
    Tensor source;
    std::int64_t block = 0;
    std::byte* rows = nullptr;
  };
  QuantizedActivations last_quantized;

  std::vector<RouterScratch> router_scratch;  // per thread

  Tensor make(std::int64_t n_tokens, std::int64_t n_heads, std::int64_t dim) {
    return {arena().allocate_span<float>(n_tokens * n_heads * dim).data(),
            n_tokens,
            n_heads,
            dim,
            n_heads * dim,
            dim};
  }
  std::byte* make_bytes(std::int64_t n) { return static_cast<std::byte*>(arena().allocate(n)); }

  // One piece of scratch memory per thread, for the time of one operation.
  struct PerThread {
    std::byte* base;
    std::int64_t stride;
    std::byte* of(int worker) const { return base + worker * stride; }
  };
  PerThread per_thread(std::int64_t bytes) {
    const std::int64_t stride = (bytes + 63) / 64 * 64;
    return {make_bytes(stride * pool.n_threads()), stride};
  }

  bool uses_int8(const Weight& w) const {
    return numerics.int8_activations && is_quantized_block(w.dtype);
  }

  // A tensor whose rows are contiguous: x itself or a copy.
  Tensor compact(const Tensor& x);

  // n rows of int8 activations from rows of n_cols floats that lie stride apart. For memory of the
  // caller's own.
  void quantize_rows(std::int64_t block, const float* x, std::int64_t stride, std::int64_t n,
                     std::int64_t n_cols, std::byte* out) const;

  // For all rows of x, in parallel; remembered for the next product with the same input.
  std::byte* quantized(const Tensor& x, std::int64_t block);

  // y = x W^T for rows [first, first + n) of w, all tokens of x, on this thread. rows: quantised x
  // or null.
  void matmul_rows(const Weight& w, std::int64_t first, std::int64_t n, const Tensor& x,
                   const std::byte* rows, float* y, std::int64_t y_stride,
                   std::byte* scratch) const;
  std::int64_t matmul_scratch_bytes(const Weight& w) const;

  // Writes n floats to element `at` of a cached row, in the cache's type.
  void store(const float* x, std::int64_t n, std::byte* cached_row, std::int64_t at) const;

  // softmax(scale * q k^T) v for query heads [T, H, key_dim] that share num_kv_heads keys and
  // values, into out [T, H, value_dim].
  struct AttentionShape {
    std::int64_t key_dim, value_dim;
    std::int64_t num_kv_heads;
    std::int64_t layer;
    bool values_are_keys;  // absorbed MLA: a value is the front of its key
  };
  void attend(const Tensor& q, const AttentionShape& shape, float scale, const Batch& batch,
              const Tensor& out);

  // Rows of weights that one thread takes at a time.
  std::int64_t row_grain(std::int64_t n_rows, std::int64_t n_matrices = 1) const;
};

}  // namespace sputnik
