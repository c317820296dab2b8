#include "engine/speculation.h"

#include <algorithm>

namespace sputnik {
namespace {

constexpr std::int64_t kLongestGram = 4;
constexpr std::int64_t kShortestGram = 2;
constexpr double kFade = 0.98;       // of what a step's time tells about the next
constexpr double kLearn = 0.1;       // of a guess's outcome
constexpr std::int64_t kProbe = 64;  // tokens between two tries where guessing does not pay
constexpr double kWorthwhile = 1.03;

}  // namespace

void lookup_draft(std::span<const std::int32_t> tokens, std::int64_t n,
                  std::vector<std::int32_t>& out) {
  const auto size = static_cast<std::int64_t>(tokens.size());
  std::int64_t best_end = 0, best_length = kShortestGram - 1;
  // Backwards, so that of equally long matches the latest wins.
  for (std::int64_t end = size - 1; end >= kShortestGram; --end) {
    std::int64_t length = 0;
    while (length < kLongestGram && length < end &&
           tokens[static_cast<std::size_t>(end - 1 - length)] ==
               tokens[static_cast<std::size_t>(size - 1 - length)])
      ++length;
    if (length > best_length) {
      best_length = length;
      best_end = end;
      if (length == kLongestGram) break;
    }
  }
  if (best_length < kShortestGram) return;
  for (std::int64_t i = 0; i < n && best_end + i < size; ++i)
    out.push_back(tokens[static_cast<std::size_t>(best_end + i)]);
}

void StepCost::observe(std::int64_t n_rows, double ms) {
  const auto x = static_cast<double>(n_rows);
  w_ = w_ * kFade + 1;
  x_ = x_ * kFade + x;
  y_ = y_ * kFade + ms;
  xx_ = xx_ * kFade + x * x;
  xy_ = xy_ * kFade + x * ms;
}

double StepCost::per_row() const {
  const double spread = w_ * xx_ - x_ * x_;
  if (w_ < 4 || spread < 0.01 * w_ * w_) return -1;
  return std::max((w_ * xy_ - x_ * y_) / spread, 0.0);
}

double StepCost::ms(std::int64_t n_rows) const {
  if (w_ == 0) return 0;
  return y_ / w_ + std::max(per_row(), 0.0) * (static_cast<double>(n_rows) - x_ / w_);
}

double StepCost::share_of_a_row(std::int64_t n_rows) const {
  constexpr double kUnknown = 0.125;
  const double row = per_row(), pass = ms(n_rows);
  return row < 0 || pass <= 0 ? kUnknown : std::clamp(row / pass, 0.01, 1.0);
}

std::int64_t DraftLength::choose(double share) {
  std::int64_t best = 0;
  double best_rate = kWorthwhile, expected = 1, all_true = 1;
  for (std::int64_t n = 1; n <= kMaxDraft; ++n) {
    all_true *= acceptance_;
    expected += all_true;
    const double rate = expected / (1 + share * static_cast<double>(n));
    if (rate > best_rate) {
      best_rate = rate;
      best = n;
    }
  }
  if (best > 0) return best;
  if (++since_probe_ < kProbe) return 0;
  since_probe_ = 0;
  return 2;
}

void DraftLength::observe(std::int64_t n_drafted, std::int64_t n_accepted) {
  for (std::int64_t i = 0; i < n_drafted; ++i) {
    acceptance_ += kLearn * ((i < n_accepted ? 1.0 : 0.0) - acceptance_);
    if (i >= n_accepted) break;  // those behind a wrong guess tell nothing
  }
}

}  // namespace sputnik
