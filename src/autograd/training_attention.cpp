// Causal attention within each document, in tiles of 64 queries and 64 keys: FlashAttention
// (arXiv:2205.14135). Scores are never kept: the way back computes them again from the logarithm of
// each row's sum. One thread does all tiles of a document and head, so sums keep their order.
#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/training_state.h"

namespace sputnik {
namespace {

constexpr std::int64_t kTile = kernels::kPanelColumns;

// Memory for one (document, head), laid out by sizes that depend on its length alone.
class Pieces {
 public:
  explicit Pieces(std::byte* base) : base_(base) {}
  template <class T>
  T* take(std::int64_t n_elements, std::int64_t element_bytes = sizeof(T)) {
    T* const result = reinterpret_cast<T*>(base_ + used_);
    used_ += (n_elements * element_bytes + 63) / 64 * 64;
    return result;
  }
  std::int64_t used() const { return used_; }

 private:
  std::byte* base_;
  std::int64_t used_ = 0;
};

std::byte* plus(std::byte* base, std::int64_t elements, const GemmKernels& g) {
  return base + elements * g.element_bytes;
}

struct Sizes {
  std::int64_t length, n_tiles, key_dim, key_stride, value_dim, value_stride;
};

struct ForwardMemory {
  std::byte *q, *k, *v;          // rows
  std::byte *k_across, *v_down;  // panels: over keys; of values, tile by tile
  std::byte* p;                  // rows of one tile
  float *scores, *row_max, *row_sum, *out;
};

ForwardMemory forward_memory(Pieces& pieces, const Sizes& s, const GemmKernels& g) {
  const std::int64_t e = g.element_bytes;
  ForwardMemory m{};
  m.q = pieces.take<std::byte>(s.length * s.key_stride, e);
  m.k = pieces.take<std::byte>(s.length * s.key_stride, e);
  m.v = pieces.take<std::byte>(s.length * s.value_stride, e);
  m.k_across = pieces.take<std::byte>(g.panels_bytes(s.length, s.key_dim));
  m.v_down = pieces.take<std::byte>(s.n_tiles * g.panels_bytes(s.value_dim, kTile));
  m.p = pieces.take<std::byte>(kTile * kTile, e);
  m.scores = pieces.take<float>(kTile * kTile);
  m.row_max = pieces.take<float>(kTile);
  m.row_sum = pieces.take<float>(kTile);
  m.out = pieces.take<float>(kTile * s.value_dim);
  return m;
}

struct BackwardMemory {
  std::byte *q, *k, *v, *dout;             // rows
  std::byte *k_across, *v_across;          // panels over keys
  std::byte *k_down, *q_down, *dout_down;  // panels, tile by tile
  std::byte *p, *ds, *p_down, *ds_down;    // one tile
  float *scores, *dp, *mean_dp, *dq, *dk, *dv;
};

BackwardMemory backward_memory(Pieces& pieces, const Sizes& s, const GemmKernels& g) {
  const std::int64_t e = g.element_bytes;
  BackwardMemory m{};
  for (std::byte** rows : {&m.q, &m.k}) *rows = pieces.take<std::byte>(s.length * s.key_stride, e);
  for (std::byte** rows : {&m.v, &m.dout})
    *rows = pieces.take<std::byte>(s.length * s.value_stride, e);
  m.k_across = pieces.take<std::byte>(g.panels_bytes(s.length, s.key_dim));
  m.v_across = pieces.take<std::byte>(g.panels_bytes(s.length, s.value_dim));
  for (std::byte** panels : {&m.k_down, &m.q_down})
    *panels = pieces.take<std::byte>(s.n_tiles * g.panels_bytes(s.key_dim, kTile));
  m.dout_down = pieces.take<std::byte>(s.n_tiles * g.panels_bytes(s.value_dim, kTile));
  for (std::byte** tile : {&m.p, &m.ds, &m.p_down, &m.ds_down})
    *tile = pieces.take<std::byte>(kTile * kTile, e);
  for (float** tile : {&m.scores, &m.dp}) *tile = pieces.take<float>(kTile * kTile);
  m.mean_dp = pieces.take<float>(s.length);
  m.dq = pieces.take<float>(s.length * s.key_dim);
  m.dk = pieces.take<float>(kTile * s.key_dim);
  m.dv = pieces.take<float>(kTile * s.value_dim);
  return m;
}

std::int64_t head_of(const Tensor& part, std::int64_t head, std::int64_t n_heads) {
  return head / (n_heads / part.n_heads);
}

void gather(const GemmKernels& g, const Tensor& x, std::int64_t head, std::int64_t first,
            std::int64_t length, std::int64_t stride, std::byte* out) {
  g.to_rows(x.row(first, head), x.token_stride, length, x.dim, out, stride, stride - x.dim);
}

// The rows of one head whose columns are those of two parts, side by side.
void gather(const GemmKernels& g, const Tensor (&parts)[2], std::int64_t head, std::int64_t n_heads,
            std::int64_t first, std::int64_t length, std::int64_t stride, std::byte* out) {
  std::int64_t column = 0;
  for (const Tensor& part : parts) {
    if (part.dim == 0) continue;
    const bool is_last = &part == &parts[1] || parts[1].dim == 0;
    g.to_rows(part.row(first, head_of(part, head, n_heads)), part.token_stride, length, part.dim,
              plus(out, column, g), stride, is_last ? stride - column - part.dim : 0);
    column += part.dim;
  }
}

// Panels of each tile of rows, one after the other.
void pack_tiles(const GemmKernels& g, const std::byte* rows, std::int64_t stride, const Sizes& s,
                std::int64_t dim, std::byte* panels) {
  for (std::int64_t tile = 0; tile < s.n_tiles; ++tile) {
    const std::int64_t n = std::min(kTile, s.length - tile * kTile);
    g.pack_rows(rows + tile * kTile * stride * g.element_bytes, stride, n, dim,
                panels + tile * g.panels_bytes(dim, kTile));
  }
}

}  // namespace

void TrainingOps::State::attention_forward(const AttentionParts& a) {
  const ScratchScope scope(scratch);
  const GemmKernels& g = gemm();
  const std::int64_t n_heads = a.out.n_heads, key_dim = a.key_dim(), value_dim = a.out.dim;
  const auto sizes_of = [&](std::int64_t length) {
    return Sizes{length,    (length + kTile - 1) / kTile, key_dim, g.rounded(key_dim),
                 value_dim, g.rounded(value_dim)};
  };
  std::int64_t longest = 0;
  for (const BatchSequence& sequence : a.batch->sequences)
    longest = std::max(longest, sequence.n_tokens);
  Pieces needed(nullptr);
  (void)forward_memory(needed, sizes_of(longest), g);
  const PerThread memory = per_thread(needed.used());
  const auto n_items = static_cast<std::int64_t>(a.batch->sequences.size()) * n_heads;

  pool.parallel_for(n_items, 1, [&](std::int64_t begin, std::int64_t end, int worker) {
    for (std::int64_t item = begin; item < end; ++item) {
      const BatchSequence& sequence = a.batch->sequences[static_cast<std::size_t>(item / n_heads)];
      const std::int64_t head = item % n_heads, first = sequence.first_row;
      const Sizes s = sizes_of(sequence.n_tokens);
      if (s.length == 0) continue;
      Pieces pieces(memory.of(worker));
      const ForwardMemory m = forward_memory(pieces, s, g);
      gather(g, a.q, head, n_heads, first, s.length, s.key_stride, m.q);
      gather(g, a.k, head, n_heads, first, s.length, s.key_stride, m.k);
      gather(g, a.v, head_of(a.v, head, n_heads), first, s.length, s.value_stride, m.v);
      g.pack_transposed(m.k, s.key_stride, s.length, key_dim, m.k_across);
      pack_tiles(g, m.v, s.value_stride, s, value_dim, m.v_down);

      for (std::int64_t i = 0; i < s.n_tiles; ++i) {
        const std::int64_t n = std::min(kTile, s.length - i * kTile);
        std::fill_n(m.row_max, n, -std::numeric_limits<float>::infinity());
        std::fill_n(m.row_sum, n, 0.0f);
        std::fill_n(m.out, n * value_dim, 0.0f);
        const GemmA queries{plus(m.q, i * kTile * s.key_stride, g), s.key_stride, g.group};
        for (std::int64_t j = 0; j <= i; ++j) {
          const std::int64_t width = std::min(kTile, s.length - j * kTile);
          g.multiply(queries, plus(m.k_across, j * g.panel_stride(key_dim), g), 0, n, width,
                     key_dim, m.scores, kTile, false);
          kernels.softmax_tile({n, width, kTile, (i - j) * kTile + 1, a.scale}, m.scores, m.row_max,
                               m.row_sum, m.out, value_dim, value_dim);
          g.to_rows(m.scores, kTile, n, width, m.p, kTile, kTile - width);
          g.multiply({m.p, kTile, g.group}, m.v_down + j * g.panels_bytes(value_dim, kTile),
                     g.panel_stride(width), n, value_dim, width, m.out, value_dim, true);
        }
        for (std::int64_t r = 0; r < n; ++r) {
          const std::int64_t t = first + i * kTile + r;
          kernels.scale(1 / m.row_sum[r], m.out + r * value_dim, a.out.row(t, head), value_dim);
          a.log_sum[t * n_heads + head] = m.row_max[r] + std::log(m.row_sum[r]);
        }
      }
    }
  });
  fill_rows({a.out.data, a.out.n_tokens, 1, a.out.width(), a.out.token_stride, a.out.width()}, g,
            a.out_rows);
}

// With P = softmax(scale q k^T), O = P v, and D_i = sum_j P_ij dP_ij = dO_i . O_i:
//   dv = P^T dO,  dP = dO v^T,  dS = scale P (dP - D),  dq = dS k,  dk = dS^T q
void TrainingOps::State::attention_backward(const AttentionParts& a) {
  const Tensor dout = gradient_of(a.out);
  if (dout.data == nullptr) return;
  const ScratchScope scope(scratch);
  const GemmKernels& g = gemm();
  const std::int64_t n_heads = a.out.n_heads, key_dim = a.key_dim(), value_dim = a.out.dim;

  // What heads share gets a gradient per head first; these are then added in the order of heads.
  struct Target {
    Tensor x;
    GradientTarget gradient;
    Tensor per_head;  // where the threads write
    bool accumulate;
  };
  const auto target = [&](const Tensor& x) {
    Target t{x, {}, {}, false};
    if (x.dim == 0) return t;
    t.gradient = target_of(x);
    t.per_head = t.gradient.tensor;
    t.accumulate = t.gradient.accumulate;
    if (x.n_heads != n_heads) {
      t.per_head = {scratch.allocate_span<float>(x.n_tokens * n_heads * x.dim).data(),
                    x.n_tokens,
                    n_heads,
                    x.dim,
                    n_heads * x.dim,
                    x.dim};
      t.accumulate = false;
    }
    return t;
  };
  const Target dq[2] = {target(a.q[0]), target(a.q[1])};
  const Target dk[2] = {target(a.k[0]), target(a.k[1])};
  const Target dv = target(a.v);
  // n rows of a tile, columns [from, from + dim) of it, to the gradient of a part.
  const auto put = [&](const Target& to, const float* rows, std::int64_t stride, std::int64_t from,
                       std::int64_t t, std::int64_t n, std::int64_t head) {
    for (std::int64_t r = 0; r < n; ++r) {
      float* out = to.per_head.row(t + r, head);
      const float* in = rows + r * stride + from;
      if (to.accumulate) {
        kernels.add(out, in, out, to.x.dim);
      } else {
        std::copy_n(in, to.x.dim, out);
      }
    }
  };

  const auto sizes_of = [&](std::int64_t length) {
    return Sizes{length,    (length + kTile - 1) / kTile, key_dim, g.rounded(key_dim),
                 value_dim, g.rounded(value_dim)};
  };
  std::int64_t longest = 0;
  for (const BatchSequence& sequence : a.batch->sequences)
    longest = std::max(longest, sequence.n_tokens);
  Pieces needed(nullptr);
  (void)backward_memory(needed, sizes_of(longest), g);
  const PerThread memory = per_thread(needed.used());
  const auto n_items = static_cast<std::int64_t>(a.batch->sequences.size()) * n_heads;

  pool.parallel_for(n_items, 1, [&](std::int64_t begin, std::int64_t end, int worker) {
    for (std::int64_t item = begin; item < end; ++item) {
      const BatchSequence& sequence = a.batch->sequences[static_cast<std::size_t>(item / n_heads)];
      const std::int64_t head = item % n_heads, first = sequence.first_row;
      const Sizes s = sizes_of(sequence.n_tokens);
      if (s.length == 0) continue;
      Pieces pieces(memory.of(worker));
      const BackwardMemory m = backward_memory(pieces, s, g);
      gather(g, a.q, head, n_heads, first, s.length, s.key_stride, m.q);
      gather(g, a.k, head, n_heads, first, s.length, s.key_stride, m.k);
      gather(g, a.v, head_of(a.v, head, n_heads), first, s.length, s.value_stride, m.v);
      gather(g, dout, head, first, s.length, s.value_stride, m.dout);
      g.pack_transposed(m.k, s.key_stride, s.length, key_dim, m.k_across);
      g.pack_transposed(m.v, s.value_stride, s.length, value_dim, m.v_across);
      pack_tiles(g, m.k, s.key_stride, s, key_dim, m.k_down);
      pack_tiles(g, m.q, s.key_stride, s, key_dim, m.q_down);
      pack_tiles(g, m.dout, s.value_stride, s, value_dim, m.dout_down);
      for (std::int64_t t = 0; t < s.length; ++t) {
        m.mean_dp[t] =
            kernels.dot(a.out.row(first + t, head), dout.row(first + t, head), value_dim);
      }

      float log_sum[kTile];
      for (std::int64_t j = 0; j < s.n_tiles; ++j) {
        const std::int64_t width = std::min(kTile, s.length - j * kTile);
        for (std::int64_t i = j; i < s.n_tiles; ++i) {
          const std::int64_t n = std::min(kTile, s.length - i * kTile), row = i * kTile;
          const bool is_first = i == j;
          for (std::int64_t r = 0; r < n; ++r)
            log_sum[r] = a.log_sum[(first + row + r) * n_heads + head];
          g.multiply({plus(m.q, row * s.key_stride, g), s.key_stride, g.group},
                     plus(m.k_across, j * g.panel_stride(key_dim), g), 0, n, width, key_dim,
                     m.scores, kTile, false);
          g.multiply({plus(m.dout, row * s.value_stride, g), s.value_stride, g.group},
                     plus(m.v_across, j * g.panel_stride(value_dim), g), 0, n, width, value_dim,
                     m.dp, kTile, false);
          kernels.softmax_tile_backward({n, width, kTile, (i - j) * kTile + 1, a.scale}, m.scores,
                                        m.dp, log_sum, m.mean_dp + row);
          g.to_rows(m.scores, kTile, n, width, m.p, kTile, kTile - width);
          g.to_rows(m.dp, kTile, n, width, m.ds, kTile, kTile - width);
          g.pack_rows(m.p, kTile, n, width, m.p_down);
          g.pack_rows(m.ds, kTile, n, width, m.ds_down);
          const std::int64_t step = kernels::panel_width(width, 0) * g.group;
          g.multiply({m.p_down, g.group, step}, m.dout_down + i * g.panels_bytes(value_dim, kTile),
                     g.panel_stride(n), width, value_dim, n, m.dv, value_dim, !is_first);
          g.multiply({m.ds_down, g.group, step}, m.q_down + i * g.panels_bytes(key_dim, kTile),
                     g.panel_stride(n), width, key_dim, n, m.dk, key_dim, !is_first);
          g.multiply({m.ds, kTile, g.group}, m.k_down + j * g.panels_bytes(key_dim, kTile),
                     g.panel_stride(width), n, key_dim, width, m.dq + row * key_dim, key_dim,
                     j > 0);
        }
        const std::int64_t t = first + j * kTile;
        put(dk[0], m.dk, key_dim, 0, t, width, head);
        if (dk[1].x.dim > 0) put(dk[1], m.dk, key_dim, dk[0].x.dim, t, width, head);
        put(dv, m.dv, value_dim, 0, t, width, head);
      }
      put(dq[0], m.dq, key_dim, 0, first, s.length, head);
      if (dq[1].x.dim > 0) put(dq[1], m.dq, key_dim, dq[0].x.dim, first, s.length, head);
    }
  });

  for (const Target* t : {&dk[0], &dk[1], &dv}) {
    if (t->x.dim == 0 || t->x.n_heads == n_heads) continue;
    const std::int64_t group = n_heads / t->x.n_heads;
    pool.parallel_for(t->x.n_tokens, kTrainingGrain,
                      [&](std::int64_t begin, std::int64_t end, int) {
                        for (std::int64_t row = begin; row < end; ++row) {
                          for (std::int64_t head = 0; head < n_heads; ++head) {
                            float* out = t->gradient.tensor.row(row, head / group);
                            const float* in = t->per_head.row(row, head);
                            if (head % group == 0 && !t->gradient.accumulate) {
                              std::copy_n(in, t->x.dim, out);
                            } else {
                              kernels.add(out, in, out, t->x.dim);
                            }
                          }
                        }
                      });
  }
}

Tensor TrainingOps::State::attention(AttentionParts parts) {
  Tensor flat = parts.out;
  flat.n_heads = 1;
  flat.dim = flat.head_stride = parts.out.width();
  parts.out_rows = rows_to_fill(flat);
  parts.log_sum = activations().allocate_span<float>(parts.out.n_tokens * parts.out.n_heads).data();
  record(
      "attention", [this, parts] { attention_forward(parts); },
      [this, parts] { attention_backward(parts); });
  return flat;
}

Tensor TrainingOps::gqa_attention(const GqaInputs& in, float softmax_scale, const Batch& batch) {
  State& s = *state_;
  SPUTNIK_ASSERT(in.q.n_heads % in.k.n_heads == 0 && in.k.n_heads == in.v.n_heads);
  return s.attention({{in.q, {}},
                      {in.k, {}},
                      in.v,
                      s.make(in.q.n_tokens, in.q.n_heads, in.v.dim),
                      softmax_scale,
                      &batch,
                      nullptr,
                      nullptr});
}

// Expanded: [k^C; v^C] = W^UKV c^KV of every token, then attention with H heads of their own.
Tensor TrainingOps::mla_attention(const MlaInputs& in, float softmax_scale, const Batch& batch) {
  State& s = *state_;
  SPUTNIK_ASSERT(in.kv_b_proj != nullptr);
  const std::int64_t n_heads = in.q_nope.n_heads;
  const Tensor kv = heads(linear(in.c_kv, *in.kv_b_proj, nullptr), n_heads);
  const auto [k_nope, v] = split_last(kv, in.q_nope.dim);
  return s.attention({{in.q_nope, in.q_pe},
                      {k_nope, in.k_pe},
                      v,
                      s.make(in.q_nope.n_tokens, n_heads, in.v_head_dim),
                      softmax_scale,
                      &batch,
                      nullptr,
                      nullptr});
}

}  // namespace sputnik
