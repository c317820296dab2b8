// Softmax attention over blocks of kCacheBlock keys.
//
// Keys lie along the lanes when scores are computed, value elements when values are summed. A piece
// of a block, 64 keys by kAttentionDepth elements, is transposed (keys) or converted (values) to
// float32 into a buffer that stays in L1, and used for all query rows of the call; meanwhile the
// same piece of the next block is fetched. For one query row the order of operations is fixed,
// whichever tile it falls into:
//   score_j  = scale * (sum over d in ascending order of q[d] * k_j[d], one fused multiply-add
//   each) per block: m' = max(m, max of scores); weights p_j = exp(score_j - m'); shrink = exp(m -
//   m'); out = out * shrink, then
//              for j in ascending order out = fma(p_j, v_j, out); l = l * shrink + sum of p_j
//   finally    out = out * (1 / l)
// This is the softmax taken block by block of Dao et al. 2022 (arXiv:2205.14135), algorithm 1.
#pragma once

#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/scratch.h"
#include "kernels/x86/weights_simd.h"

namespace sputnik::kernels {
namespace {

constexpr float kInfinity = __builtin_inff();
constexpr int kBlockVectors =
    kCacheBlock / kLanes;                // vectors that hold one float per key of a block
constexpr std::int64_t kTransposed = 8;  // elements that Simd::transpose takes of each row

struct ReadKeysF16 : ReadF16 {
  using Element = std::uint16_t;
};
struct ReadKeysF32 : ReadF32 {
  using Element = float;
};

// The part of scratch memory that one call works in.
struct AttentionScratch {
  float* keys;        // [kAttentionDepth][kCacheBlock]
  float* values;      // [kCacheBlock][kAttentionDepth]
  float* scores;      // [kAttentionQueries][kCacheBlock], later the weights
  float* max_score;   // [kAttentionQueries]
  float* sum_weight;  // [kAttentionQueries]
  float* shrink;      // [kAttentionQueries]
};

inline AttentionScratch divide_scratch(void* scratch) {
  AttentionScratch s;
  s.keys = static_cast<float*>(scratch);
  s.values = s.keys + kAttentionDepth * kCacheBlock;
  s.scores = s.values + kCacheBlock * kAttentionDepth;
  s.max_score = s.scores + kAttentionQueries * kCacheBlock;
  s.sum_weight = s.max_score + kAttentionQueries;
  s.shrink = s.sum_weight + kAttentionQueries;
  return s;
}

// The query rows of one call: their inputs, limits and outputs.
struct QueryRows {
  const float* q;
  std::int64_t q_stride;
  std::int64_t n;
  const std::int64_t* n_keys;
  float* out;
  std::int64_t out_stride;
};

// Memory that the next block will need, fetched into L2 line by line while this one is multiplied:
// in the order of addresses, which sets the hardware's prefetcher going, too.
struct Upcoming {
  const Byte* at = nullptr;
  const Byte* end = nullptr;

