#include "service/vote.h"

#include <algorithm>

#include "tasks/answer.h"

namespace sputnik::service {

void Vote::count(int choice, std::string_view text) {
  --n_left_;
  const auto answer = tasks::extract_answer(text);
  if (!answer || answer->empty()) return;
  ++n_counted_;
  const auto same = std::find_if(candidates_.begin(), candidates_.end(), [&](const Candidate& c) {
    return tasks::math_equal(c.answer, *answer);
  });
  if (same == candidates_.end()) {
    candidates_.push_back({*answer, 1, choice});
    return;
  }
  ++same->n_votes;
  same->choice = std::min(same->choice, choice);
}

// Of equally many votes, the one whose first answer has the lowest number: not who came first,
// which depends on the machine.
const Vote::Candidate* Vote::leader() const {
  const auto best = std::max_element(
      candidates_.begin(), candidates_.end(), [](const Candidate& a, const Candidate& b) {
        return a.n_votes < b.n_votes || (a.n_votes == b.n_votes && a.choice > b.choice);
      });
  return best == candidates_.end() ? nullptr : &*best;
}

bool Vote::decided() const {
  if (n_left_ <= 0) return true;
  const Candidate* const first = leader();
  if (first == nullptr) return false;
  int second = 0;
  for (const Candidate& candidate : candidates_)
    if (&candidate != first) second = std::max(second, candidate.n_votes);
  return first->n_votes > second + n_left_;
}

VoteResult Vote::result() const {
  const Candidate* const first = leader();
  if (first == nullptr) return {{}, 0, n_counted_, 0};
  return {first->answer, first->n_votes, n_counted_, first->choice};
}

}  // namespace sputnik::service
