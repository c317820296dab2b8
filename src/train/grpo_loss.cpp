#include "train/grpo_loss.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/assert.h"

namespace sputnik {
namespace {

struct Term {
  double loss, kl, slope;  // slope: of loss by logp_new
  bool is_clipped;
};

Term term(double logp_new, double logp_old, double logp_ref, double advantage,
          const GrpoOptions& options) {
  const double ratio = std::exp(logp_new - logp_old);
  const double clipped = std::clamp(ratio, 1 - options.clip_low, 1 + options.clip_high);
  const double free = ratio * advantage, bounded = clipped * advantage;
  const bool cut = bounded < free;  // then nothing depends on the ratio
  const double difference = logp_ref - logp_new;
  const double kl = std::exp(difference) - difference - 1;
  return {-(std::min(free, bounded) - options.kl_coef * kl), kl,
          -(cut ? 0.0 : free) + options.kl_coef * (1 - std::exp(difference)), cut};
}

double sum(std::span<const double> x) {
  return std::accumulate(x.begin(), x.end(), 0.0);
}

}  // namespace

std::vector<double> group_advantages(std::span<const double> rewards,
                                     const AdvantageOptions& options) {
  std::vector<double> advantages(rewards.begin(), rewards.end());
  if (rewards.empty()) return advantages;
  const auto [low, high] = std::minmax_element(rewards.begin(), rewards.end());
  if (*low == *high) {
    std::fill(advantages.begin(), advantages.end(), 0.0);
    return advantages;
  }
  const auto n = static_cast<double>(rewards.size());
  const double mean = sum(rewards) / n;
  double square = 0;
  for (double& a : advantages) {
    a -= mean;
    square += a * a;
  }
  if (!options.divide_by_std) return advantages;
  const double std_deviation = std::sqrt(square / (options.sample_std ? n - 1 : n));
  for (double& a : advantages) a /= std_deviation + options.epsilon;
  return advantages;
}

GrpoResult grpo_loss(std::span<const GrpoSequence> sequences, const GrpoOptions& options) {
  GrpoResult result;
  const auto n_sequences = static_cast<double>(sequences.size());
  double n_tokens = 0;
  for (const GrpoSequence& s : sequences) {
    SPUTNIK_ASSERT(s.logp_new.size() == s.logp_old.size());
    SPUTNIK_ASSERT(s.logp_ref.size() == s.logp_new.size() ||
                   (s.logp_ref.empty() && options.kl_coef == 0));
    n_tokens += static_cast<double>(s.logp_new.size());
  }
  double n_terms = 0;
  const auto count = [&](const Term& t, double weight) {
    result.loss += weight * t.loss;
    result.mean_kl += t.kl;
    result.clip_fraction += t.is_clipped ? 1 : 0;
    n_terms += 1;
  };
  for (const GrpoSequence& s : sequences) {
    std::vector<double>& gradient = result.gradient.emplace_back(s.logp_new.size(), 0.0);
    if (gradient.empty()) continue;
    const std::span<const double> ref = s.logp_ref.empty() ? s.logp_new : s.logp_ref;
    if (options.ratio == GrpoRatio::kSequence) {
      const Term t = term(sum(s.logp_new), sum(s.logp_old), sum(ref), s.advantage, options);
      count(t, 1 / n_sequences);
      std::fill(gradient.begin(), gradient.end(), t.slope / n_sequences);
      continue;
    }
    double weight = 0;
    switch (options.aggregation) {
      case GrpoAggregation::kSequenceMean:
        weight = 1 / (n_sequences * static_cast<double>(gradient.size()));
        break;
      case GrpoAggregation::kTokenMean:
        weight = 1 / n_tokens;
        break;
      case GrpoAggregation::kConstant:
        SPUTNIK_ASSERT(options.max_length > 0);
        weight = 1 / (n_sequences * options.max_length);
        break;
      case GrpoAggregation::kSequenceSum:
        weight = 1 / n_sequences;
        break;
    }
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      const Term t = term(s.logp_new[i], s.logp_old[i], ref[i], s.advantage, options);
      count(t, weight);
      gradient[i] = weight * t.slope;
    }
  }
  if (n_terms > 0) {
    result.mean_kl /= n_terms;
    result.clip_fraction /= n_terms;
  }
  return result;
}

}  // namespace sputnik
