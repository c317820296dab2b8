#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "kernels/dispatch.h"
#include "kernels/kernel_cases_testing.h"

namespace sputnik::kernels {
namespace {

struct Precision {
  const char* name;
  GemmKernels KernelTable::*kernels;
};
constexpr Precision kPrecisions[] = {{"f32", &KernelTable::gemm_f32},
                                     {"bf16", &KernelTable::gemm_bf16}};

using Bytes = std::vector<std::byte>;

Bytes rows_of(const GemmKernels& g, const std::vector<float>& x, std::int64_t n_rows,
              std::int64_t n_cols) {
  Bytes rows(static_cast<std::size_t>(n_rows * g.rounded(n_cols) * g.element_bytes),
             std::byte{0xA5});
  g.to_rows(x.data(), n_cols, n_rows, n_cols, rows.data(), g.rounded(n_cols),
            g.rounded(n_cols) - n_cols);
  return rows;
}

Bytes packed(const GemmKernels& g, PackRows pack, const Bytes& rows, std::int64_t n_rows,
             std::int64_t n_cols, bool transposed) {
  const std::int64_t n_bytes =
      transposed ? g.panels_bytes(n_rows, n_cols) : g.panels_bytes(n_cols, n_rows);
  Bytes panels(static_cast<std::size_t>(n_bytes + 1), std::byte{0xA5});
  pack(rows.data(), g.rounded(n_cols), n_rows, n_cols, panels.data());
  EXPECT_EQ(panels.back(), std::byte{0xA5}) << "wrote past the end";
  panels.pop_back();
  return panels;
}

TEST(Gemm, RowsAreRoundedToNearestEvenAndPadded) {
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> x = {1.0f,     -2.5f,     0x1.01p0f,     0x1.03p0f, 0x1.010002p0f,
                                infinity, -infinity, 3.4028235e38f, 0.0f};
  const std::vector<std::uint16_t> expected = {0x3F80, 0xC020, 0x3F80, 0x3F82, 0x3F81,
                                               0x7F80, 0xFF80, 0x7F80, 0x0000, 0x0000};
  for (const KernelTable* table : supported_tables()) {
    for (std::int64_t copies : {1, 3}) {  // 9 and 27 columns: with and without whole vectors
      std::vector<float> row;
      std::vector<std::uint16_t> want, actual(32, 0xA5A5);
      for (std::int64_t i = 0; i < copies; ++i) row.insert(row.end(), x.begin(), x.end());
      for (std::int64_t i = 0; i < copies; ++i)
        want.insert(want.end(), expected.begin(), expected.begin() + 9);
      want.push_back(0);
      const auto n = static_cast<std::int64_t>(row.size());
      table->gemm_bf16.to_rows(row.data(), n, 1, n, actual.data(), n + 1, 1);
      actual.resize(want.size());
      EXPECT_EQ(actual, want) << table->name;
      const float nan = std::numeric_limits<float>::quiet_NaN();
      std::uint16_t bits[2];
      table->gemm_bf16.to_rows(&nan, 1, 1, 1, bits, 2, 1);
      EXPECT_TRUE(std::isnan(std::bit_cast<float>(std::uint32_t{bits[0]} << 16))) << table->name;
    }
  }
}

TEST(Gemm, EveryTablePacksTheSameBits) {
  for (const KernelTable* table : supported_tables()) {
    for (const auto& [name, kernels] : kPrecisions) {
      const GemmKernels &g = table->*kernels, &reference = reference_table().*kernels;
      for (const std::int64_t n_rows : {1, 2, 7, 16, 33, 64, 130}) {
        for (const std::int64_t n_cols : {1, 3, 8, 16, 48, 64, 79, 200}) {
          SCOPED_TRACE(testing::Message()
                       << table->name << " " << name << " " << n_rows << "x" << n_cols);
          const auto x = random_floats(n_rows * n_cols, 1);
          const Bytes rows = rows_of(reference, x, n_rows, n_cols);
          ASSERT_EQ(rows_of(g, x, n_rows, n_cols), rows);
          ASSERT_EQ(packed(g, g.pack_rows, rows, n_rows, n_cols, false),
                    packed(reference, reference.pack_rows, rows, n_rows, n_cols, false));
          ASSERT_EQ(packed(g, g.pack_transposed, rows, n_rows, n_cols, true),
                    packed(reference, reference.pack_transposed, rows, n_rows, n_cols, true));
        }
      }
    }
  }
}

struct Shape {
  std::int64_t m, n, k;
};

// x [m, k] and y [n, k]: the product x y^T from rows and transposed panels.
TEST(Gemm, EveryTableMatchesTheReference) {
  for (const KernelTable* table : supported_tables()) {
    for (const auto& [name, kernels] : kPrecisions) {
      const GemmKernels &g = table->*kernels, &reference = reference_table().*kernels;
      for (const Shape& s :
           {Shape{1, 1, 1}, Shape{6, 64, 64}, Shape{13, 80, 33}, Shape{5, 16, 512},
            Shape{64, 200, 48}, Shape{7, 12, 1030}, Shape{23, 130, 513}, Shape{4, 48, 0}}) {
        for (const bool accumulate : {false, true}) {
          SCOPED_TRACE(testing::Message() << table->name << " " << name << " " << s.m << "x" << s.n
                                          << "x" << s.k << " accumulate=" << accumulate);
          const Bytes a = rows_of(reference, random_floats(s.m * s.k, 1), s.m, s.k);
          const Bytes b =
              packed(reference, reference.pack_transposed,
                     rows_of(reference, random_floats(s.n * s.k, 2), s.n, s.k), s.n, s.k, true);
          const GemmA left{a.data(), g.rounded(s.k), g.group};
          const std::int64_t stride = s.n + 3;
          std::vector<float> expected = random_floats(s.m * stride, 3), actual = expected;
          reference.multiply(left, b.data(), g.panel_stride(s.k), s.m, s.n, s.k, expected.data(),
                             stride, accumulate);
          g.multiply(left, b.data(), g.panel_stride(s.k), s.m, s.n, s.k, actual.data(), stride,
                     accumulate);
          const double tolerance = 2e-6 * static_cast<double>(s.k + 1);
          for (std::size_t i = 0; i < actual.size(); ++i)
            ASSERT_NEAR(actual[i], expected[i], tolerance) << i;
        }
      }
    }
  }
}

// x^T y for x [k, m], y [k, n] from panels of both: what the gradient of a weight is.
TEST(Gemm, PanelsServeAsTheTransposeOfA) {
  for (const KernelTable* table : supported_tables()) {
    for (const auto& [name, kernels] : kPrecisions) {
      const GemmKernels& g = table->*kernels;
      const std::int64_t k = 35, m = 70, n = 50;
      const auto x = random_floats(k * m, 1), y = random_floats(k * n, 2);
      const Bytes a = packed(g, g.pack_rows, rows_of(g, x, k, m), k, m, false);
      const Bytes b = packed(g, g.pack_rows, rows_of(g, y, k, n), k, n, false);
      std::vector<float> c(static_cast<std::size_t>(m * n), 42);
      for (std::int64_t panel = 0; panel * kPanelColumns < m; ++panel) {
        const std::int64_t first = panel * kPanelColumns, width = panel_width(m, panel);
        const GemmA left{a.data() + panel * g.panel_stride(k) * g.element_bytes, g.group,
                         width * g.group};
        g.multiply(left, b.data(), g.panel_stride(k), std::min(kPanelColumns, m - first), n, k,
                   c.data() + first * n, n, false);
      }
      for (std::int64_t i = 0; i < m; ++i) {
        for (std::int64_t j = 0; j < n; ++j) {
          double sum = 0;
          for (std::int64_t t = 0; t < k; ++t) sum += double{x[t * m + i]} * y[t * n + j];
          ASSERT_NEAR(c[i * n + j], sum, g.group == 1 ? 1e-5 : 0.1) << table->name << " " << name;
        }
      }
    }
  }
}

// Independence: what else is computed in the call changes no bit of a row.
TEST(Gemm, ARowDoesNotDependOnItsNeighbours) {
  for (const KernelTable* table : supported_tables()) {
    for (const auto& [name, kernels] : kPrecisions) {
      const GemmKernels& g = table->*kernels;
      const std::int64_t m = 13, n = 100, k = 600;
      const Bytes a = rows_of(g, random_floats(m * k, 1), m, k);
      const Bytes b =
          packed(g, g.pack_transposed, rows_of(g, random_floats(n * k, 2), n, k), n, k, true);
      std::vector<float> all(static_cast<std::size_t>(m * n)), one(static_cast<std::size_t>(n));
      g.multiply({a.data(), k, g.group}, b.data(), g.panel_stride(k), m, n, k, all.data(), n,
                 false);
      for (std::int64_t i = 0; i < m; ++i) {
        g.multiply({a.data() + i * k * g.element_bytes, k, g.group}, b.data(), g.panel_stride(k), 1,
                   n, k, one.data(), n, false);
        EXPECT_TRUE(std::equal(one.begin(), one.end(), all.begin() + i * n))
            << table->name << " " << name << " row " << i;
      }
    }
  }
}

}  // namespace
}  // namespace sputnik::kernels
