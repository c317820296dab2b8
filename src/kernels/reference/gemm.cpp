// Products of packed matrices: reading elements by the formula of the contract, sums in double.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "kernels/reference/reference_kernels.h"

namespace sputnik::kernels::reference {
namespace {

float to_float(float x) {
  return x;
}
float to_float(std::uint16_t bits) {
  return std::bit_cast<float>(std::uint32_t{bits} << 16);
}

void from_float(float x, float& y) {
  y = x;
}
// Round to nearest even; a NaN keeps its sign and stays a NaN.
void from_float(float x, std::uint16_t& y) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  y = static_cast<std::uint16_t>(std::isnan(x) ? (bits >> 16) | 0x40
                                               : (bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

template <class T>
constexpr std::int64_t kGroup = static_cast<std::int64_t>(4 / sizeof(T));

template <class T>
void to_rows(const float* x, std::int64_t x_stride, std::int64_t n_rows, std::int64_t n_cols,
             void* out, std::int64_t out_stride, std::int64_t n_zeros) {
  T* y = static_cast<T*>(out);
  for (std::int64_t i = 0; i < n_rows; ++i, y += out_stride) {
    for (std::int64_t j = 0; j < n_cols; ++j) from_float(x[i * x_stride + j], y[j]);
    std::fill_n(y + n_cols, n_zeros, T{});
  }
}

// element(k, j) of a [n_k, n_j] matrix into panels of its columns.
template <class T, class F>
void pack(std::int64_t n_k, std::int64_t n_j, T* out, F element) {
  const std::int64_t n_groups = (n_k + kGroup<T> - 1) / kGroup<T>;
  for (std::int64_t panel = 0; panel * kPanelColumns < n_j; ++panel) {
    for (std::int64_t g = 0; g < n_groups; ++g) {
      for (std::int64_t c = 0; c < panel_width(n_j, panel); ++c) {
        for (std::int64_t i = 0; i < kGroup<T>; ++i) {
          const std::int64_t k = g * kGroup<T> + i, j = panel * kPanelColumns + c;
          *out++ = k < n_k && j < n_j ? element(k, j) : T{};
        }
      }
    }
  }
}

template <class T>
void pack_rows(const void* rows, std::int64_t row_stride, std::int64_t n_rows, std::int64_t n_cols,
               void* panels) {
  const T* x = static_cast<const T*>(rows);
  pack(n_rows, n_cols, static_cast<T*>(panels),
       [&](std::int64_t k, std::int64_t j) { return x[k * row_stride + j]; });
}

template <class T>
void pack_transposed(const void* rows, std::int64_t row_stride, std::int64_t n_rows,
                     std::int64_t n_cols, void* panels) {
  const T* x = static_cast<const T*>(rows);
  pack(n_cols, n_rows, static_cast<T*>(panels),
       [&](std::int64_t k, std::int64_t j) { return x[j * row_stride + k]; });
}

template <class T>
void multiply(const GemmA& a, const void* b, std::int64_t b_panel_stride, std::int64_t m,
              std::int64_t n, std::int64_t k, float* c, std::int64_t c_stride, bool accumulate) {
  const T* a_data = static_cast<const T*>(a.data);
  const T* b_data = static_cast<const T*>(b);
  const std::int64_t rounded = (k + kGroup<T> - 1) / kGroup<T> * kGroup<T>;
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      const std::int64_t panel = j / kPanelColumns, column = j % kPanelColumns;
      const T* b_panel = b_data + panel * b_panel_stride;
      double sum = accumulate ? static_cast<double>(c[i * c_stride + j]) : 0.0;
      for (std::int64_t kk = 0; kk < rounded; ++kk) {
        const std::int64_t g = kk / kGroup<T>, r = kk % kGroup<T>;
        sum += static_cast<double>(to_float(a_data[i * a.row + g * a.step + r])) *
               static_cast<double>(
                   to_float(b_panel[(g * panel_width(n, panel) + column) * kGroup<T> + r]));
      }
      c[i * c_stride + j] = static_cast<float>(sum);
    }
  }
}

template <class T>
GemmKernels kernels_of() {
  return {kGroup<T>,          static_cast<std::int64_t>(sizeof(T)),
          to_rows<T>,         pack_rows<T>,
          pack_transposed<T>, multiply<T>};
}

}  // namespace

GemmKernels gemm_f32() {
  return kernels_of<float>();
}
GemmKernels gemm_bf16() {
  return kernels_of<std::uint16_t>();
}

}  // namespace sputnik::kernels::reference
