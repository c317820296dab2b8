#include "train/muon.h"

#include <algorithm>
#include <cmath>

#include "base/assert.h"

namespace sputnik {
namespace {

using kernels::GemmKernels;

// x <- a x + b (x x^T) x + c (x x^T)^2 x maps every singular value s to a s + b s^3 + c s^5.
struct Quintic {
  float a, b, c;
};

// Jordan's polynomial lifts small singular values fast (3.4445 times) but never settles: it throws
// those near 1 about between 0.68 and 1.14. Two steps of the last one, whose slope at 1 is 0, carry
// that band to 1 with an error below 0.001 (before rounding). Ten steps, 8 + 2, are those of
// DeepSeek-V4.
constexpr Quintic kLift{3.4445f, -4.7750f, 2.0315f};
constexpr Quintic kSettle{2.0f, -1.5f, 0.5f};
constexpr Quintic kSteps[] = {kLift, kLift, kLift, kLift,   kLift,
                              kLift, kLift, kLift, kSettle, kSettle};

double multiplications(const Parameter& p) {
  const auto small = static_cast<double>(std::min(p.rows, p.cols));
  const auto large = static_cast<double>(std::max(p.rows, p.cols));
  return small * small * (2 * large + small);
}

// Uninitialised memory of at least n bytes.
void* at_least(std::vector<std::byte>& memory, std::int64_t n_bytes) {
  constexpr std::size_t kAlignment = 64;
  const std::size_t wanted = static_cast<std::size_t>(n_bytes) + kAlignment;
  if (memory.size() < wanted) memory.resize(wanted);
  void* data = memory.data();
  std::size_t space = memory.size();
  return std::align(kAlignment, static_cast<std::size_t>(n_bytes), data, space);
}

}  // namespace

void Orthogonalizer::apply(float* x, std::int64_t rows, std::int64_t cols) {
  SPUTNIK_ASSERT(rows <= cols);
  const GemmKernels& g = gemm_;
  const std::int64_t n = rows * cols;
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  if (sum == 0) return;
  // No singular value is above the length of the whole matrix.
  const double inverse = 1 / std::sqrt(sum);
  for (std::int64_t i = 0; i < n; ++i)
    x[i] = static_cast<float>(static_cast<double>(x[i]) * inverse);

  const std::int64_t x_stride = g.rounded(cols), gram_stride = g.rounded(rows);
  gram_.resize(static_cast<std::size_t>(rows * rows));
  square_.resize(gram_.size());
  void* x_rows = at_least(x_rows_, rows * x_stride * g.element_bytes);
  void* x_panels =
      at_least(x_panels_, std::max(g.panels_bytes(rows, cols), g.panels_bytes(cols, rows)));
  void* gram_rows = at_least(gram_rows_, rows * gram_stride * g.element_bytes);
  void* gram_panels = at_least(gram_panels_, g.panels_bytes(rows, rows));
  for (const Quintic& step : kSteps) {
    g.to_rows(x, cols, rows, cols, x_rows, x_stride, x_stride - cols);
    g.pack_transposed(x_rows, x_stride, rows, cols, x_panels);
    g.multiply({x_rows, x_stride, g.group}, x_panels, g.panel_stride(cols), rows, rows, cols,
               gram_.data(), rows, false);
    g.to_rows(gram_.data(), rows, rows, rows, gram_rows, gram_stride, gram_stride - rows);
    g.pack_rows(gram_rows, gram_stride, rows, rows, gram_panels);
    g.multiply({gram_rows, gram_stride, g.group}, gram_panels, g.panel_stride(rows), rows, rows,
               rows, square_.data(), rows, false);
    for (std::size_t i = 0; i < gram_.size(); ++i)
      square_[i] = step.b * gram_[i] + step.c * square_[i];
    g.to_rows(square_.data(), rows, rows, rows, gram_rows, gram_stride, gram_stride - rows);
    g.pack_rows(x_rows, x_stride, rows, cols, x_panels);
    // a x stays out of the product, so that it is not rounded.
    for (std::int64_t i = 0; i < n; ++i) x[i] *= step.a;
    g.multiply({gram_rows, gram_stride, g.group}, x_panels, g.panel_stride(rows), rows, cols, rows,
               x, cols, true);
  }
}

bool is_for_muon(const Parameter& p) {
  return p.is_trained && !p.is_vector && !p.is_router && !p.name.ends_with("embed_tokens.weight") &&
         !p.name.ends_with("lm_head.weight") && !p.name.ends_with("shared_head.head.weight");
}

namespace {

std::vector<Parameter*> left_to_adamw(ParameterStore& parameters) {
  std::vector<Parameter*> chosen;
  for (Parameter& p : parameters.all()) {
    if (p.is_trained && !is_for_muon(p)) chosen.push_back(&p);
  }
  return chosen;
}

}  // namespace

Muon::Muon(ParameterStore& parameters, const GemmKernels& gemm, const MuonOptions& options,
           const AdamWOptions& adamw)
    : gemm_(gemm), options_(options), adamw_(parameters, adamw, left_to_adamw(parameters)) {
  for (Parameter& p : parameters.all()) {
    if (is_for_muon(p)) matrices_.push_back({&p, std::vector<float>(p.value.size(), 0.0f)});
  }
  std::stable_sort(matrices_.begin(), matrices_.end(), [](const Matrix& a, const Matrix& b) {
    return multiplications(*a.parameter) > multiplications(*b.parameter);
  });
}

void Muon::step(ThreadPool& pool, double learning_rate, double gradient_scale) {
  const auto scale = static_cast<float>(gradient_scale);
  const auto mu = static_cast<float>(options_.momentum);
  const auto keep = static_cast<float>(1 - learning_rate * adamw_.options().weight_decay);
  struct Worker {
    Orthogonalizer orthogonalizer;
    std::vector<float> update;
  };
  std::vector<Worker> workers(static_cast<std::size_t>(pool.n_threads()),
                              {Orthogonalizer(gemm_), {}});
  const auto update_one = [&](Matrix& matrix, Worker& worker) {
    Parameter& p = *matrix.parameter;
    const std::span<const float> gradient = p.gradient;
    if (std::all_of(gradient.begin(), gradient.end(), [](float g) { return g == 0; })) return;
    // The iteration wants no more rows than columns: the transpose of a tall matrix.
    const bool is_tall = p.rows > p.cols;
    const std::int64_t row = is_tall ? 1 : p.cols, col = is_tall ? p.rows : 1;
    worker.update.resize(p.value.size());
    float* __restrict u = worker.update.data();
    float* __restrict m = matrix.momentum.data();
    for (std::int64_t i = 0; i < p.rows; ++i) {
      for (std::int64_t j = 0; j < p.cols; ++j) {
        const std::int64_t at = i * p.cols + j;
        const float g = scale * gradient[static_cast<std::size_t>(at)];
        m[at] = mu * m[at] + g;
        u[i * row + j * col] = g + mu * m[at];
      }
    }
    worker.orthogonalizer.apply(u, std::min(p.rows, p.cols), std::max(p.rows, p.cols));
    const auto rate = static_cast<float>(learning_rate * 0.2 *
                                         std::sqrt(static_cast<double>(std::max(p.rows, p.cols))));
    float* __restrict w = p.value.data();
    for (std::int64_t i = 0; i < p.rows; ++i) {
      for (std::int64_t j = 0; j < p.cols; ++j) {
        const std::int64_t at = i * p.cols + j;
        w[at] = keep * w[at] - rate * u[i * row + j * col];
      }
    }
  };
  pool.parallel_for(static_cast<std::int64_t>(matrices_.size()), 1,
                    [&](std::int64_t begin, std::int64_t end, int worker) {
                      for (std::int64_t i = begin; i < end; ++i) {
                        update_one(matrices_[static_cast<std::size_t>(i)],
                                   workers[static_cast<std::size_t>(worker)]);
                      }
                    });
  adamw_.step(pool, learning_rate * options_.adamw_ratio, gradient_scale);  // says changed()
}

std::vector<Optimizer::StateArray> Muon::state() {
  std::vector<StateArray> arrays;
  for (Matrix& matrix : matrices_)
    arrays.push_back({"momentum", matrix.parameter, matrix.momentum});
  for (StateArray& array : adamw_.state()) arrays.push_back(array);
  return arrays;
}

}  // namespace sputnik
