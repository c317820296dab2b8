// Logits -> token.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/sampling_params.h"

namespace sputnik {

struct TokenLogprob {
  std::int32_t id = -1;
  float logprob = 0;
};

struct SampledToken {
  std::int32_t id = -1;
  float logprob = 0;                  // of id, if asked for
  std::span<const TokenLogprob> top;  // descending; valid until the sampler's next call
};

// A number in [0, 1) for a seed and a position: the same on every machine, in any order of asking,
// so that an answer does not depend on how it was batched, interrupted or resumed.
double uniform_at(std::uint64_t seed, std::int64_t position);

// Scratch memory for choosing among vocab_size tokens; holds nothing from one call to the next.
// Time is linear in vocab_size, and no memory is allocated after construction. One thread at a
// time.
class Sampler {
 public:
  explicit Sampler(std::int64_t vocab_size);

  // logits: [vocab_size]. context: prompt and answer so far; its first n_prompt tokens are the
  // prompt; all ids are in the vocabulary. The token is to stand at position context.size(). params
  // have been checked. kCorrupt: a logit is NaN or +infinity, or all are -infinity: the weights are
  // damaged.
  // mask, if not empty: only tokens whose bit is set may come (TokenConstraint::allowed); logprobs
  // are still those of the model itself.
  Result<SampledToken> sample(std::span<const float> logits, std::span<const std::int32_t> context,
                              std::int64_t n_prompt, const SamplingParams& params,
                              std::span<const std::uint64_t> mask = {});

 private:
  // Everything that comes before or at this place in the order (larger value, then smaller id).
  struct Cut {
    float value;
    std::int32_t id;
    bool keeps(float v, std::int32_t i) const { return v > value || (v == value && i <= id); }
  };
  // Candidates in bins by their distance from the largest: where a cut falls is found by looking
  // into one bin only.
  static constexpr int kBins = 512;
  struct Bin {
    double mass = 0;
    std::int64_t count = 0;
  };

  void apply_mask(std::span<const std::uint64_t> mask);
  void apply_penalties(std::span<const std::int32_t> context, std::int64_t n_prompt,
                       const SamplingParams& params);
  std::int32_t draw(const SamplingParams& params, float largest, double u);
  void collect_candidates(float lowest_value);
  void fill_bins();
  void collect_bin(int bin);
  Cut top_k_cut(std::int64_t k, double& mass);
  Cut top_p_cut(double target, const Cut& within);
  void report_logprobs(std::span<const float> logits, float largest, const SamplingParams& params,
                       SampledToken& token);

  std::vector<float> values_;  // logits after penalties, then (logit - largest) / temperature
  std::vector<float> probabilities_;      // exp(values_)
  std::vector<std::int32_t> counts_;      // how often each token stands in the answer
  std::vector<std::int32_t> candidates_;  // ids that may pass the cuts, ascending
  std::size_t n_candidates_ = 0;
  std::array<Bin, kBins> bins_;
  std::vector<std::int32_t> in_bin_;  // ids of one bin
  std::array<TokenLogprob, kMaxTopLogprobs> top_;
};

}  // namespace sputnik