  void fetch_some() {
    if (at >= end) return;
    _mm_prefetch(at, _MM_HINT_T1);
    _mm_prefetch(at + 64, _MM_HINT_T1);
    at += 128;
  }
};

// Fewer than kTransposed elements of each row.
template <class Element>
inline void transpose_last(const Element* const (&rows)[kLanes], std::int64_t at, std::int64_t n,
                           float* out) {
  Element padded[kLanes][kTransposed] = {};
  const Element* padded_rows[kLanes];
  for (int i = 0; i < kLanes; ++i) {
    padded_rows[i] = padded[i];
    for (std::int64_t d = 0; d < n; ++d) padded[i][d] = rows[i][at + d];
  }
  alignas(64) float transposed[kTransposed * kLanes];
  Simd::transpose(padded_rows, 0, transposed, kLanes);
  for (std::int64_t d = 0; d < n; ++d)
    Simd::store(out + d * kCacheBlock, Simd::load(transposed + d * kLanes));
}

// out[d * kCacheBlock + j] = element d of key j, for the first n keys. What stands behind them is
// never looked at.
template <class Element>
inline void transpose_keys(const Element* keys, std::int64_t stride, std::int64_t n,
                           std::int64_t depth, float* out) {
  for (std::int64_t j = 0; j < n; j += kLanes) {
    const Element* rows[kLanes];
    for (int i = 0; i < kLanes; ++i) rows[i] = keys + (j + i < n ? j + i : n - 1) * stride;
    std::int64_t d = 0;
    for (; d + kTransposed <= depth; d += kTransposed)
      Simd::transpose(rows, d, out + d * kCacheBlock + j, kCacheBlock);
    if (d < depth) transpose_last(rows, d, depth - d, out + d * kCacheBlock + j);
  }
}

template <class Read>
inline void convert_values(const typename Read::Element* values, std::int64_t stride,
                           std::int64_t n, std::int64_t dim, float* out, std::int64_t out_stride) {
  for (std::int64_t j = 0; j < n; ++j) {
    const auto* const row = reinterpret_cast<const Byte*>(values + j * stride);
    std::int64_t d = 0;
    for (; d + kLanes <= dim; d += kLanes)
      Simd::store(out + j * out_stride + d, Read::load(row + d * Read::kBytes));
    if (d < dim)
      Simd::store(out + j * out_stride + d, read_first<Read>(row + d * Read::kBytes, dim - d));
  }
}

// Adds the products of depth elements to the scores of kTokens query rows with kVectors vectors of
// keys.
template <int kTokens, int kVectors>
[[gnu::always_inline]] inline void add_scores(const float* q, std::int64_t q_stride,
                                              const float* keys, std::int64_t depth, bool first,
                                              Upcoming& upcoming, float* scores) {
  Vec sum[kTokens][kVectors];
  for (int t = 0; t < kTokens; ++t) {
    for (int v = 0; v < kVectors; ++v) {
      sum[t][v] = first ? Simd::zero() : Simd::load(scores + t * kCacheBlock + v * kLanes);
    }
  }
  for (std::int64_t d = 0; d < depth; ++d) {
    upcoming.fetch_some();
    multiply_outer<kTokens, kVectors>(q + d, q_stride, keys + d * kCacheBlock, sum);
  }
  for (int t = 0; t < kTokens; ++t) {
    for (int v = 0; v < kVectors; ++v)
      Simd::store(scores + t * kCacheBlock + v * kLanes, sum[t][v]);
  }
}

// Turns the scores of one row into weights, of which the first n count; returns the factor by which
// what has been summed so far shrinks.
inline float take_softmax(float* scores, std::int64_t n, float scale, bool first_block,
                          float& max_score, float& sum_weight) {
  Vec score[kBlockVectors];
  const Vec nothing = Simd::set1(-kInfinity);
  for (int v = 0; v < kBlockVectors; ++v) {
    const std::int64_t m = n - v * kLanes;
    score[v] = Simd::mul(Simd::load(scores + v * kLanes), Simd::set1(scale));
    if (m < kLanes) score[v] = Simd::keep_first(score[v], m < 0 ? 0 : m, nothing);
  }
  Vec largest = score[0];
  for (int v = 1; v < kBlockVectors; ++v) largest = Simd::max(largest, score[v]);
  const float block_max = Simd::max_of_lanes(largest);
  const float new_max = first_block || block_max > max_score ? block_max : max_score;

  Vec weight[kBlockVectors];
  for (int v = 0; v < kBlockVectors; ++v) {
    weight[v] = exp(Simd::sub(score[v], Simd::set1(new_max)));
    Simd::store(scores + v * kLanes, weight[v]);
  }
  Vec sum = weight[0];
  for (int v = 1; v < kBlockVectors; ++v) sum = Simd::add(sum, weight[v]);
  float shrink = 1;
  if (first_block) {
    sum_weight = Simd::sum_of_lanes(sum);
  } else {
    if (new_max > max_score) shrink = Simd::first_lane(exp(Simd::set1(max_score - new_max)));
    sum_weight = sum_weight * shrink + Simd::sum_of_lanes(sum);
  }
  max_score = new_max;
  return shrink;
}

// What a tile of query rows needs to sum the values of a block.
struct WeightedRows {
  const float* weights;   // kCacheBlock apart
  const std::int64_t* n;  // values of the block that row t sees, ascending
  const float* shrink;
  bool first_block;
};

// kVectors vectors of outputs; the last of them holds n_last elements.
template <int kTokens, int kVectors>
[[gnu::always_inline]] inline void sum_values(const WeightedRows& rows, const float* values,
                                              Upcoming& upcoming, float* out,
                                              std::int64_t out_stride, std::int64_t n_last) {
  const bool whole = n_last == kLanes;
  Vec sum[kTokens][kVectors];
  for (int t = 0; t < kTokens; ++t) {
    const Vec shrink = Simd::set1(rows.shrink[t]);
    for (int v = 0; v < kVectors; ++v) {
      const float* const at = out + t * out_stride + v * kLanes;
      if (rows.first_block) {
        sum[t][v] = Simd::zero();
      } else {
        sum[t][v] = Simd::mul(whole ? Simd::load(at) : load_first(at, n_last), shrink);
      }
    }
  }
  for (std::int64_t j = 0; j < rows.n[0]; ++j) {
    upcoming.fetch_some();
    multiply_outer<kTokens, kVectors>(rows.weights + j, kCacheBlock, values + j * kAttentionDepth,
                                      sum);
  }
  for (int t = 0; t < kTokens; ++t) {
    for (std::int64_t j = rows.n[0]; j < rows.n[t]; ++j) {  // that not all rows of the tile see
      const Vec weight = Simd::set1(rows.weights[t * kCacheBlock + j]);
      for (int v = 0; v < kVectors; ++v) {
        sum[t][v] =
            Simd::fma(weight, Simd::load(values + j * kAttentionDepth + v * kLanes), sum[t][v]);
      }
    }
    for (int v = 0; v < kVectors; ++v) {
      float* const at = out + t * out_stride + v * kLanes;
      if (whole) {
        Simd::store(at, sum[t][v]);
      } else {
        store_first(at, sum[t][v], n_last);
      }
    }
  }
}

// The scores of one tile of query rows with a piece of the block's keys.
template <int kTokens>
inline void add_tile_scores(const float* q, std::int64_t q_stride, const float* keys,
                            std::int64_t depth, bool first, Upcoming& upcoming, float* scores) {
  constexpr int kVectors = kTokens == 1 || kBlockVectors < 4 ? kBlockVectors : 4;
  for (int v = 0; v < kBlockVectors; v += kVectors) {
    add_scores<kTokens, kVectors>(q, q_stride, keys + v * kLanes, depth, first, upcoming,
                                  scores + v * kLanes);
  }
}

// width outputs of one tile of query rows, from a piece of the block's values.
template <int kTokens>
inline void sum_tile_values(const WeightedRows& rows, const float* values, std::int64_t width,
                            Upcoming& upcoming, float* out, std::int64_t out_stride) {
  constexpr int kVectors = kTokens == 1 ? kAttentionDepth / kLanes : 4;
  std::int64_t c = 0;
  for (; c + kVectors * kLanes <= width; c += kVectors * kLanes) {
    sum_values<kTokens, kVectors>(rows, values + c, upcoming, out + c, out_stride, kLanes);
  }
  for (; c < width; c += kLanes) {
    const std::int64_t n_last = width - c < kLanes ? width - c : kLanes;
    sum_values<kTokens, 1>(rows, values + c, upcoming, out + c, out_stride, n_last);
  }
}

inline void divide_by_sum(float* out, std::int64_t n, float sum) {
  const float factor = 1.0f / sum;
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    Simd::store(out + i, Simd::mul(Simd::load(out + i), Simd::set1(factor)));
  for (; i < n; ++i) out[i] *= factor;
}

// One block, for the rows from first_row on: those before have no keys in it.
template <class Read>
inline void attend_block(const AttentionScratch& s, const CachedKeysValues& cache,
                         const QueryRows& rows, std::int64_t block, std::int64_t first_row,
                         float scale) {
  using Element = typename Read::Element;
  const std::int64_t first_key = block * kCacheBlock;
  const std::int64_t n_left = rows.n_keys[rows.n - 1] - first_key;
  const std::int64_t n = n_left < kCacheBlock ? n_left : kCacheBlock;
  const bool has_next = n_left > kCacheBlock;
  const auto next_block = [&](const void* const* blocks, std::int64_t stride) {
    const auto* const begin = static_cast<const Byte*>(blocks[block + 1]);
    const std::int64_t n_next =
        n_left - kCacheBlock < kCacheBlock ? n_left - kCacheBlock : kCacheBlock;
    return Upcoming{begin, begin + n_next * stride * Read::kBytes};
  };
  Upcoming upcoming = has_next ? next_block(cache.keys, cache.key_stride) : Upcoming{};
  const auto* const keys = static_cast<const Element*>(cache.keys[block]);
  for (std::int64_t d = 0; d < cache.key_dim; d += kAttentionDepth) {
    const std::int64_t depth =
        cache.key_dim - d < kAttentionDepth ? cache.key_dim - d : kAttentionDepth;
    transpose_keys(keys + d, cache.key_stride, n, depth, s.keys);
    for_each_tile(rows.n - first_row, [&](auto tokens, std::int64_t tile) {
      const std::int64_t i = first_row + tile;
      add_tile_scores<decltype(tokens)::value>(rows.q + i * rows.q_stride + d, rows.q_stride,
                                               s.keys, depth, d == 0, upcoming,
                                               s.scores + i * kCacheBlock);
    });
  }
  for (std::int64_t i = first_row; i < rows.n; ++i) {
    s.shrink[i] = take_softmax(s.scores + i * kCacheBlock, rows.n_keys[i] - first_key, scale,
                               block == 0, s.max_score[i], s.sum_weight[i]);
  }
  const bool same_rows = has_next && cache.values[block + 1] == cache.keys[block + 1];
  upcoming = has_next && !same_rows ? next_block(cache.values, cache.value_stride) : Upcoming{};
  const auto* const values = static_cast<const Element*>(cache.values[block]);
  for (std::int64_t d = 0; d < cache.value_dim; d += kAttentionDepth) {
    const std::int64_t width =
        cache.value_dim - d < kAttentionDepth ? cache.value_dim - d : kAttentionDepth;
    convert_values<Read>(values + d, cache.value_stride, n, width, s.values, kAttentionDepth);
    for_each_tile(rows.n - first_row, [&](auto tokens, std::int64_t tile) {
      const std::int64_t i = first_row + tile;
      constexpr int kTokens = decltype(tokens)::value;
      std::int64_t n_seen[kTokens];
      for (int t = 0; t < kTokens; ++t) {
        n_seen[t] = rows.n_keys[i + t] - first_key < n ? rows.n_keys[i + t] - first_key : n;
      }
      const WeightedRows weighted{s.scores + i * kCacheBlock, n_seen, s.shrink + i, block == 0};
      sum_tile_values<kTokens>(weighted, s.values, width, upcoming,
                               rows.out + i * rows.out_stride + d, rows.out_stride);
    });
  }
}

// At most kAttentionQueries query rows.
template <class Read>
inline void attend_rows(const AttentionScratch& s, const CachedKeysValues& cache,
                        const QueryRows& rows, float scale) {
  std::int64_t first_row = 0;  // that still has keys
  for (std::int64_t block = 0; block * kCacheBlock < rows.n_keys[rows.n - 1]; ++block) {
    while (rows.n_keys[first_row] <= block * kCacheBlock) ++first_row;
    attend_block<Read>(s, cache, rows, block, first_row, scale);
  }
  for (std::int64_t i = 0; i < rows.n; ++i) {
    divide_by_sum(rows.out + i * rows.out_stride, cache.value_dim, s.sum_weight[i]);
  }
}

inline void attention_simd(const float* q, std::int64_t q_stride, std::int64_t n_queries,
                           const std::int64_t* n_keys, const CachedKeysValues& cache, float scale,
                           float* out, std::int64_t out_stride, void* scratch) {
  const AttentionScratch s = divide_scratch(scratch);
  for (std::int64_t i = 0; i < n_queries; i += kAttentionQueries) {
    const std::int64_t n = n_queries - i < kAttentionQueries ? n_queries - i : kAttentionQueries;
    const QueryRows rows{q + i * q_stride,     q_stride,  n, n_keys + i,
                         out + i * out_stride, out_stride};
    if (cache.dtype == DType::kF16) {
      attend_rows<ReadKeysF16>(s, cache, rows, scale);
    } else {
      attend_rows<ReadKeysF32>(s, cache, rows, scale);
    }
  }
}

}  // namespace
}  // namespace sputnik::kernels
