// Choices for one task, all from its seed.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/rng.h"
#include "tasks/task.h"

namespace sputnik::tasks {

class Draw {
 public:
  Draw(std::uint64_t seed, Split split) : rng_(seed), split_(split) {}

  Split split() const { return split_; }

  // Uniform in [low, high].
  std::int64_t between(std::int64_t low, std::int64_t high) {
    SPUTNIK_ASSERT(low <= high);
    // The multiplication maps 32 random bits to the range; ranges here are far below 2^32, so the
    // bias is below one in a thousand million.
    const auto size = static_cast<std::uint64_t>(high - low) + 1;
    SPUTNIK_ASSERT(size <= 1u << 31);
    return low + static_cast<std::int64_t>(((rng_.next() >> 32) * size) >> 32);
  }

  std::size_t index(std::size_t size) {
    return static_cast<std::size_t>(between(0, static_cast<std::int64_t>(size) - 1));
  }

  double uniform() { return rng_.uniform(); }

  bool chance(int percent) { return between(1, 100) <= percent; }

  template <class T>
  const T& pick(std::span<const T> choices) {
    return choices[index(choices.size())];
  }
  template <class T>
  const T& pick(const std::vector<T>& choices) {
    return choices[index(choices.size())];
  }

  std::string one_of(std::initializer_list<std::string_view> choices) {
    return std::string(choices.begin()[index(choices.size())]);
  }

  template <class T>
  void shuffle(std::vector<T>& values) {
    for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[index(i)]);
  }

  // count different values of choices, in random order.
  template <class T>
  std::vector<T> sample(std::span<const T> choices, std::size_t count) {
    SPUTNIK_ASSERT(count <= choices.size());
    std::vector<T> all(choices.begin(), choices.end());
    for (std::size_t i = 0; i < count; ++i) std::swap(all[i], all[i + index(all.size() - i)]);
    all.resize(count);
    return all;
  }

  // count different numbers in [low, high].
  std::vector<std::int64_t> distinct(std::int64_t low, std::int64_t high, std::size_t count) {
    SPUTNIK_ASSERT(high - low + 1 >= static_cast<std::int64_t>(count));
    std::vector<std::int64_t> values;
    while (values.size() < count) {
      const std::int64_t value = between(low, high);
      if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
    }
    return values;
  }

 private:
  Rng rng_;
  Split split_;
};

}  // namespace sputnik::tasks
