// Products of packed matrices: the tile of the result stays in registers, the panel of b in L1 or
// L2. Both forms of operands are sequences of 32-bit words, a float or two bfloat16, so everything
// but the product of two words is the same for both.
#pragma once

#include <cstdint>
#include <cstring>

#include "kernels/kernels.h"
#include "kernels/x86/simd.h"

namespace sputnik::kernels {
namespace {

struct F32Dot {
  static constexpr std::int64_t kGroup = 1;
  using A = Vec;
  using B = Vec;
  static A a(float word) { return Simd::set1(word); }
  static B b(Vec words) { return words; }
  static Vec dot(Vec sum, A x, B y) { return Simd::fma(x, y, sum); }
};

// Without an instruction for it: a bfloat16 is the upper half of a float, so products are exact.
struct Bf16ByF32Dot {
  static constexpr std::int64_t kGroup = 2;
  struct Pair {
    Vec even, odd;
  };
  using A = Pair;
  using B = Pair;
  static A a(float word) { return b(Simd::set1(word)); }
  static B b(Vec words) { return {Simd::even_bfloat16(words), Simd::odd_bfloat16(words)}; }
  static Vec dot(Vec sum, A x, B y) {
    return Simd::fma(x.odd, y.odd, Simd::fma(x.even, y.even, sum));
  }
};

// Where a and b begin, in words.
struct TileOperands {
  const char* a;
  std::int64_t a_row, a_step;
  const char* b;
  std::int64_t b_step;
  std::int64_t n_groups;
};

// kRows x (kVectors * kLanes) of c, of which the first n_cols columns exist.
template <class Dot, int kRows, int kVectors>
inline void gemm_tile(const TileOperands& t, float* c, std::int64_t c_stride, std::int64_t n_cols,
                      bool accumulate) {
  Vec sum[kRows][kVectors];
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) sum[i][j] = Simd::zero();
  }
  const char *a = t.a, *b = t.b;
  for (std::int64_t g = 0; g < t.n_groups; ++g, a += t.a_step * 4, b += t.b_step * 4) {
    typename Dot::B y[kVectors];
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j)
      y[j] = Dot::b(Simd::load(reinterpret_cast<const float*>(b) + j * kLanes));
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) {
      float word;
      std::memcpy(&word, a + i * t.a_row * 4, 4);
      const typename Dot::A x = Dot::a(word);
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) sum[i][j] = Dot::dot(sum[i][j], x, y[j]);
    }
  }
  for (int i = 0; i < kRows; ++i, c += c_stride) {
    for (int j = 0; j < kVectors; ++j) {
      float* at = c + j * kLanes;
      if (const std::int64_t n = n_cols - j * kLanes; n >= kLanes) {
        Simd::store(at, accumulate ? Simd::add(Simd::load(at), sum[i][j]) : sum[i][j]);
      } else if (n > 0) {
        store_first(at, accumulate ? Simd::add(load_first(at, n), sum[i][j]) : sum[i][j], n);
      }
    }
  }
}

template <class Dot, int kRows, int kVectors>
inline void gemm_last_rows(std::int64_t n_rows, const TileOperands& t, float* c,
                           std::int64_t c_stride, std::int64_t n_cols, bool accumulate) {
  if constexpr (kRows > 0) {
    if (n_rows == kRows) {
      gemm_tile<Dot, kRows, kVectors>(t, c, c_stride, n_cols, accumulate);
    } else {
      gemm_last_rows<Dot, kRows - 1, kVectors>(n_rows, t, c, c_stride, n_cols, accumulate);
    }
  }
}

template <class Dot, int kVectors>
inline void gemm_columns(TileOperands t, std::int64_t m, float* c, std::int64_t c_stride,
                         std::int64_t n_cols, bool accumulate) {
  constexpr int kRows = 6;
  for (; m >= kRows; m -= kRows) {
    gemm_tile<Dot, kRows, kVectors>(t, c, c_stride, n_cols, accumulate);
    t.a += kRows * t.a_row * 4;
    c += kRows * c_stride;
  }
  gemm_last_rows<Dot, kRows - 1, kVectors>(m, t, c, c_stride, n_cols, accumulate);
}

template <class Dot>
inline void gemm_simd(const GemmA& a, const void* b, std::int64_t b_panel_stride, std::int64_t m,
                      std::int64_t n, std::int64_t k, float* c, std::int64_t c_stride,
                      bool accumulate) {
  constexpr std::int64_t kGroup = Dot::kGroup;
  // Six rows of four vectors, and what is multiplied, are 29 of 32 registers; with 16 registers six
  // rows of two.
  constexpr std::int64_t kMost = Simd::kRegisters == 32 ? 4 : 2;
  const std::int64_t n_groups = (k + kGroup - 1) / kGroup, depth = kGemmDepth / kGroup;
  const std::int64_t a_row = a.row / kGroup, a_step = a.step / kGroup,
                     b_panel = b_panel_stride / kGroup;
  for (std::int64_t g = 0; g == 0 || g < n_groups; g += depth) {
    const bool add = accumulate || g > 0;
    for (std::int64_t panel = 0; panel * kPanelColumns < n; ++panel) {
      const std::int64_t width = panel_width(n, panel);
      for (std::int64_t column = 0; column < width; column += kMost * kLanes) {
        const std::int64_t vectors = (width - column) / kLanes;
        const TileOperands t{
            static_cast<const char*>(a.data) + g * a_step * 4,
            a_row,
            a_step,
            static_cast<const char*>(b) + (panel * b_panel + g * width + column) * 4,
            width,
            n_groups - g < depth ? n_groups - g : depth};
        float* at = c + panel * kPanelColumns + column;
        const std::int64_t n_cols = n - panel * kPanelColumns - column;
        if constexpr (kMost == 4) {
          if (vectors >= 4) {
            gemm_columns<Dot, 4>(t, m, at, c_stride, n_cols, add);
            continue;
          }
          if (vectors == 3) {
            gemm_columns<Dot, 3>(t, m, at, c_stride, n_cols, add);
            continue;
          }
        }
        if (vectors >= 2) {
          gemm_columns<Dot, 2>(t, m, at, c_stride, n_cols, add);
        } else {
          gemm_columns<Dot, 1>(t, m, at, c_stride, n_cols, add);
        }
      }
    }
  }
}

