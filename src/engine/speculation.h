// Guesses of the next tokens, which one forward pass checks together.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sputnik {

constexpr std::int64_t kMaxDraft = 8;

// Prompt lookup (Saxena 2023; the n-gram form of Leviathan et al. 2023, arXiv:2211.17192): what
// followed the last time that the text's last tokens stood in it. Appends at most n tokens to out;
// none if the last two tokens have not been seen together before.
void lookup_draft(std::span<const std::int32_t> tokens, std::int64_t n,
                  std::vector<std::int32_t>& out);

// What a forward pass of decoding takes: base + rows * per_row, fitted to what was measured.
class StepCost {
 public:
  void observe(std::int64_t n_rows, double ms);

  // Of one more row, as a share of a pass of n_rows. Before anything is known: an eighth.
  double share_of_a_row(std::int64_t n_rows) const;
  // Of a pass of n_rows; 0: nothing is known.
  double ms(std::int64_t n_rows) const;

 private:
  double per_row() const;  // negative: not known

  // Sums with weights that fade, for least squares.
  double w_ = 0, x_ = 0, y_ = 0, xx_ = 0, xy_ = 0;
};

// How many tokens to guess for one sequence: as many as pay, from how often its guesses came true.
// Where none pay it tries again from time to time, as texts change.
class DraftLength {
 public:
  // share: StepCost::share_of_a_row.
  std::int64_t choose(double share);
  void observe(std::int64_t n_drafted, std::int64_t n_accepted);

 private:
  double acceptance_ = 0.6;  // of a guess whose predecessors were right
  std::int64_t since_probe_ = 0;
};

}  // namespace sputnik
