#include "engine/vector_math.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace sputnik {
namespace {

constexpr std::size_t kLanes = 16;
constexpr float kLowest = -std::numeric_limits<float>::infinity();
constexpr float kSmallestExponent = -87.0f;  // below it exp() leaves the normal numbers

// e^x for x <= 0: 2^n e^r with n = round(x / ln 2), the Taylor series of e^r for |r| <= ln(2)/2 up
// to r^7 / 7!, whose remainder is below 6e-9.
inline float exp_nonpositive(float x) {
  constexpr float kLog2e = 1.44269504f;
  constexpr float kLn2High = 0.693145752f, kLn2Low = 1.42860677e-6f;  // the first has 15 bits
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it leaves the integer in the low bits
  const float shifted = x * kLog2e + kRound;
  const float n = shifted - kRound;
  const float r = (x - n * kLn2High) - n * kLn2Low;
  float sum = 1.0f / 5040;
  sum = sum * r + 1.0f / 720;
  sum = sum * r + 1.0f / 120;
  sum = sum * r + 1.0f / 24;
  sum = sum * r + 1.0f / 6;
  sum = sum * r + 0.5f;
  sum = sum * r + 1.0f;
  sum = sum * r + 1.0f;
  const std::uint32_t power = std::bit_cast<std::uint32_t>(shifted) << 23;  // n, as an exponent
  // A mask rather than a choice: compilers do not vectorise what they may not compute in vain.
  const std::uint32_t mask = x >= kSmallestExponent ? 0xffffffffu : 0u;
  return std::bit_cast<float>((std::bit_cast<std::uint32_t>(sum) + power) & mask);
}

}  // namespace

std::int32_t argmax(std::span<const float> values) {
  float lanes[kLanes];
  std::fill_n(lanes, kLanes, kLowest);
  std::uint32_t good[kLanes];
  std::fill_n(good, kLanes, 1u);
  std::size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    const float* v = values.data() + i;
    for (std::size_t j = 0; j < kLanes; ++j) {
      good[j] &= v[j] <= std::numeric_limits<float>::max() ? 1u : 0u;
      lanes[j] = v[j] > lanes[j] ? v[j] : lanes[j];
    }
  }
  float largest = kLowest;
  bool all_good = true;
  for (std::size_t j = 0; j < kLanes; ++j) {
    largest = std::max(largest, lanes[j]);
    all_good = all_good && good[j] != 0;
  }
  for (; i < values.size(); ++i) {
    all_good = all_good && values[i] <= std::numeric_limits<float>::max();
    largest = values[i] > largest ? values[i] : largest;
  }
  if (!all_good || largest == kLowest) return -1;
  return static_cast<std::int32_t>(std::find(values.begin(), values.end(), largest) -
                                   values.begin());
}

double softmax_weights(std::span<const float> x, float largest, float temperature, float* y,
                       float* exponents) {
  double lanes[kLanes] = {};
  const auto block = [&](const float* in, float* out, float* out_exponents) {
    float e[kLanes];
    for (std::size_t j = 0; j < kLanes; ++j) e[j] = (in[j] - largest) / temperature;
    for (std::size_t j = 0; j < kLanes; ++j) out[j] = exp_nonpositive(e[j]);
    for (std::size_t j = 0; j < kLanes; ++j) lanes[j] += static_cast<double>(out[j]);
    for (std::size_t j = 0; j < kLanes; ++j) out_exponents[j] = e[j];
  };
  float unused[kLanes];
  const std::size_t n_whole = x.size() / kLanes * kLanes;
  for (std::size_t i = 0; i < n_whole; i += kLanes)
    block(x.data() + i, y + i, exponents == nullptr ? unused : exponents + i);
  if (n_whole < x.size()) {
    // The rest in a block of its own; what is not there weighs nothing.
    float in[kLanes], out[kLanes], e[kLanes];
    std::fill_n(in, kLanes, kLowest);
    std::copy(x.begin() + static_cast<std::ptrdiff_t>(n_whole), x.end(), in);
    block(in, out, e);
    std::copy_n(out, x.size() - n_whole, y + n_whole);
    if (exponents != nullptr) std::copy_n(e, x.size() - n_whole, exponents + n_whole);
  }
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  return sum;
}

}  // namespace sputnik
