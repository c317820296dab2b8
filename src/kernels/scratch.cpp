#include "kernels/scratch.h"

#include <algorithm>

namespace sputnik::kernels {

namespace {
constexpr std::int64_t kFloatBytes = sizeof(float);

constexpr std::int64_t round_up_to_line(std::int64_t n_bytes) {
  return (n_bytes + 63) / 64 * 64;
}
}  // namespace

// The reference holds one decoded row, and for the transposed product as many doubles, instead of
// tiles.
std::int64_t matmul_f32_scratch_bytes(std::int64_t n_cols) {
  const std::int64_t n_floats = std::max(3 * n_cols, kMatmulWeightFloats + kMatmulPartialFloats);
  return round_up_to_line(n_floats * kFloatBytes);
}

// A piece of keys and one of values, scores, and three numbers per query row. The reference holds
// value_dim doubles.
std::int64_t attention_scratch_bytes([[maybe_unused]] std::int64_t key_dim,
                                     std::int64_t value_dim) {
  const std::int64_t n_floats = std::max(
      2 * value_dim, 2 * kCacheBlock * kAttentionDepth + kAttentionQueries * (kCacheBlock + 3));
  return round_up_to_line(n_floats * kFloatBytes);
}

}  // namespace sputnik::kernels
