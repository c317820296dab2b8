#include "train/muon.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "autograd/trainable_model.h"
#include "base/rng.h"
#include "kernels/dispatch.h"
#include "train/micro_model_testing.h"

namespace sputnik {
namespace {

using Matrix = std::vector<double>;  // row-major

double normal(Rng& rng) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += rng.uniform();
  return sum;
}

Matrix transposed(const Matrix& x, std::int64_t rows, std::int64_t cols) {
  Matrix y(x.size());
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < cols; ++j)
      y[static_cast<std::size_t>(j * rows + i)] = x[static_cast<std::size_t>(i * cols + j)];
  }
  return y;
}

// a [m, k] times b [n, k] transposed.
Matrix product(const Matrix& a, const Matrix& b, std::int64_t m, std::int64_t n, std::int64_t k) {
  Matrix c(static_cast<std::size_t>(m * n));
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      double sum = 0;
      for (std::int64_t l = 0; l < k; ++l)
        sum += a[static_cast<std::size_t>(i * k + l)] * b[static_cast<std::size_t>(j * k + l)];
      c[static_cast<std::size_t>(i * n + j)] = sum;
    }
  }
  return c;
}

double length(const Matrix& x) {
  double sum = 0;
  for (const double value : x) sum += value * value;
  return std::sqrt(sum);
}

// U V^T by Newton's iteration s <- 1.5 s - 0.5 s^3, which converges for every s in (0, 1]: another
// polynomial than the one that is tested, and as many steps as it takes.
Matrix exact_orthogonal(Matrix x, std::int64_t rows, std::int64_t cols) {
  const bool is_tall = rows > cols;
  if (is_tall) {
    x = transposed(x, rows, cols);
    std::swap(rows, cols);
  }
  const double norm = length(x);
  for (double& value : x) value /= norm;
  for (int step = 0; step < 100; ++step) {
    const Matrix gram = product(x, x, rows, rows, cols);
    const Matrix cubic = product(gram, transposed(x, rows, cols), rows, cols, rows);
    double change = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double next = 1.5 * x[i] - 0.5 * cubic[i];
      change = std::max(change, std::abs(next - x[i]));
      x[i] = next;
    }
    if (change < 1e-12) break;
  }
  return is_tall ? transposed(x, rows, cols) : x;
}

double relative_distance(std::span<const float> x, const Matrix& exact) {
  Matrix difference(exact.size());
  for (std::size_t i = 0; i < exact.size(); ++i)
    difference[i] = static_cast<double>(x[i]) - exact[i];
  return length(difference) / length(exact);
}

struct Precision {
  const char* name;
  kernels::GemmKernels kernels::KernelTable::*gemm;
  double tolerance;
};
constexpr Precision kPrecisions[] = {{"float32", &kernels::KernelTable::gemm_f32, 2e-3},
                                     {"bfloat16", &kernels::KernelTable::gemm_bf16, 2e-2}};

TEST(Orthogonalizer, MakesAllSingularValuesOne) {
  struct Size {
    std::int64_t rows, cols;
  };
  for (const kernels::KernelTable* table : kernels::all_tables()) {
    if (!table->supported()) continue;
    for (const Precision& precision : kPrecisions) {
      Orthogonalizer orthogonalizer(table->*precision.gemm);
      double worst = 0, worst_gram = 0;
      for (const Size size : {Size{1, 1}, {1, 7}, {3, 5}, {33, 65}, {80, 192}, {64, 130}}) {
        Rng rng(static_cast<std::uint64_t>(size.rows));
        std::vector<float> x(static_cast<std::size_t>(size.rows * size.cols));
        for (float& value : x) value = static_cast<float>(normal(rng) * 1e-3);
        const Matrix exact = exact_orthogonal(Matrix(x.begin(), x.end()), size.rows, size.cols);
        orthogonalizer.apply(x.data(), size.rows, size.cols);
        worst = std::max(worst, relative_distance(x, exact));
        const Matrix result(x.begin(), x.end());
        Matrix gram = product(result, result, size.rows, size.rows, size.cols);
        for (std::int64_t i = 0; i < size.rows; ++i)
          gram[static_cast<std::size_t>(i * size.rows + i)] -= 1;
        // The spectral norm of X X^T - I is at most its length: no singular value is further off.
        worst_gram = std::max(worst_gram, length(gram));
      }
      fmt::print("{} {}: off by {:.1e}, |X X^T - I| {:.1e}\n", table->name, precision.name, worst,
                 worst_gram);
      EXPECT_LE(worst, precision.tolerance) << table->name << precision.name;
      EXPECT_LE(worst_gram, 10 * precision.tolerance) << table->name << precision.name;
    }
  }
}

