// The loss of GRPO and its relatives: DeepSeekMath (arXiv:2402.03300, eq. 3), DeepSeek-R1
// (arXiv:2501.12948), DAPO (arXiv:2503.14476), Dr. GRPO (arXiv:2503.20783). From log-probabilities
// to their gradient; the model does not appear.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sputnik {

// How the rewards of one group of answers become advantages.
struct AdvantageOptions {
  bool divide_by_std = true;  // false: reward - mean (Dr. GRPO)
  bool sample_std = false;    // n - 1 instead of n
  double epsilon = 1e-6;      // added to the standard deviation
};
// rewards: of the answers to one question. Equal rewards give 0, whatever the options.
std::vector<double> group_advantages(std::span<const double> rewards,
                                     const AdvantageOptions& options);

enum class GrpoRatio {
  kToken,
  kSequence,  // R1's formula to the letter: one ratio and one divergence for the whole answer
};

// What the terms of all tokens are divided by. B sequences; kSequence ratios are averaged over B.
enum class GrpoAggregation {
  kSequenceMean,  // mean over sequences of the mean over tokens: GRPO
  kTokenMean,     // mean over all tokens: DAPO
  kConstant,      // sum / (B * max_length): Dr. GRPO
  kSequenceSum,   // sum / B
};

struct GrpoOptions {
  GrpoRatio ratio = GrpoRatio::kToken;
  GrpoAggregation aggregation = GrpoAggregation::kSequenceMean;
  double clip_low = 0.2;  // the ratio is clipped to [1 - clip_low, 1 + clip_high]
  double clip_high = 0.2;
  double kl_coef = 0;     // beta
  double max_length = 0;  // kConstant only
};

// One answer: the log-probability of each of its tokens under the policy that learns, the one that
// wrote it, and the reference. logp_ref may be empty if kl_coef is 0.
struct GrpoSequence {
  std::span<const double> logp_new, logp_old, logp_ref;
  double advantage = 0;
};

struct GrpoResult {
  double loss = 0;           // to be minimised
  double mean_kl = 0;        // exp(ref - new) - (ref - new) - 1, per token or sequence
  double clip_fraction = 0;  // of tokens or sequences whose gradient the clip cut off
  std::vector<std::vector<double>> gradient;  // of loss by logp_new
};

// With rho = exp(new - old):
//   minus the aggregate of min(rho A, clip(rho) A) - kl_coef * (exp(ref - new) - (ref - new) - 1)
GrpoResult grpo_loss(std::span<const GrpoSequence> sequences, const GrpoOptions& options);

}  // namespace sputnik
