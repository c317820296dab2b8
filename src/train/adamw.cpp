#include "train/adamw.h"

#include <algorithm>
#include <cmath>

namespace sputnik {
namespace {

constexpr std::int64_t kPiece = 1 << 14;  // values that one thread updates at a time

struct Piece {
  std::size_t moments;
  std::int64_t first, n;
};

std::vector<Parameter*> trained(ParameterStore& parameters) {
  std::vector<Parameter*> chosen;
  for (Parameter& p : parameters.all()) {
    if (p.is_trained) chosen.push_back(&p);
  }
  return chosen;
}

}  // namespace

AdamW::AdamW(ParameterStore& parameters, const AdamWOptions& options)
    : AdamW(parameters, options, trained(parameters)) {}

AdamW::AdamW(ParameterStore& parameters, const AdamWOptions& options,
             const std::vector<Parameter*>& chosen)
    : parameters_(parameters), options_(options) {
  for (Parameter* p : chosen) {
    moments_.push_back(
        {p, std::vector<float>(p->value.size(), 0.0f), std::vector<float>(p->value.size(), 0.0f)});
  }
}

std::vector<Optimizer::StateArray> AdamW::state() {
  std::vector<StateArray> arrays;
  for (Moments& moments : moments_) {
    arrays.push_back({"first", moments.parameter, moments.first});
    arrays.push_back({"second", moments.parameter, moments.second});
  }
  return arrays;
}

void AdamW::step(ThreadPool& pool, double learning_rate, double gradient_scale) {
  ++n_steps_;
  const auto t = static_cast<double>(n_steps_);
  const auto beta1 = static_cast<float>(options_.beta1);
  const auto beta2 = static_cast<float>(options_.beta2);
  const auto one_minus_beta1 = static_cast<float>(1 - options_.beta1);
  const auto one_minus_beta2 = static_cast<float>(1 - options_.beta2);
  const auto keep = static_cast<float>(1 - learning_rate * options_.weight_decay);
  const auto rate = static_cast<float>(learning_rate / (1 - std::pow(options_.beta1, t)));
  const auto root = static_cast<float>(1 / std::sqrt(1 - std::pow(options_.beta2, t)));
  const auto epsilon = static_cast<float>(options_.epsilon);
  const auto scale = static_cast<float>(gradient_scale);

  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < moments_.size(); ++i) {
    const auto size = static_cast<std::int64_t>(moments_[i].first.size());
    for (std::int64_t first = 0; first < size; first += kPiece)
      pieces.push_back({i, first, std::min(kPiece, size - first)});
  }
  pool.parallel_for(
      static_cast<std::int64_t>(pieces.size()), 4, [&](std::int64_t begin, std::int64_t end, int) {
        for (std::int64_t i = begin; i < end; ++i) {
          const Piece& piece = pieces[static_cast<std::size_t>(i)];
          Moments& moments = moments_[piece.moments];
          float* __restrict p = moments.parameter->value.data() + piece.first;
          const float* __restrict gradient = moments.parameter->gradient.data() + piece.first;
          float* __restrict m = moments.first.data() + piece.first;
          float* __restrict v = moments.second.data() + piece.first;
          for (std::int64_t j = 0; j < piece.n; ++j) {
            const float g = scale * gradient[j];
            m[j] = beta1 * m[j] + one_minus_beta1 * g;
            v[j] = beta2 * v[j] + one_minus_beta2 * g * g;
            p[j] = keep * p[j] - rate * m[j] / (std::sqrt(v[j]) * root + epsilon);
          }
        }
      });
  parameters_.changed();
}

double gradient_norm(const ParameterStore& parameters) {
  double sum = 0;
  for (const Parameter& p : parameters.all()) {
    double of_one = 0;
    for (const float g : p.gradient) of_one += static_cast<double>(g) * static_cast<double>(g);
    sum += of_one;
  }
  return std::sqrt(sum);
}

}  // namespace sputnik