// Momentum has a few large singular values and many small ones. Those of this matrix fall from 1 to
// 0.001 of the largest; it is made of a random orthogonal matrix, so they are known.
TEST(Orthogonalizer, LiftsSmallSingularValues) {
  constexpr std::int64_t kRows = 48, kCols = 96;
  Rng rng(3);
  Matrix x(static_cast<std::size_t>(kRows * kCols));
  for (double& value : x) value = normal(rng);
  const Matrix exact = exact_orthogonal(x, kRows, kCols);
  std::vector<float> scaled(x.size());
  for (std::int64_t i = 0; i < kRows; ++i) {
    const double s = std::pow(1e-3, static_cast<double>(i) / (kRows - 1));
    for (std::int64_t j = 0; j < kCols; ++j) {
      const auto at = static_cast<std::size_t>(i * kCols + j);
      scaled[at] = static_cast<float>(s * exact[at]);
    }
  }
  for (const kernels::KernelTable* table : kernels::all_tables()) {
    if (!table->supported()) continue;
    for (const Precision& precision : kPrecisions) {
      std::vector<float> result = scaled;
      Orthogonalizer(table->*precision.gemm).apply(result.data(), kRows, kCols);
      const double distance = relative_distance(result, exact);
      fmt::print("{} {}: off by {:.1e}\n", table->name, precision.name, distance);
      EXPECT_LE(distance, 5 * precision.tolerance) << table->name << precision.name;
    }
  }
}

TEST(Orthogonalizer, ZeroStaysZeroAndTinyNumbersAreNumbersStill) {
  Orthogonalizer orthogonalizer(kernels::choose_table("").value()->gemm_bf16);
  std::vector<float> x(6, 0.0f);
  orthogonalizer.apply(x.data(), 2, 3);
  EXPECT_EQ(x, std::vector<float>(6, 0.0f));
  x[0] = 1e-40f;
  x[5] = -1e-40f;
  orthogonalizer.apply(x.data(), 2, 3);
  EXPECT_NEAR(x[0], 1, 2e-2);
  EXPECT_NEAR(x[5], -1, 2e-2);
  EXPECT_NEAR(x[1], 0, 2e-2);
}

// A wide and a tall matrix, and one of everything that AdamW keeps.
void fill(ParameterStore& store) {
  Rng rng(1);
  store.add("wide.weight", 24, 40);
  store.add("model.embed_tokens.weight", 50, 24);
  store.add("tall.weight", 70, 20);
  store.add("norm.weight", 1, 24);
  store.add("model.layers.0.mlp.gate.weight", 8, 24);
  store.add("model.layers.0.mlp.gate.e_score_correction_bias", 1, 8);
  for (Parameter& p : store.all()) {
    for (std::size_t i = 0; i < p.value.size(); ++i) {
      p.value[i] = static_cast<float>(normal(rng));
      p.gradient[i] = static_cast<float>(normal(rng));
    }
  }
}

std::vector<float> values(const ParameterStore& store) {
  std::vector<float> all;
  for (const Parameter& p : store.all()) all.insert(all.end(), p.value.begin(), p.value.end());
  return all;
}

const kernels::GemmKernels& bf16() {
  return kernels::choose_table("").value()->gemm_bf16;
}

TEST(Muon, StepsAreThoseOfTheDefinition) {
  constexpr double kRate = 0.03, kScale = 0.5;
  const MuonOptions options{0.9, 0.25};
  ThreadPool pool(1);
  ParameterStore store, plain;
  fill(store);
  fill(plain);
  Muon muon(store, kernels::choose_table("").value()->gemm_f32, options, {});
  AdamW adamw(plain, {});
  std::map<std::string, Matrix> weights, momenta;
  for (const Parameter& p : store.all()) {
    weights[p.name].assign(p.value.begin(), p.value.end());
    momenta[p.name].assign(p.value.size(), 0);
  }
  for (int step = 0; step < 3; ++step) {
    for (const Parameter& p : store.all()) {
      Matrix &w = weights[p.name], &m = momenta[p.name], update(m.size());
      for (std::size_t i = 0; i < m.size(); ++i) {
        const double g = kScale * static_cast<double>(p.gradient[i]);
        m[i] = 0.9 * m[i] + g;
        update[i] = g + 0.9 * m[i];
      }
      update = exact_orthogonal(update, p.rows, p.cols);
      const double factor = 0.2 * std::sqrt(static_cast<double>(std::max(p.rows, p.cols)));
      for (std::size_t i = 0; i < m.size(); ++i) w[i] -= kRate * (0.1 * w[i] + factor * update[i]);
    }
    const std::int64_t version = store.version();
    muon.step(pool, kRate, kScale);
    EXPECT_GT(store.version(), version);
    adamw.step(pool, kRate * 0.25, kScale);
    Rng rng(static_cast<std::uint64_t>(step) + 10);
    for (std::size_t i = 0; i < store.all().size(); ++i) {
      const Parameter& p = store.all()[i];
      for (std::size_t j = 0; j < p.gradient.size(); ++j)
        p.gradient[j] = plain.all()[i].gradient[j] = static_cast<float>(normal(rng));
    }
  }
  EXPECT_EQ(muon.n_steps(), 3);
  for (std::size_t i = 0; i < store.all().size(); ++i) {
    const Parameter& p = store.all()[i];
    const bool is_matrix = p.name == "wide.weight" || p.name == "tall.weight";
    EXPECT_EQ(is_for_muon(p), is_matrix) << p.name;
    for (std::size_t j = 0; j < p.value.size(); ++j) {
      if (is_matrix) {
        ASSERT_NEAR(p.value[j], weights[p.name][j], 5e-4 * kRate) << p.name << " " << j;
      } else {
        ASSERT_EQ(p.value[j], plain.all()[i].value[j]) << p.name << " " << j;
      }
    }
  }
}

