// The outer loops of the int8 products: tiles of weights are unpacked one after the other, and each
// is applied to all tokens; with few tokens rows are multiplied as they lie (int8_rows.h). Written
// once for all instruction sets; Simd supplies the inner loops (int8_simd_*.h), Type the blocks
// (int8_types.h).
#pragma once

#include <immintrin.h>

#include "kernels/int8_activations.h"
#include "kernels/int8_tile.h"
#include "kernels/kernels.h"
#include "kernels/x86/int8_rows.h"
#include "kernels/x86/int8_types.h"

namespace sputnik::kernels {

// Where the activations and results of one tile lie.
struct Int8Tokens {
  const std::uint8_t* row;  // the first token's activation row
  std::int64_t stride;      // bytes between activation rows
  Int8RowLayout layout;
  std::int64_t first_col;  // of the tile
  float* y;                // of the tile's first row
  std::int64_t y_stride;
  int n_rows;  // of the tile, 1 .. kMatmulInt8Rows
  bool add;    // to y (a later tile of the same rows), or start from zero
};

// What has not been asked for yet of the tile that comes next. To ask for some of its rows with
// every sub that is multiplied keeps memory busy all the time, and unpacking need not wait for it.
struct Upcoming {
  const std::uint8_t* row;   // the first of them
  std::int64_t stride;       // bytes between rows
  std::int64_t n_bytes;      // of a row
  std::int64_t n_rows;       // not yet asked for
  std::int64_t at_once = 0;  // rows per prefetch()

  [[gnu::always_inline]] inline void spread_over(std::int64_t n_calls) {
    at_once = (n_rows + n_calls - 1) / n_calls;
  }
  // Into L2: L1 is full of the tile at hand.
  [[gnu::always_inline]] inline void prefetch() {
    for (std::int64_t i = 0; i < at_once && n_rows > 0; ++i, --n_rows, row += stride) {
      for (std::int64_t at = 0; at < n_bytes; at += 64) ask(row + at);
      ask(row + n_bytes - 1);
    }
  }
  [[gnu::always_inline]] static inline void ask(const std::uint8_t* p) {
    _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T1);
  }
};

// Unpacks n_blocks blocks of up to kLanes rows, of which there are n_rows before the end of the
// matrix. Missing rows count as zeros: what there is is copied to tail first.
template <class Simd, class Type>
static void unpack_rows(const std::uint8_t* rows, std::int64_t stride, std::int64_t n_rows,
                        int n_blocks, Int8Tile<Simd::kLanes>& tile, std::uint8_t* tail) {
  if (n_rows < Simd::kLanes) {
    constexpr std::int64_t kTailStride = kInt8TileCols / Type::kBlock * Type::kBlockBytes;
    __builtin_memset(tail, 0, Simd::kLanes * kTailStride);
    for (std::int64_t r = 0; r < n_rows; ++r) {
      __builtin_memcpy(tail + r * kTailStride, rows + r * stride,
                       static_cast<std::size_t>(n_blocks * Type::kBlockBytes));
    }
    rows = tail;
    stride = kTailStride;
  }
  for (int b = 0; b < n_blocks; ++b) Type::unpack(rows + b * Type::kBlockBytes, stride, tile, b);
}

// The tile after the one at (r0, c0), or no rows if that is the last.
template <class Type>
[[gnu::always_inline]] static inline Upcoming tile_after(const WeightRows& w, std::int64_t r0,
                                                         std::int64_t c0) {
  c0 += kInt8TileCols;
  if (c0 >= w.n_cols) {
    c0 = 0;
    r0 += kMatmulInt8Rows;
  }
  const std::int64_t n_rows = w.n_rows - r0 < kMatmulInt8Rows ? w.n_rows - r0 : kMatmulInt8Rows;
  const std::int64_t n_cols = w.n_cols - c0 < kInt8TileCols ? w.n_cols - c0 : kInt8TileCols;
  return {static_cast<const std::uint8_t*>(w.data) + r0 * w.row_stride_bytes +
              c0 / Type::kBlock * Type::kBlockBytes,
          w.row_stride_bytes, n_cols / Type::kBlock * Type::kBlockBytes, n_rows < 0 ? 0 : n_rows};
}

