#include "engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/rng.h"
#include "engine/vector_math.h"

namespace sputnik {
namespace {

constexpr float kBinsPerUnit = 8;        // 512 bins reach 64 below the largest: e^-64 = 2e-28
constexpr std::int32_t kSeen = 1 << 30;  // in counts_: the repetition penalty has been applied
constexpr float kLowest = -std::numeric_limits<float>::infinity();
constexpr float kTopKFloor = -16;  // the k most probable are looked for above it first
constexpr float kMaxFloat = std::numeric_limits<float>::max();

// splitmix64's finaliser: neighbouring inputs give unrelated outputs.
std::uint64_t mix(std::uint64_t z) {
  z += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

}  // namespace

double uniform_at(std::uint64_t seed, std::int64_t position) {
  return Rng(mix(seed) ^ mix(~static_cast<std::uint64_t>(position))).uniform();
}

Sampler::Sampler(std::int64_t vocab_size)
    : values_(static_cast<std::size_t>(vocab_size)),
      probabilities_(values_.size()),
      counts_(values_.size(), 0),
      candidates_(values_.size()) {
  in_bin_.reserve(values_.size());
}

Result<SampledToken> Sampler::sample(std::span<const float> logits,
                                     std::span<const std::int32_t> context, std::int64_t n_prompt,
                                     const SamplingParams& params,
                                     std::span<const std::uint64_t> mask) {
  SPUTNIK_ASSERT(logits.size() == values_.size());
  const std::int32_t most_probable = argmax(logits);
  if (most_probable < 0) {
    return corrupt(
        "what the model computed for position {} is not a number; its weights are damaged",
        context.size());
  }
  SampledToken token;
  token.id = most_probable;
  if (params.has_penalties() || params.temperature > 0 || !mask.empty()) {
    std::copy(logits.begin(), logits.end(), values_.begin());
    std::int32_t favourite = most_probable;
    if (params.has_penalties()) apply_penalties(context, n_prompt, params);
    if (!mask.empty()) apply_mask(mask);
    if (params.has_penalties() || !mask.empty()) favourite = argmax(values_);
    if (favourite < 0)  // penalties leave numbers numbers
      return corrupt("every token that may stand at position {} is impossible", context.size());
    token.id = params.temperature > 0
                   ? draw(params, values_[favourite],
                          uniform_at(params.seed, static_cast<std::int64_t>(context.size())))
                   : favourite;
  }
  if (params.logprobs || params.top_logprobs > 0)
    report_logprobs(logits, logits[most_probable], params, token);
  return token;
}

void Sampler::apply_mask(std::span<const std::uint64_t> mask) {
  SPUTNIK_ASSERT(mask.size() * 64 >= values_.size());
  for (std::size_t word = 0; word * 64 < values_.size(); ++word) {
    const std::size_t first = word * 64, end = std::min(first + 64, values_.size());
    if (mask[word] == 0) {
      std::fill(values_.begin() + static_cast<std::ptrdiff_t>(first),
                values_.begin() + static_cast<std::ptrdiff_t>(end), kLowest);
      continue;
    }
    for (std::size_t i = first; i < end; ++i)
      if ((mask[word] >> (i - first) & 1) == 0) values_[i] = kLowest;
  }
}

void Sampler::apply_penalties(std::span<const std::int32_t> context, std::int64_t n_prompt,
                              const SamplingParams& params) {
  const auto prompt = context.first(static_cast<std::size_t>(n_prompt));
  const auto answer = context.subspan(static_cast<std::size_t>(n_prompt));
  for (const std::int32_t id : context) {
    if (counts_[id] != 0) continue;
    counts_[id] = kSeen;
    float& value = values_[id];
    if (value == kLowest) continue;
    value = value > 0 ? value / params.repetition_penalty : value * params.repetition_penalty;
    value = std::clamp(value, -kMaxFloat, kMaxFloat);
  }
  for (const std::int32_t id : answer) ++counts_[id];
  for (const std::int32_t id : answer) {
    if (counts_[id] <= kSeen) continue;  // done
    const auto n = static_cast<float>(counts_[id] - kSeen);
    values_[id] -= params.frequency_penalty * n + params.presence_penalty;
    counts_[id] = 0;
  }
  for (const std::int32_t id : prompt) counts_[id] = 0;
}

std::int32_t Sampler::draw(const SamplingParams& params, float largest, double u) {
  double mass =
      softmax_weights(values_, largest, params.temperature, probabilities_.data(), values_.data());
  const auto n = static_cast<std::int64_t>(values_.size());
  const bool limits_k = params.top_k > 0 && params.top_k < n;
  const bool limits_p = params.top_p < 1;
  // Far below the largest nothing can pass, so that the steps need not look at every token. top_p:
  // all tokens below this have less than 1 - p of the largest one's mass together.
  float floor = limits_k ? kTopKFloor : -kMaxFloat;
  if (limits_p) floor = std::log((1 - params.top_p) / static_cast<float>(n)) - 1;
  collect_candidates(floor);
  if (limits_k && static_cast<std::int64_t>(n_candidates_) < params.top_k)
    collect_candidates(-kMaxFloat);

  Cut cut{kLowest, std::numeric_limits<std::int32_t>::max()};  // keeps everything
  if (limits_k || limits_p) fill_bins();
  if (limits_k) cut = top_k_cut(params.top_k, mass);
  if (limits_p) cut = top_p_cut(static_cast<double>(params.top_p) * mass, cut);

  // By id, so that no sorting is needed: which of the kept tokens u hits is as good in any order.
  std::size_t n_kept = 0;
  double total = 0;
  for (std::size_t i = 0; i < n_candidates_; ++i) {
    const std::int32_t id = candidates_[i];
    if (!(probabilities_[id] > 0) || probabilities_[id] < params.min_p ||
        !cut.keeps(values_[id], id)) {
      continue;
    }
    candidates_[n_kept++] = id;
    total += static_cast<double>(probabilities_[id]);
  }
  SPUTNIK_ASSERT(n_kept > 0);  // the largest has probability 1 here and passes every cut
  double left = u * total;
  for (std::size_t i = 0; i < n_kept; ++i) {
    left -= static_cast<double>(probabilities_[candidates_[i]]);
    if (left < 0) return candidates_[i];
  }
  return candidates_[n_kept - 1];  // rounding
}

void Sampler::collect_candidates(float lowest_value) {
  std::size_t n = 0;
  // Without a branch, which would often be predicted wrong.
  for (std::size_t i = 0; i < values_.size(); ++i) {
    candidates_[n] = static_cast<std::int32_t>(i);
    n += values_[i] >= lowest_value ? 1 : 0;
  }
  n_candidates_ = n;
}

void Sampler::fill_bins() {
  bins_.fill({});
  for (std::size_t i = 0; i < n_candidates_; ++i) {
    const std::int32_t id = candidates_[i];
    const float at = std::min(-values_[id] * kBinsPerUnit, static_cast<float>(kBins - 1));
    Bin& bin = bins_[static_cast<std::size_t>(at)];
    bin.mass += static_cast<double>(probabilities_[id]);
    ++bin.count;
  }
}

// The candidates of one bin into in_bin_.
void Sampler::collect_bin(int bin) {
  in_bin_.clear();
  const float last = static_cast<float>(kBins - 1);
  for (std::size_t i = 0; i < n_candidates_; ++i) {
    const std::int32_t id = candidates_[i];
    if (static_cast<int>(std::min(-values_[id] * kBinsPerUnit, last)) == bin) in_bin_.push_back(id);
  }
}

// The place of the k-th token in the order, and the probability mass up to there.
Sampler::Cut Sampler::top_k_cut(std::int64_t k, double& mass) {
  mass = 0;
  std::int64_t before = 0;
  int bin = 0;
  while (bin < kBins && before + bins_[bin].count < k) {
    before += bins_[bin].count;
    mass += bins_[bin].mass;
    ++bin;
  }
  if (bin == kBins) return {kLowest, std::numeric_limits<std::int32_t>::max()};
  collect_bin(bin);
  const auto by_order = [this](std::int32_t a, std::int32_t b) {
    return values_[a] > values_[b] || (values_[a] == values_[b] && a < b);
  };
  const auto kth = in_bin_.begin() + (k - before - 1);
  std::nth_element(in_bin_.begin(), kth, in_bin_.end(), by_order);
  std::sort(in_bin_.begin(), kth, by_order);  // one order of adding up, whatever the library does
  for (auto it = in_bin_.begin(); it <= kth; ++it) mass += static_cast<double>(probabilities_[*it]);
  return {values_[*kth], *kth};
}

// The first place in the order up to which the tokens within another cut have at least the target
// mass.
Sampler::Cut Sampler::top_p_cut(double target, const Cut& within) {
  double mass = 0;
  int bin = 0;
  const int last_bin =
      static_cast<int>(std::min(-within.value * kBinsPerUnit, static_cast<float>(kBins - 1)));
  while (bin < last_bin && mass + bins_[bin].mass < target) mass += bins_[bin++].mass;
  collect_bin(bin);
  std::sort(in_bin_.begin(), in_bin_.end(), [this](std::int32_t a, std::int32_t b) {
    return values_[a] > values_[b] || (values_[a] == values_[b] && a < b);
  });
  Cut cut = within;
  for (const std::int32_t id : in_bin_) {
    if (!within.keeps(values_[id], id)) break;
    cut = {values_[id], id};
    mass += static_cast<double>(probabilities_[id]);
    if (mass >= target) break;
  }
  return cut;
}

void Sampler::report_logprobs(std::span<const float> logits, float largest,
                              const SamplingParams& params, SampledToken& token) {
  const double sum = softmax_weights(logits, largest, 1.0f, probabilities_.data(), nullptr);
  const double log_sum = static_cast<double>(largest) + std::log(sum);
  const auto logprob = [&](std::int32_t id) {
    return static_cast<float>(static_cast<double>(logits[id]) - log_sum);
  };
  token.logprob = logprob(token.id);
  const std::size_t n = std::min(static_cast<std::size_t>(params.top_logprobs), logits.size());
  if (n == 0) return;
  std::size_t size = 0;
  float threshold = kLowest;  // the n-th largest so far
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (size == n && !(logits[i] > threshold)) continue;
    // Insert behind equals, which have lower ids.
    std::size_t at = size < n ? size++ : n - 1;
    for (; at > 0 && logits[top_[at - 1].id] < logits[i]; --at) top_[at] = top_[at - 1];
    top_[at].id = static_cast<std::int32_t>(i);
    threshold = logits[top_[size - 1].id];
  }
  for (std::size_t i = 0; i < n; ++i) top_[i].logprob = logprob(top_[i].id);
  token.top = {top_.data(), n};
}

}  // namespace sputnik
