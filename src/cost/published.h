// What DeepSeek says that its models cost: the figures that a bill is put beside.
#pragma once

namespace sputnik::published {

struct Cost {
  const char* stage;
  double gpu_hours;  // H800
  double dollars;    // at 2 dollars per hour
};

constexpr double kDollarsPerGpuHour = 2;

// DeepSeek-V3 report (arXiv:2412.19437), table 1. "Excluding the costs associated with prior
// research and ablation experiments on architectures, algorithms, or data."
constexpr Cost kV3Pretraining{"DeepSeek-V3, pretraining", 2'664'000, 5'328'000};
constexpr Cost kV3ContextExtension{"DeepSeek-V3, longer context", 119'000, 238'000};
constexpr Cost kV3PostTraining{"DeepSeek-V3, post-training", 5'000, 10'000};
constexpr Cost kV3Total{"DeepSeek-V3, all of it", 2'788'000, 5'576'000};
// DeepSeek-R1 in Nature 645 (2025), supplementary information, table 7: R1-Zero, data for
// fine-tuning (5 thousand hours), R1.
constexpr Cost kR1Zero{"DeepSeek-R1-Zero", 101'000, 202'000};
constexpr Cost kR1Total{"DeepSeek-R1 on top of V3", 147'000, 294'000};

constexpr double kV3PretrainingTokens = 14.8e12;  // section 1
// Not published: what `sputnik plan train deepseek-v3` counts for these tokens, with causal
// attention over sequences of 4096 tokens and with the prediction module. A test holds the two
// together.
constexpr double kV3PretrainingFlops = 3.86e24;

// "Insights into DeepSeek-V3" (arXiv:2505.09343), table 4, on the network that V3 was trained on:
// what each GPU computes if attention counts at causal positions only, and if it counts everywhere.
// Shares of the peak are given of 989 TFLOPS: 38.94 % and 43.73 %. Our count of the same tokens
// agrees with both if the prediction module does not count, so theirs leave it out.
constexpr double kV3Gpus = 2048;
constexpr double kV3TokensPerDay = 272.80e9;
constexpr double kV3CausalFlopsPerS = 385e12, kV3NonCausalFlopsPerS = 432e12;
constexpr double kV3CausalMfu = 0.3894;

}  // namespace sputnik::published
