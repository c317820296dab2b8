// The activations that a model's forward pass hands around.
#pragma once

#include <cstdint>

#include "base/assert.h"

namespace sputnik {

// A small value: [n_tokens, n_heads, dim] float32, dim contiguous. The memory belongs to the Ops
// that made it and lives until the next layer_boundary() or forward pass. CostOps leaves data null.
struct Tensor {
  float* data = nullptr;
  std::int64_t n_tokens = 0;
  std::int64_t n_heads = 1;
  std::int64_t dim = 0;
  std::int64_t token_stride = 0;  // in floats
  std::int64_t head_stride = 0;
  // TrainingOps: which of its variables this is a view of, so that gradients find their way back.
  std::int32_t variable = -1;

  std::int64_t width() const { return n_heads * dim; }  // numbers per token
  std::int64_t size() const { return n_tokens * width(); }
  // All heads of a token lie side by side, so that it is a [n_tokens, width()] matrix with rows
  // token_stride apart.
  bool rows_are_contiguous() const { return n_heads == 1 || head_stride == dim; }
  float* row(std::int64_t token, std::int64_t head = 0) const {
    SPUTNIK_DASSERT(0 <= token && token < n_tokens && 0 <= head && head < n_heads);
    return data + token * token_stride + head * head_stride;
  }
};

}  // namespace sputnik
