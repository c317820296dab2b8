// The way back through norms, activations, softmax and the loss.
#include <algorithm>
#include <cmath>

#include "kernels/reference/reference_kernels.h"

namespace sputnik::kernels::reference {

void rms_norm_backward(const float* x, const float* w, const float* dy, float* dx, float* dw,
                       std::int64_t n, float eps, bool accumulate) {
  double sum_sq = 0, sum_gx = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    sum_sq += double{x[i]} * x[i];
    sum_gx += double{w[i]} * dy[i] * x[i];
  }
  const double r = 1 / std::sqrt(sum_sq / static_cast<double>(n) + static_cast<double>(eps));
  const double mean_gx = sum_gx / static_cast<double>(n);
  for (std::int64_t i = 0; i < n; ++i) {
    const double g = r * (double{w[i]} * dy[i] - x[i] * r * r * mean_gx);
    dx[i] = static_cast<float>(accumulate ? dx[i] + g : g);
    dw[i] = static_cast<float>(dw[i] + dy[i] * x[i] * r);
  }
}

void silu_mul_backward(const float* gate, const float* up, const float* dy, float* dgate,
                       float* dup, std::int64_t n, bool accumulate) {
  for (std::int64_t i = 0; i < n; ++i) {
    const double z = gate[i], s = 1 / (1 + std::exp(-z));
    const double g = double{dy[i]} * up[i] * s * (1 + z * (1 - s)), u = dy[i] * z * s;
    dgate[i] = static_cast<float>(accumulate ? dgate[i] + g : g);
    dup[i] = static_cast<float>(accumulate ? dup[i] + u : u);
  }
}

float cross_entropy_row(float* logits, std::int64_t n, std::int64_t target, float scale) {
  const double largest = *std::max_element(logits, logits + n), at_target = logits[target];
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += std::exp(logits[i] - largest);
  for (std::int64_t i = 0; i < n; ++i) {
    const double p = std::exp(logits[i] - largest) / sum;
    logits[i] = static_cast<float>(scale * (p - (i == target ? 1 : 0)));
  }
  return static_cast<float>(std::log(sum) + largest - at_target);
}

namespace {

std::int64_t visible(const AttentionTile& tile, std::int64_t row) {
  return std::clamp<std::int64_t>(tile.n_visible + row, 0, tile.width);
}

}  // namespace

void softmax_tile(const AttentionTile& tile, float* scores, float* row_max, float* row_sum,
                  float* out, std::int64_t out_stride, std::int64_t value_dim) {
  for (std::int64_t i = 0; i < tile.n_rows; ++i, scores += tile.stride, out += out_stride) {
    const std::int64_t n = visible(tile, i);
    std::fill(scores + n, scores + tile.width, 0.0f);
    if (n == 0) continue;
    const float largest = std::max(row_max[i], tile.scale * *std::max_element(scores, scores + n));
    const double rescale = std::exp(static_cast<double>(row_max[i]) - largest);
    double sum = row_sum[i] * rescale;
    for (std::int64_t j = 0; j < n; ++j) {
      scores[j] = static_cast<float>(std::exp(double{tile.scale} * scores[j] - largest));
      sum += scores[j];
    }
    for (std::int64_t d = 0; d < value_dim; ++d) out[d] = static_cast<float>(out[d] * rescale);
    row_max[i] = largest;
    row_sum[i] = static_cast<float>(sum);
  }
}

void softmax_tile_backward(const AttentionTile& tile, float* scores, float* dp,
                           const float* log_sum, const float* mean_dp) {
  for (std::int64_t i = 0; i < tile.n_rows; ++i, scores += tile.stride, dp += tile.stride) {
    const std::int64_t n = visible(tile, i);
    for (std::int64_t j = 0; j < tile.width; ++j) {
      const double p = j < n ? std::exp(double{tile.scale} * scores[j] - log_sum[i]) : 0.0;
      scores[j] = static_cast<float>(p);
      dp[j] = static_cast<float>(tile.scale * p * (static_cast<double>(dp[j]) - mean_dp[i]));
    }
  }
}

}  // namespace sputnik::kernels::reference
