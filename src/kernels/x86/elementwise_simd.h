// rms_norm, add, add_scaled, silu_mul, rope and float_to_half.
#pragma once

#include <cstdint>

#include "kernels/x86/simd.h"

namespace sputnik::kernels {
namespace {

// Calls whole(i) for every full vector of n elements, and part(i, n_left) for the rest.
template <class Whole, class Part>
inline void for_each_vector(std::int64_t n, Whole whole, Part part) {
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) whole(i);
  if (i < n) part(i, n - i);
}

// Four sums hide the latency of the FMA; the row is in L1 for the second pass.
inline void rms_norm_simd(const float* x, const float* w, float* y, std::int64_t n, float eps) {
  Vec sum[4] = {Simd::zero(), Simd::zero(), Simd::zero(), Simd::zero()};
  std::int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    for (int k = 0; k < 4; ++k) {
      const Vec v = Simd::load(x + i + k * kLanes);
      sum[k] = Simd::fma(v, v, sum[k]);
    }
  }
  for (; i < n; i += kLanes) {
    const Vec v = n - i >= kLanes ? Simd::load(x + i) : load_first(x + i, n - i);
    sum[0] = Simd::fma(v, v, sum[0]);
  }
  const Vec total = Simd::add(Simd::add(sum[0], sum[1]), Simd::add(sum[2], sum[3]));
  const float mean = Simd::sum_of_lanes(total) / static_cast<float>(n);
  const Vec scale = Simd::set1(1.0f / square_root(mean + eps));
  for_each_vector(
      n,
      [&](std::int64_t j) {
        Simd::store(y + j, Simd::mul(Simd::load(w + j), Simd::mul(Simd::load(x + j), scale)));
      },
      [&](std::int64_t j, std::int64_t m) {
        store_first(y + j, Simd::mul(load_first(w + j, m), Simd::mul(load_first(x + j, m), scale)),
                    m);
      });
}

inline void add_simd(const float* a, const float* b, float* y, std::int64_t n) {
  for_each_vector(
      n,
      [&](std::int64_t i) { Simd::store(y + i, Simd::add(Simd::load(a + i), Simd::load(b + i))); },
      [&](std::int64_t i, std::int64_t m) {
        store_first(y + i, Simd::add(load_first(a + i, m), load_first(b + i, m)), m);
      });
}

inline void add_scaled_simd(float s, const float* x, float* y, std::int64_t n) {
  const Vec scale = Simd::set1(s);
  for_each_vector(
      n,
      [&](std::int64_t i) {
        Simd::store(y + i, Simd::fma(scale, Simd::load(x + i), Simd::load(y + i)));
      },
      [&](std::int64_t i, std::int64_t m) {
        store_first(y + i, Simd::fma(scale, load_first(x + i, m), load_first(y + i, m)), m);
      });
}

inline void scale_simd(float s, const float* x, float* y, std::int64_t n) {
  const Vec factor = Simd::set1(s);
  for_each_vector(
      n, [&](std::int64_t i) { Simd::store(y + i, Simd::mul(factor, Simd::load(x + i))); },
      [&](std::int64_t i, std::int64_t m) {
        store_first(y + i, Simd::mul(factor, load_first(x + i, m)), m);
      });
}

inline float dot_simd(const float* a, const float* b, std::int64_t n) {
  Vec sum[4] = {Simd::zero(), Simd::zero(), Simd::zero(), Simd::zero()};
  std::int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    for (int k = 0; k < 4; ++k)
      sum[k] = Simd::fma(Simd::load(a + i + k * kLanes), Simd::load(b + i + k * kLanes), sum[k]);
  }
  for (; i + kLanes <= n; i += kLanes)
    sum[0] = Simd::fma(Simd::load(a + i), Simd::load(b + i), sum[0]);
  if (i < n) sum[1] = Simd::fma(load_first(a + i, n - i), load_first(b + i, n - i), sum[1]);
  return Simd::sum_of_lanes(Simd::add(Simd::add(sum[0], sum[1]), Simd::add(sum[2], sum[3])));
}

inline Vec silu(Vec z) {
  const Vec one = Simd::set1(1.0f);
  return Simd::div(z, Simd::add(one, exp(Simd::sub(Simd::zero(), z))));
}

inline void silu_mul_simd(const float* gate, const float* up, float* y, std::int64_t n) {
  for_each_vector(
      n,
      [&](std::int64_t i) {
        Simd::store(y + i, Simd::mul(silu(Simd::load(gate + i)), Simd::load(up + i)));
      },
      [&](std::int64_t i, std::int64_t m) {
        store_first(y + i, Simd::mul(silu(load_first(gate + i, m)), load_first(up + i, m)), m);
      });
}

// A vector holds kLanes / 2 pairs (a, b): a*cos - b*sin in the even lanes, b*cos + a*sin in the odd
// ones.
inline void rope_interleaved_simd(float* x, const float* cos, const float* sin,
                                  std::int64_t n_pairs) {
  constexpr std::int64_t kPairs = kLanes / 2;
  const auto rotated = [](Vec v, Vec c, Vec s) {
    return Simd::fma_add_sub(v, c, Simd::mul(Simd::swap_pairs(v), s));
  };
  std::int64_t i = 0;
  for (; i + kPairs <= n_pairs; i += kPairs) {
    Simd::store(x + 2 * i, rotated(Simd::load(x + 2 * i), Simd::load_twice(cos + i),
                                   Simd::load_twice(sin + i)));
  }
  if (const std::int64_t m = n_pairs - i; m > 0) {
    alignas(64) float c[kLanes], s[kLanes];
    store_first(c, load_first(cos + i, m), kLanes);
    store_first(s, load_first(sin + i, m), kLanes);
    store_first(x + 2 * i,
                rotated(load_first(x + 2 * i, 2 * m), Simd::load_twice(c), Simd::load_twice(s)),
                2 * m);
  }
}

inline void rope_half_simd(float* x, const float* cos, const float* sin, std::int64_t n_pairs) {
  float* const y = x + n_pairs;
  const auto rotated_a = [](Vec a, Vec b, Vec c, Vec s) {
    return Simd::fma_negated(b, s, Simd::mul(a, c));
  };
  const auto rotated_b = [](Vec a, Vec b, Vec c, Vec s) {
    return Simd::fma(a, s, Simd::mul(b, c));
  };
  for_each_vector(
      n_pairs,
      [&](std::int64_t i) {
        const Vec a = Simd::load(x + i), b = Simd::load(y + i), c = Simd::load(cos + i),
                  s = Simd::load(sin + i);
        Simd::store(x + i, rotated_a(a, b, c, s));
        Simd::store(y + i, rotated_b(a, b, c, s));
      },
      [&](std::int64_t i, std::int64_t m) {
        const Vec a = load_first(x + i, m), b = load_first(y + i, m);
        const Vec c = load_first(cos + i, m), s = load_first(sin + i, m);
        store_first(x + i, rotated_a(a, b, c, s), m);
        store_first(y + i, rotated_b(a, b, c, s), m);
      });
}

inline void float_to_half_simd(const float* x, std::uint16_t* y, std::int64_t n) {
  for_each_vector(
      n, [&](std::int64_t i) { Simd::store_half(y + i, Simd::load(x + i)); },
      [&](std::int64_t i, std::int64_t m) {
        std::uint16_t buffer[kLanes];
        Simd::store_half(buffer, load_first(x + i, m));
        for (std::int64_t k = 0; k < m; ++k) y[i + k] = buffer[k];
      });
}

}  // namespace
}  // namespace sputnik::kernels
