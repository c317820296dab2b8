// How sure a count is.
#pragma once

#include <cstdint>

namespace sputnik::evaluation {

// A share with its 95 % interval; all within [0, 1].
struct Share {
  double value = 0;
  double low = 0, high = 1;
};

// n_right of n by Wilson's score interval (1927, J. Am. Stat. Assoc. 22), z = 1.959964. Fractions
// of items are welcome: where an item's share of right samples stands for the item, the interval is
// wider than it need be, never narrower, for a mean of values in [0, 1] varies less than a coin. n
// = 0: nothing is known, 0 with the interval [0, 1].
Share wilson(double n_right, double n);

// The chance that at least one of k samples is right, from n >= k samples of which n_right are: 1 -
// C(n - n_right, k) / C(n, k). Unbiased (Chen et al. 2021, arXiv:2107.03374, equation 1).
double pass_at_k(std::int64_t n, std::int64_t n_right, std::int64_t k);

// McNemar's exact test (1947, Psychometrika 12) of two models on the same items: how likely at
// least so uneven a split of the items on which they differ is if neither is better. Two-sided.
double mcnemar_exact(std::int64_t n_only_first, std::int64_t n_only_second);

}  // namespace sputnik::evaluation
