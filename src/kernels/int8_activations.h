// Where the parts of a row of int8 activations lie, in this order, each beginning at a multiple of
// 64 bytes from the start of the row. What they mean: QuantizeActivations in kernels.h.
//
//   block 256:  float d[n/256]  int16 sums16[n/16]  int16 sums32[n/32]  int8 q[n]
//   block 32:   float d[n/32]   int16 sums16[n/16]  float ds[n/32]      int8 q[n]
//
// Included by files that are compiled for one instruction set, hence always_inline: no copy of
// these functions may reach the linker.
#pragma once

#include <cstdint>

namespace sputnik::kernels {

struct Int8RowLayout {  // byte offsets
  std::int64_t sums16;
  std::int64_t sums32;  // block 256 only
  std::int64_t ds;      // block 32 only
  std::int64_t q;
  std::int64_t bytes;  // of the whole row, a multiple of 64
};

[[gnu::always_inline]] constexpr inline std::int64_t round_up_to_cache_line(std::int64_t n_bytes) {
  return (n_bytes + 63) & ~std::int64_t{63};
}

// n_cols is a multiple of block, which is 32 or 256.
[[gnu::always_inline]] constexpr inline Int8RowLayout int8_row_layout(std::int64_t block,
                                                                      std::int64_t n_cols) {
  Int8RowLayout layout{};
  layout.sums16 = round_up_to_cache_line(n_cols / block * 4);
  const std::int64_t end = layout.sums16 + round_up_to_cache_line(n_cols / 16 * 2);
  layout.sums32 = end;
  layout.ds = end;
  layout.q = end + round_up_to_cache_line(n_cols / 32 * (block == 256 ? 2 : 4));
  layout.bytes = layout.q + round_up_to_cache_line(n_cols);
  return layout;
}

// Blocks whose largest value is below this are zero: 127 / max would overflow.
constexpr float kInt8SmallestMax = 1e-30f;

}  // namespace sputnik::kernels
