// Notices that a text repeats itself without end.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace sputnik {

// A text loops when its last tokens are one period of at most kMaxPeriod tokens, again and again:
// at least kMinRepeats times and over at least kMinTokens tokens. Time per token is kMaxPeriod
// comparisons of integers. One sequence each.
class LoopDetector {
 public:
  static constexpr std::int64_t kMaxPeriod = 512;
  static constexpr std::int64_t kMinRepeats = 6;
  static constexpr std::int64_t kMinTokens = 256;

  // tokens: the text so far, with one more token at its end than at the last call.
  void feed(std::span<const std::int32_t> tokens);
  // Forgets what came before: something else begins here.
  void reset();

  bool looping() const { return looping_; }

 private:
  // For each period: how many of the last tokens equal the one a period before them.
  std::array<std::int32_t, kMaxPeriod + 1> run_{};
  std::int64_t n_fed_ = 0;
  bool looping_ = false;
};

}  // namespace sputnik
