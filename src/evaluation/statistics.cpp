#include "evaluation/statistics.h"

#include <algorithm>
#include <cmath>

#include "base/assert.h"

namespace sputnik::evaluation {

Share wilson(double n_right, double n) {
  SPUTNIK_ASSERT(0 <= n_right && n_right <= n);
  if (n == 0) return {};
  constexpr double z = 1.959963984540054;  // of the normal distribution, 97.5 %
  const double p = n_right / n, z2 = z * z;
  const double centre = (p + z2 / (2 * n)) / (1 + z2 / n);
  const double half = z / (1 + z2 / n) * std::sqrt(p * (1 - p) / n + z2 / (4 * n * n));
  // The formula gives exactly 0 and 1 at the ends, but for rounding.
  return {p, n_right == 0 ? 0 : std::max(0.0, centre - half),
          n_right == n ? 1 : std::min(1.0, centre + half)};
}

double pass_at_k(std::int64_t n, std::int64_t n_right, std::int64_t k) {
  SPUTNIK_ASSERT(1 <= k && k <= n && 0 <= n_right && n_right <= n);
  if (n - n_right < k) return 1;
  // The quotient of binomials as a product of factors below 1.
  double all_wrong = 1;
  for (std::int64_t i = n - n_right + 1; i <= n; ++i)
    all_wrong *= 1 - static_cast<double>(k) / static_cast<double>(i);
  return 1 - all_wrong;
}

double mcnemar_exact(std::int64_t n_only_first, std::int64_t n_only_second) {
  SPUTNIK_ASSERT(n_only_first >= 0 && n_only_second >= 0);
  const std::int64_t n = n_only_first + n_only_second;
  const auto log_factorial = [](std::int64_t i) { return std::lgamma(static_cast<double>(i) + 1); };
  // Twice the smaller tail of Binomial(n, 1/2).
  double tail = 0;
  for (std::int64_t i = 0; i <= std::min(n_only_first, n_only_second); ++i) {
    tail += std::exp(log_factorial(n) - log_factorial(i) - log_factorial(n - i) -
                     static_cast<double>(n) * std::log(2.0));
  }
  return std::min(1.0, 2 * tail);
}

}  // namespace sputnik::evaluation