// RowType: the same blocks for few tokens, int8_rows.h.
template <class Simd, class Type, class RowType>
static void matmul_int8(const WeightRows& w, const void* x, std::int64_t x_stride_bytes,
                        std::int64_t n_tokens, float* y, std::int64_t y_stride, void* scratch) {
  if (n_tokens == 0) return;
  const auto* const first_token = static_cast<const std::uint8_t*>(x);
  switch (n_tokens <= Simd::kMostRowTokens ? n_tokens : 0) {
    case 1:
      return matmul_int8_rows<Simd, RowType, 1>(w, first_token, x_stride_bytes, y, y_stride);
    case 2:
      return matmul_int8_rows<Simd, RowType, 2>(w, first_token, x_stride_bytes, y, y_stride);
    case 3:
      return matmul_int8_rows<Simd, RowType, 3>(w, first_token, x_stride_bytes, y, y_stride);
    case 4:
      return matmul_int8_rows<Simd, RowType, 4>(w, first_token, x_stride_bytes, y, y_stride);
    default:
      break;
  }
  auto* const tiles = static_cast<Int8Tile<Simd::kLanes>*>(scratch);
  auto* const tail = static_cast<std::uint8_t*>(scratch) + kInt8TileBytes;
  Int8Tokens tokens{};
  tokens.row = first_token;
  tokens.stride = x_stride_bytes;
  tokens.layout = int8_row_layout(Type::kBlock, w.n_cols);
  tokens.y_stride = y_stride;

  for (std::int64_t r0 = 0; r0 < w.n_rows; r0 += kMatmulInt8Rows) {
    const std::int64_t n_rows = w.n_rows - r0 < kMatmulInt8Rows ? w.n_rows - r0 : kMatmulInt8Rows;
    tokens.n_rows = static_cast<int>(n_rows);
    tokens.y = y + r0;
    for (std::int64_t c0 = 0; c0 < w.n_cols; c0 += kInt8TileCols) {
      const std::int64_t n_cols = w.n_cols - c0 < kInt8TileCols ? w.n_cols - c0 : kInt8TileCols;
      const int n_blocks = static_cast<int>(n_cols / Type::kBlock);
      for (std::int64_t r = 0; r < n_rows; r += Simd::kLanes) {
        const std::uint8_t* const rows = static_cast<const std::uint8_t*>(w.data) +
                                         (r0 + r) * w.row_stride_bytes +
                                         c0 / Type::kBlock * Type::kBlockBytes;
        unpack_rows<Simd, Type>(rows, w.row_stride_bytes, w.n_rows - r0 - r, n_blocks,
                                tiles[r / Simd::kLanes], tail);
      }
      tokens.first_col = c0;
      tokens.add = c0 > 0;
      Upcoming next = tile_after<Type>(w, r0, c0);
      Simd::template multiply<Type>(tiles, n_blocks, tokens, n_tokens, next);
    }
  }
  if (w.n_cols == 0) {  // no tile has set the results
    for (std::int64_t t = 0; t < n_tokens; ++t) {
      for (std::int64_t r = 0; r < w.n_rows; ++r) y[t * y_stride + r] = 0;
    }
  }
}

template <class Simd>
static MatmulInt8 matmul_int8_of_32(DType dtype) {
  switch (dtype) {
    case DType::kQ4_0:
      return matmul_int8<Simd, Q4_0<Simd>, RowsOfQ4_0<Simd>>;
    case DType::kQ4_1:
      return matmul_int8<Simd, Q4_1<Simd>, RowsOfQ4_1<Simd>>;
    case DType::kQ5_0:
      return matmul_int8<Simd, Q5_0<Simd>, RowsOfQ5_0<Simd>>;
    case DType::kQ5_1:
      return matmul_int8<Simd, Q5_1<Simd>, RowsOfQ5_1<Simd>>;
    case DType::kQ8_0:
      return matmul_int8<Simd, Q8_0<Simd>, RowsOfQ8_0<Simd>>;
    case DType::kIQ4_NL:
      return matmul_int8<Simd, IQ4_NL<Simd>, RowsOfIQ4_NL<Simd>>;
    default:
      return nullptr;
  }
}

template <class Simd>
static MatmulInt8 matmul_int8_of_256(DType dtype) {
  switch (dtype) {
    case DType::kQ2_K:
      return matmul_int8<Simd, Q2_K<Simd>, RowsOfQ2_K<Simd>>;
    case DType::kQ3_K:
      return matmul_int8<Simd, Q3_K<Simd>, RowsOfQ3_K<Simd>>;
    case DType::kQ4_K:
      return matmul_int8<Simd, Q4_K<Simd>, RowsOfQ4_K<Simd>>;
    case DType::kQ5_K:
      return matmul_int8<Simd, Q5_K<Simd>, RowsOfQ5_K<Simd>>;
    case DType::kQ6_K:
      return matmul_int8<Simd, Q6_K<Simd>, RowsOfQ6_K<Simd>>;
    case DType::kIQ4_XS:
      return matmul_int8<Simd, IQ4_XS<Simd>, RowsOfIQ4_XS<Simd>>;
    default:
      return nullptr;
  }
}

}  // namespace sputnik::kernels
