// Whose turn it is, and how long a prompt may hold up the others.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "engine/speculation.h"

namespace sputnik {

// Virtual token counters (Sheng et al. 2024, arXiv:2401.00588): who was served least goes first.
// Whoever comes back after a pause starts where the least served of the others is, so that nobody
// saves up turns.
class FairShare {
 public:
  // A tenant that had nothing to do has something now.
  void arrive(std::uint64_t tenant);
  void leave(std::uint64_t tenant);  // one thing less
  void charge(std::uint64_t tenant, double tokens);
  double served(std::uint64_t tenant) const;

 private:
  struct Tenant {
    double served = 0;
    std::int64_t n_active = 0;
  };
  std::unordered_map<std::uint64_t, Tenant> tenants_;
  double last_served_ = 0;  // of the last tenant to leave: where the clock stands when all pause
};

// How many tokens of prompts one pass takes beside sequences that decode: as many as were measured
// to take max_gap_ms.
class PrefillPace {
 public:
  explicit PrefillPace(double max_gap_ms) : max_gap_ms_(max_gap_ms) {}

  // A pass of n_decode rows of sequences that decode and n_prompt rows of prompts.
  void observe(std::int64_t n_decode, std::int64_t n_prompt, double ms);
  std::int64_t tokens(std::int64_t most) const;

  const StepCost& decode_cost() const { return decode_; }

 private:
  static constexpr std::int64_t kFewest = 8;
  static constexpr std::int64_t kUnmeasured = 16;

  double max_gap_ms_;
  StepCost decode_;
  double alone_ms_ = 0;      // of a pass without prompts; 0: not measured yet
  double ms_per_token_ = 0;  // of a prompt, beside others
};

}  // namespace sputnik