TEST(Muon, ThreadsChangeNoBit) {
  std::vector<std::vector<float>> results;
  for (const int n_threads : {1, 3}) {
    ThreadPool pool(n_threads);
    ParameterStore store;
    fill(store);
    Muon muon(store, bf16(), {}, {});
    for (int i = 0; i < 3; ++i) muon.step(pool, 1e-2);
    results.push_back(values(store));
  }
  EXPECT_EQ(results[0], results[1]);
}

// The mean square of an update, without decay, is 0.2^2 whatever the shape.
TEST(Muon, UpdatesAreAsLargeAsThoseOfAdamW) {
  ThreadPool pool(1);
  ParameterStore store;
  fill(store);
  const std::vector<float> before = values(store);
  AdamWOptions no_decay;
  no_decay.weight_decay = 0;
  Muon(store, bf16(), {}, no_decay).step(pool, 1);
  std::size_t i = 0;
  for (const Parameter& p : store.all()) {
    double sum = 0;
    for (std::size_t j = 0; j < p.value.size(); ++j, ++i) {
      const double moved = static_cast<double>(p.value[j]) - static_cast<double>(before[i]);
      sum += moved * moved;
    }
    if (!is_for_muon(p)) continue;
    EXPECT_NEAR(std::sqrt(sum / static_cast<double>(p.value.size())), 0.2, 4e-3);
  }
}

TEST(Muon, AMatrixWithoutAGradientStaysAsItIs) {
  ThreadPool pool(1);
  ParameterStore store;
  fill(store);
  Muon muon(store, bf16(), {}, {});
  muon.step(pool, 1e-2);
  Parameter& wide = *store.find("wide.weight");
  std::fill(wide.gradient.begin(), wide.gradient.end(), 0.0f);
  const auto arrays = muon.state();
  const auto of_wide = std::find_if(arrays.begin(), arrays.end(),
                                    [&](const auto& array) { return array.parameter == &wide; });
  ASSERT_NE(of_wide, arrays.end());
  const std::vector<float> before(wide.value.begin(), wide.value.end());
  const std::vector<float> momentum(of_wide->values.begin(), of_wide->values.end());
  ASSERT_NE(momentum, std::vector<float>(momentum.size(), 0.0f));
  muon.step(pool, 1e-2);
  EXPECT_TRUE(std::equal(before.begin(), before.end(), wide.value.begin()));
  EXPECT_TRUE(std::equal(momentum.begin(), momentum.end(), of_wide->values.begin()));
}

TEST(Muon, TakesTheMatricesOfLayersAndLeavesTheRestToAdamW) {
  const TrainableModel model = TrainableModel::create(micro_config(), {0.05, 1}).value();
  std::set<std::string> left;
  for (const Parameter& p : model.parameters->all()) {
    if (is_for_muon(p) || p.is_vector) continue;
    left.insert(p.name);
  }
  EXPECT_EQ(left, (std::set<std::string>{"lm_head.weight", "model.embed_tokens.weight",
                                         "model.layers.1.mlp.gate.weight",
                                         "model.layers.2.mlp.gate.weight"}));
  EXPECT_TRUE(
      is_for_muon(*model.parameters->find("model.layers.1.mlp.experts.7.down_proj.weight")));
  EXPECT_TRUE(is_for_muon(*model.parameters->find("model.layers.2.eh_proj.weight")));
}

}  // namespace
}  // namespace sputnik
