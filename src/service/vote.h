// Majority vote over several answers: self-consistency (Wang et al. 2022, arXiv:2203.11171), the
// "cons@k" of the R1 paper.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "service/generation.h"

namespace sputnik::service {

// Counts final answers, as tasks::extract_answer finds them, equal ones as the same mathematics.
class Vote {
 public:
  explicit Vote(int n_answers) : n_left_(n_answers) {}

  // A whole answer. One without a final answer counts for nobody.
  void count(int choice, std::string_view text);
  // An answer that will not be counted: it was cut off or failed.
  void skip() { --n_left_; }

  // No answer that is still missing can change who wins.
  bool decided() const;
  VoteResult result() const;

 private:
  struct Candidate {
    std::string answer;
    int n_votes = 0;
    int choice = 0;
  };
  const Candidate* leader() const;

  std::vector<Candidate> candidates_;
  int n_counted_ = 0;
  int n_left_;
};

}  // namespace sputnik::service
