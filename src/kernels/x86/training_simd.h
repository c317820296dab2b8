// The way back through norms, activations, softmax and the loss.
#pragma once

#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/x86/simd.h"

namespace sputnik::kernels {
namespace {

// f(i, n): the n <= kLanes elements from i on.
template <class F>
inline void in_vectors(std::int64_t n, F f) {
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) f(i, std::int64_t{kLanes});
  if (i < n) f(i, n - i);
}
inline Vec load_n(const float* p, std::int64_t n) {
  return n == kLanes ? Simd::load(p) : load_first(p, n);
}
inline void store_n(float* p, Vec x, std::int64_t n) {
  if (n == kLanes) {
    Simd::store(p, x);
  } else {
    store_first(p, x, n);
  }
}
inline void put(float* p, Vec x, std::int64_t n, bool accumulate) {
  store_n(p, accumulate ? Simd::add(load_n(p, n), x) : x, n);
}

inline void rms_norm_backward_simd(const float* x, const float* w, const float* dy, float* dx,
                                   float* dw, std::int64_t n, float eps, bool accumulate) {
  Vec sum_sq[2] = {Simd::zero(), Simd::zero()}, sum_gx[2] = {Simd::zero(), Simd::zero()};
  int k = 0;
  in_vectors(n, [&](std::int64_t i, std::int64_t m) {
    const Vec v = load_n(x + i, m), g = Simd::mul(load_n(w + i, m), load_n(dy + i, m));
    sum_sq[k] = Simd::fma(v, v, sum_sq[k]);
    sum_gx[k] = Simd::fma(g, v, sum_gx[k]);
    k ^= 1;
  });
  const float count = static_cast<float>(n);
  const float mean_sq = Simd::sum_of_lanes(Simd::add(sum_sq[0], sum_sq[1])) / count;
  const float mean_gx = Simd::sum_of_lanes(Simd::add(sum_gx[0], sum_gx[1])) / count;
  const float r = 1.0f / square_root(mean_sq + eps);
  const Vec vr = Simd::set1(r), along = Simd::set1(r * r * mean_gx);
  in_vectors(n, [&](std::int64_t i, std::int64_t m) {
    const Vec v = load_n(x + i, m), d = load_n(dy + i, m);
    const Vec g = Simd::mul(load_n(w + i, m), d);
    put(dx + i, Simd::mul(vr, Simd::fma_negated(v, along, g)), m, accumulate);
    put(dw + i, Simd::mul(d, Simd::mul(v, vr)), m, true);
  });
}

inline void silu_mul_backward_simd(const float* gate, const float* up, const float* dy,
                                   float* dgate, float* dup, std::int64_t n, bool accumulate) {
  const Vec one = Simd::set1(1.0f);
  in_vectors(n, [&](std::int64_t i, std::int64_t m) {
    const Vec z = load_n(gate + i, m), u = load_n(up + i, m), d = load_n(dy + i, m);
    const Vec s = Simd::div(one, Simd::add(one, exp(Simd::sub(Simd::zero(), z))));
    const Vec slope = Simd::mul(s, Simd::fma(z, Simd::sub(one, s), one));
    put(dgate + i, Simd::mul(Simd::mul(d, u), slope), m, accumulate);
    put(dup + i, Simd::mul(d, Simd::mul(z, s)), m, accumulate);
  });
}

inline float cross_entropy_row_simd(float* logits, std::int64_t n, std::int64_t target,
                                    float scale) {
  const float at_target = logits[target];
  const Vec lowest = Simd::set1(-__builtin_inff());
  Vec most = lowest;
  in_vectors(n, [&](std::int64_t i, std::int64_t m) {
    Vec v = load_n(logits + i, m);
    if (m < kLanes) v = Simd::keep_first(v, m, lowest);
    most = Simd::max(most, v);
  });
  const float largest = Simd::max_of_lanes(most);
  const Vec shift = Simd::set1(largest);
  Vec sum[2] = {Simd::zero(), Simd::zero()};
  int k = 0;
  in_vectors(n, [&](std::int64_t i, std::int64_t m) {
    Vec e = exp(Simd::sub(load_n(logits + i, m), shift));
    store_n(logits + i, e, m);
    if (m < kLanes) e = Simd::keep_first(e, m, Simd::zero());
    sum[k] = Simd::add(sum[k], e);
    k ^= 1;
  });
  const float total = Simd::sum_of_lanes(Simd::add(sum[0], sum[1]));
  const Vec factor = Simd::set1(scale / total);
  in_vectors(n, [&](std::int64_t i, std::int64_t m) {
    store_n(logits + i, Simd::mul(load_n(logits + i, m), factor), m);
  });
  logits[target] -= scale;
  return __builtin_logf(total) + (largest - at_target);
}

inline std::int64_t visible_keys(const AttentionTile& tile, std::int64_t row) {
  const std::int64_t n = tile.n_visible + row;
  return n < 0 ? 0 : n < tile.width ? n : tile.width;
}

inline void softmax_tile_simd(const AttentionTile& tile, float* scores, float* row_max,
                              float* row_sum, float* out, std::int64_t out_stride,
                              std::int64_t value_dim) {
  const Vec lowest = Simd::set1(-__builtin_inff()), scale = Simd::set1(tile.scale);
  for (std::int64_t r = 0; r < tile.n_rows; ++r, scores += tile.stride, out += out_stride) {
    const std::int64_t n = visible_keys(tile, r);
    Vec most = lowest;
    std::int64_t j = 0;
    for (; j + kLanes <= n; j += kLanes) most = Simd::max(most, Simd::load(scores + j));
    if (j < n) most = Simd::max(most, Simd::keep_first(Simd::load(scores + j), n - j, lowest));
    const float before = row_max[r];
    const float here = n > 0 ? tile.scale * Simd::max_of_lanes(most) : before;
    const float largest = here > before ? here : before;
    const Vec shift = Simd::set1(largest);
    Vec sum = Simd::zero();
    for (j = 0; j + kLanes <= n; j += kLanes) {
      const Vec e = exp(Simd::sub(Simd::mul(Simd::load(scores + j), scale), shift));
      Simd::store(scores + j, e);
      sum = Simd::add(sum, e);
    }
    if (j < n) {
      const Vec e = Simd::keep_first(
          exp(Simd::sub(Simd::mul(Simd::load(scores + j), scale), shift)), n - j, Simd::zero());
      Simd::store(scores + j, e);
      sum = Simd::add(sum, e);
      j += kLanes;
    }
    for (; j < tile.width; j += kLanes) Simd::store(scores + j, Simd::zero());
    if (n == 0) continue;
    float total = Simd::sum_of_lanes(sum);
    if (largest != before) {
      const Vec rescale = exp(Simd::set1(before - largest));
      total = total + row_sum[r] * Simd::first_lane(rescale);
      in_vectors(value_dim, [&](std::int64_t d, std::int64_t m) {
        store_n(out + d, Simd::mul(load_n(out + d, m), rescale), m);
      });
      row_max[r] = largest;
    } else {
      total += row_sum[r];
    }
    row_sum[r] = total;
  }
}

inline void softmax_tile_backward_simd(const AttentionTile& tile, float* scores, float* dp,
                                       const float* log_sum, const float* mean_dp) {
  const Vec scale = Simd::set1(tile.scale);
  for (std::int64_t r = 0; r < tile.n_rows; ++r, scores += tile.stride, dp += tile.stride) {
    const std::int64_t n = visible_keys(tile, r);
    const Vec shift = Simd::set1(log_sum[r]), mean = Simd::set1(mean_dp[r]);
    std::int64_t j = 0;
    for (; j < n; j += kLanes) {
      Vec p = exp(Simd::sub(Simd::mul(Simd::load(scores + j), scale), shift));
      Vec d = Simd::mul(Simd::mul(p, scale), Simd::sub(Simd::load(dp + j), mean));
      if (n - j < kLanes) {
        p = Simd::keep_first(p, n - j, Simd::zero());
        d = Simd::keep_first(d, n - j, Simd::zero());
      }
      Simd::store(scores + j, p);
      Simd::store(dp + j, d);
    }
    for (; j < tile.width; j += kLanes) {
      Simd::store(scores + j, Simd::zero());
      Simd::store(dp + j, Simd::zero());
    }
  }
}

}  // namespace
}  // namespace sputnik::kernels
