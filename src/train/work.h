// How much a step has computed, as far as its cost depends on it.
#pragma once

#include "ops/batch.h"

namespace sputnik {

// Sums over sequences.
struct SequenceSums {
  double n_tokens = 0;
  double n_pairs = 0;  // of a query and a key that it sees: n (n + 1) / 2

  SequenceSums& operator+=(const SequenceSums& other) {
    n_tokens += other.n_tokens;
    n_pairs += other.n_pairs;
    return *this;
  }
};

struct TrainingWork {
  SequenceSums main;  // what the model has read
  SequenceSums mtp;   // what the prediction module has
};

inline SequenceSums sums_of(const Batch& batch) {
  SequenceSums sums;
  for (const BatchSequence& sequence : batch.sequences) {
    const auto n = static_cast<double>(sequence.n_tokens);
    sums += {n, n * (n + 1) / 2};
  }
  return sums;
}

}  // namespace sputnik
