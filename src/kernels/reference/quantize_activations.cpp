#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>

#include "kernels/int8_activations.h"
#include "kernels/reference/reference_kernels.h"

namespace sputnik::kernels::reference {
namespace {

constexpr std::uint32_t kInfinityBits = 0x7F800000;

// max|x| as bits: magnitudes of floats compare like integers, and NaN is above infinity.
std::uint32_t max_magnitude_bits(const float* x, std::int64_t n) {
  std::uint32_t max = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    max = std::max(max, std::bit_cast<std::uint32_t>(x[i]) & 0x7FFFFFFF);
  }
  return max;
}

// Writes q and returns d.
float quantize_block(const float* x, std::int64_t n, std::int8_t* q) {
  const std::uint32_t bits = max_magnitude_bits(x, n);
  const auto max = std::bit_cast<float>(bits);
  if (bits >= kInfinityBits || max < kInt8SmallestMax) {
    std::memset(q, 0, static_cast<std::size_t>(n));
    return bits >= kInfinityBits ? std::numeric_limits<float>::quiet_NaN() : 0.0f;
  }
  const float inverse = 127.0f / max;
  for (std::int64_t i = 0; i < n; ++i) {
    q[i] = static_cast<std::int8_t>(std::nearbyintf(x[i] * inverse));
  }
  return max / 127.0f;
}

int sum(const std::int8_t* q, int n) {
  int sum = 0;
  for (int i = 0; i < n; ++i) sum += q[i];
  return sum;
}

}  // namespace

void quantize_activations(std::int64_t block, const float* x, std::int64_t n_cols, void* row) {
  const Int8RowLayout layout = int8_row_layout(block, n_cols);
  auto* const bytes = static_cast<std::byte*>(row);
  auto* const d = reinterpret_cast<float*>(bytes);
  auto* const q = reinterpret_cast<std::int8_t*>(bytes + layout.q);
  for (std::int64_t b = 0; b < n_cols / block; ++b) {
    d[b] = quantize_block(x + b * block, block, q + b * block);
  }
  auto* const sums16 = reinterpret_cast<std::int16_t*>(bytes + layout.sums16);
  for (std::int64_t i = 0; i < n_cols / 16; ++i) {
    sums16[i] = static_cast<std::int16_t>(sum(q + 16 * i, 16));
  }
  auto* const sums32 = reinterpret_cast<std::int16_t*>(bytes + layout.sums32);
  auto* const ds = reinterpret_cast<float*>(bytes + layout.ds);
  for (std::int64_t i = 0; i < n_cols / 32; ++i) {
    const int sum32 = sum(q + 32 * i, 32);
    if (block == 256) {
      sums32[i] = static_cast<std::int16_t>(sum32);
    } else {
      ds[i] = d[i] * static_cast<float>(sum32);
    }
  }
}

}  // namespace sputnik::kernels::reference