// -------------------------------------------------------------------------------------------------
// packing

inline void to_rows_f32(const float* x, std::int64_t x_stride, std::int64_t n_rows,
                        std::int64_t n_cols, void* out, std::int64_t out_stride,
                        std::int64_t n_zeros) {
  float* y = static_cast<float*>(out);
  for (std::int64_t i = 0; i < n_rows; ++i, x += x_stride, y += out_stride) {
    std::memcpy(y, x, static_cast<std::size_t>(n_cols) * 4);
    for (std::int64_t j = n_cols; j < n_cols + n_zeros; ++j) y[j] = 0;
  }
}

inline void to_rows_bf16(const float* x, std::int64_t x_stride, std::int64_t n_rows,
                         std::int64_t n_cols, void* out, std::int64_t out_stride,
                         std::int64_t n_zeros) {
  std::uint16_t* y = static_cast<std::uint16_t*>(out);
  for (std::int64_t i = 0; i < n_rows; ++i, x += x_stride, y += out_stride) {
    std::int64_t j = 0;
    for (; j + kLanes <= n_cols; j += kLanes) Simd::store_bfloat16(y + j, Simd::load(x + j));
    if (j < n_cols) {
      std::uint16_t buffer[kLanes];
      Simd::store_bfloat16(buffer, load_first(x + j, n_cols - j));
      for (std::int64_t r = 0; j < n_cols; ++j, ++r) y[j] = buffer[r];
    }
    for (; j < n_cols + n_zeros; ++j) y[j] = 0;
  }
}

inline void pack_rows_f32(const void* rows, std::int64_t row_stride, std::int64_t n_rows,
                          std::int64_t n_cols, void* panels) {
  float* y = static_cast<float*>(panels);
  for (std::int64_t panel = 0; panel * kPanelColumns < n_cols; ++panel) {
    const float* x = static_cast<const float*>(rows) + panel * kPanelColumns;
    const std::int64_t width = panel_width(n_cols, panel), left = n_cols - panel * kPanelColumns;
    for (std::int64_t r = 0; r < n_rows; ++r, x += row_stride, y += width) {
      for (std::int64_t j = 0; j < width; j += kLanes) {
        const std::int64_t n = left - j;
        Simd::store(y + j, n >= kLanes ? Simd::load(x + j)
                           : n > 0     ? load_first(x + j, n)
                                       : Simd::zero());
      }
    }
  }
}

inline void pack_rows_bf16(const void* rows, std::int64_t row_stride, std::int64_t n_rows,
                           std::int64_t n_cols, void* panels) {
  std::uint16_t* y = static_cast<std::uint16_t*>(panels);
  for (std::int64_t panel = 0; panel * kPanelColumns < n_cols; ++panel) {
    const std::uint16_t* x = static_cast<const std::uint16_t*>(rows) + panel * kPanelColumns;
    const std::int64_t width = panel_width(n_cols, panel), left = n_cols - panel * kPanelColumns;
    for (std::int64_t r = 0; r < n_rows; r += 2, x += 2 * row_stride, y += 2 * width) {
      const bool two = r + 1 < n_rows;
      std::int64_t j = 0;
      if (two) {
        for (; j + kLanes <= left && j < width; j += kLanes)
          Simd::interleave_bfloat16(x + j, x + row_stride + j, y + 2 * j);
      }
      for (; j < width; ++j) {
        y[2 * j] = j < left ? x[j] : std::uint16_t{0};
        y[2 * j + 1] = two && j < left ? x[row_stride + j] : std::uint16_t{0};
      }
    }
  }
}

// 32-bit words, whatever they hold.
template <std::int64_t kGroup>
inline void pack_transposed_simd(const void* rows, std::int64_t row_stride, std::int64_t n_rows,
                                 std::int64_t n_cols, void* panels) {
  alignas(64) static constexpr float kZeros[8] = {};
  const float* x = static_cast<const float*>(rows);
  float* y = static_cast<float*>(panels);
  const std::int64_t stride = row_stride / kGroup, n_words = (n_cols + kGroup - 1) / kGroup;
  for (std::int64_t panel = 0; panel * kPanelColumns < n_rows; ++panel) {
    const std::int64_t width = panel_width(n_rows, panel);
    for (std::int64_t column = 0; column < width; column += kLanes) {
      const float* sources[kLanes];
      std::int64_t n_sources = 0;
      for (std::int64_t i = 0; i < kLanes; ++i) {
        const std::int64_t row = panel * kPanelColumns + column + i;
        sources[i] = row < n_rows ? x + row * stride : kZeros;
        n_sources += row < n_rows ? 1 : 0;
      }
      std::int64_t d = 0;
      if (n_sources == kLanes) {
        for (; d + 8 <= n_words; d += 8) Simd::transpose(sources, d, y + d * width + column, width);
      }
      for (; d < n_words; ++d) {
        alignas(64) float words[kLanes] = {};
        for (std::int64_t i = 0; i < n_sources; ++i) std::memcpy(words + i, sources[i] + d, 4);
        Simd::store(y + d * width + column, Simd::load(words));
      }
    }
    y += n_words * width;
  }
}

}  // namespace
}  // namespace sputnik::kernels
