#include "train/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace sputnik {
namespace {

double share_of(std::int64_t step, std::int64_t n_steps) {
  return static_cast<double>(step) / static_cast<double>(std::max<std::int64_t>(n_steps, 1));
}

}  // namespace

double LearningRateSchedule::at(std::int64_t step, std::int64_t n_steps) const {
  if (step < warmup_steps)
    return peak * static_cast<double>(step + 1) / static_cast<double>(warmup_steps);
  const double share = share_of(step, n_steps);
  if (share >= tail_begin) return peak * tail_ratio;
  if (share >= decay_end) return peak * end_ratio;
  if (share < decay_begin) return peak;
  const double x = (share - decay_begin) / (decay_end - decay_begin);
  return peak * (end_ratio + (1 - end_ratio) * (1 + std::cos(std::numbers::pi * x)) / 2);
}

std::int64_t BatchSchedule::at(std::int64_t step, std::int64_t n_steps) const {
  const double share = share_of(step, n_steps);
  if (share >= ramp_share) return last_tokens;
  const double x = share / ramp_share;
  return first_tokens + std::llround(x * static_cast<double>(last_tokens - first_tokens));
}

double RouterBiasSchedule::at(std::int64_t step, std::int64_t n_steps) const {
  const double share = share_of(step, n_steps);
  if (share >= 1 - last_share) return 0;
  return share < first_share ? first_gamma : gamma;
}

void RouterBalance::add(std::span<const ExpertLoad> loads) {
  if (layers_.size() < loads.size()) layers_.resize(loads.size());
  for (std::size_t i = 0; i < loads.size(); ++i) {
    Layer& layer = layers_[i];
    layer.bias = loads[i].bias;
    layer.tokens.resize(loads[i].tokens.size());
    layer.idle_steps.resize(loads[i].tokens.size());
    for (std::size_t e = 0; e < layer.tokens.size(); ++e) layer.tokens[e] += loads[i].tokens[e];
  }
}

RouterBalance::Statistics RouterBalance::update(double gamma) {
  Statistics statistics;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    Layer& layer = layers_[i];
    double sum = 0;
    for (const std::int64_t n : layer.tokens) sum += static_cast<double>(n);
    std::vector<float>& shares = statistics.shares.emplace_back(layer.tokens.size(), 0.0f);
    if (sum == 0) continue;
    const double mean = sum / static_cast<double>(layer.tokens.size());
    for (std::size_t e = 0; e < layer.tokens.size(); ++e) {
      const auto load = static_cast<double>(layer.tokens[e]);
      shares[e] = static_cast<float>(load / sum);
      statistics.max_over_mean = std::max(statistics.max_over_mean, load / mean);
      layer.idle_steps[e] = layer.tokens[e] == 0 ? layer.idle_steps[e] + 1 : 0;
      if (layer.idle_steps[e] >= alarm_steps_) {
        // The name of a layer is in that of its bias: model.layers.3.mlp.gate....
        statistics.dead_experts.push_back(layer.bias != nullptr
                                              ? fmt::format("expert {} of {}", e, layer.bias->name)
                                              : fmt::format("expert {} of MoE layer {}", e, i));
      }
      if (layer.bias != nullptr && load != mean)
        layer.bias->value[e] += static_cast<float>(load < mean ? gamma : -gamma);
      layer.tokens[e] = 0;
    }
  }
  return statistics;
}

void RouterBalance::forget() {
  for (Layer& layer : layers_) std::fill(layer.tokens.begin(), layer.tokens.end(), 0);
}

}  // namespace sputnik
