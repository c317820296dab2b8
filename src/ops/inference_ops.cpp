#include "ops/inference_ops.h"

#include <algorithm>

#include "ops/inference_state.h"

namespace sputnik {
namespace {

constexpr std::int64_t kRowTile = 16;    // kernels take weight rows by sixteens
constexpr std::int64_t kLossRows = 256;  // whose logits are in memory at once
constexpr std::int64_t kTokenGrain =
    8;  // tokens that a thread takes at a time in element-wise operations

}  // namespace

InferenceOps::InferenceOps(const kernels::KernelTable& kernels, ThreadPool& pool,
                           const KvCache& cache, Numerics numerics)
    : state_(std::make_unique<State>(kernels, pool, cache, numerics)) {
  state_->router_scratch.resize(static_cast<std::size_t>(pool.n_threads()));
}

InferenceOps::~InferenceOps() = default;

std::int64_t InferenceOps::activation_bytes() const {
  return state_->layer_arena.capacity_bytes() + state_->boundary_arena.capacity_bytes() +
         state_->rope_arena.capacity_bytes();
}

void InferenceOps::begin(const Batch& /*batch*/) {
  State& s = *state_;
  s.layer_arena.reset();
  s.boundary_arena.reset();
  s.rope_arena.reset();
  s.rope_tables.clear();
  s.last_quantized = {};
}

Tensor InferenceOps::layer_boundary(const Tensor& h) {
  State& s = *state_;
  SPUTNIK_ASSERT(h.rows_are_contiguous());
  // What was carried over before is part of h by now.
  s.boundary_arena.reset();
  Tensor kept = h;
  kept.token_stride = h.width();
  kept.head_stride = h.dim;
  kept.data = s.boundary_arena.allocate_span<float>(h.n_tokens * h.width()).data();
  for (std::int64_t t = 0; t < h.n_tokens; ++t) std::copy_n(h.row(t), h.width(), kept.row(t));
  s.layer_arena.reset();
  s.last_quantized = {};
  return kept;
}

// ------------------------------------------------------------------------------------------------
// matrix products

Tensor InferenceOps::State::compact(const Tensor& x) {
  if (x.rows_are_contiguous()) return x;
  const Tensor y = make(x.n_tokens, x.n_heads, x.dim);
  for (std::int64_t t = 0; t < x.n_tokens; ++t) {
    for (std::int64_t h = 0; h < x.n_heads; ++h) std::copy_n(x.row(t, h), x.dim, y.row(t, h));
  }
  return y;
}

std::int64_t InferenceOps::State::row_grain(std::int64_t n_rows, std::int64_t n_matrices) const {
  // About eight pieces per thread: small enough to even out, large enough that handing them out
  // costs nothing.
  const std::int64_t pieces = std::max<std::int64_t>(1, 8 * pool.n_threads() / n_matrices);
  const std::int64_t grain = (n_rows / pieces + kRowTile - 1) / kRowTile * kRowTile;
  return std::max(grain, kRowTile);
}

void InferenceOps::State::quantize_rows(std::int64_t block, const float* x, std::int64_t stride,
                                        std::int64_t n, std::int64_t n_cols, std::byte* out) const {
  const std::int64_t out_stride = kernels::activation_row_bytes(block, n_cols);
  for (std::int64_t i = 0; i < n; ++i)
    kernels.quantize_activations(block, x + i * stride, n_cols, out + i * out_stride);
}

std::byte* InferenceOps::State::quantized(const Tensor& x, std::int64_t block) {
  const Tensor& last = last_quantized.source;
  if (last.data == x.data && last.n_tokens == x.n_tokens && last.width() == x.width() &&
      last.token_stride == x.token_stride && last_quantized.block == block) {
    return last_quantized.rows;
  }
  const std::int64_t stride = kernels::activation_row_bytes(block, x.width());
  std::byte* rows = make_bytes(x.n_tokens * stride);
  pool.parallel_for(x.n_tokens, kTokenGrain, [&](std::int64_t begin, std::int64_t end, int) {
    quantize_rows(block, x.row(begin), x.token_stride, end - begin, x.width(),
                  rows + begin * stride);
  });
  last_quantized = {x, block, rows};
  return rows;
}

std::int64_t InferenceOps::State::matmul_scratch_bytes(const Weight& w) const {
  return uses_int8(w) ? kernels::matmul_int8_scratch_bytes(w.cols)
                      : kernels::matmul_f32_scratch_bytes(w.cols);
}

void InferenceOps::State::matmul_rows(const Weight& w, std::int64_t first, std::int64_t n,
                                      const Tensor& x, const std::byte* rows, float* y,
                                      std::int64_t y_stride, std::byte* scratch) const {
  const kernels::WeightRows weight_rows = w.kernel_rows(first, n);
  if (rows == nullptr) {
    kernels.matmul_f32(weight_rows, x.data, x.token_stride, x.n_tokens, y, y_stride, scratch);
    return;
  }
  const std::int64_t stride =
      kernels::activation_row_bytes(kernels::activation_block(w.dtype), w.cols);
  kernels.matmul_int8[static_cast<int>(w.dtype)](weight_rows, rows, stride, x.n_tokens, y, y_stride,
                                                 scratch);
}

Tensor InferenceOps::linear(const Tensor& input, const Weight& weight, const Weight* bias) {
  State& s = *state_;
  const Tensor x = s.compact(input);
  SPUTNIK_ASSERT(x.width() == weight.cols);
  const Tensor y = s.make(x.n_tokens, 1, weight.rows);
  if (x.n_tokens == 0) return y;  // a pass that wants no logits
  const std::byte* rows =
      s.uses_int8(weight) ? s.quantized(x, kernels::activation_block(weight.dtype)) : nullptr;
  const State::PerThread scratch = s.per_thread(s.matmul_scratch_bytes(weight));
  s.pool.parallel_for(
      weight.rows, s.row_grain(weight.rows), [&](std::int64_t begin, std::int64_t end, int worker) {
        s.matmul_rows(weight, begin, end - begin, x, rows, y.data + begin, y.token_stride,
                      scratch.of(worker));
        if (bias == nullptr) return;
        for (std::int64_t t = 0; t < y.n_tokens; ++t) {
          s.kernels.add(y.row(t) + begin, bias->vector() + begin, y.row(t) + begin, end - begin);
        }
      });
  return y;
}

Tensor InferenceOps::cross_entropy(const Tensor& h, const Weight& lm_head,
                                   const LossTargets& targets) {
  State& s = *state_;
  SPUTNIK_ASSERT(static_cast<std::int64_t>(targets.tokens.size()) == h.n_tokens);
  const Tensor losses = s.make(h.n_tokens, 1, 1);
  for (std::int64_t first = 0; first < h.n_tokens; first += kLossRows) {
    const Arena::Mark mark = s.arena().mark();
    Tensor rows = h;
    rows.data = h.row(first);
    rows.n_tokens = std::min(kLossRows, h.n_tokens - first);
    const Tensor logits = linear(rows, lm_head, nullptr);
    s.pool.parallel_for(rows.n_tokens, 1, [&](std::int64_t begin, std::int64_t end, int) {
      for (std::int64_t t = begin; t < end; ++t) {
        *losses.row(first + t) =
            s.kernels.cross_entropy_row(logits.row(t), logits.dim, targets.tokens[first + t], 1.0f);
      }
    });
    s.last_quantized = {};
    s.arena().reset(mark);
  }
  return losses;
}

Tensor InferenceOps::embed(const Weight& weight, std::span<const std::int32_t> tokens) {
  State& s = *state_;
  const Tensor y = s.make(static_cast<std::int64_t>(tokens.size()), 1, weight.cols);
  for (std::int64_t t = 0; t < y.n_tokens; ++t) {
    SPUTNIK_ASSERT(0 <= tokens[t] && tokens[t] < weight.rows);
    s.kernels.dequantize_row(weight.dtype, weight.data + tokens[t] * weight.row_stride_bytes(),
                             y.row(t), weight.cols);
  }
  return y;
}

// ----------------------------------------------------------------------------------------------------
// element-wise

Tensor InferenceOps::rms_norm(const Tensor& x, const Weight& weight, float eps) {
  State& s = *state_;
  SPUTNIK_ASSERT(x.dim == weight.cols);
  const Tensor y = s.make(x.n_tokens, x.n_heads, x.dim);
  s.pool.parallel_for(x.n_tokens, kTokenGrain, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t t = begin; t < end; ++t) {
      for (std::int64_t h = 0; h < x.n_heads; ++h)
        s.kernels.rms_norm(x.row(t, h), weight.vector(), y.row(t, h), x.dim, eps);
    }
  });
  return y;
}

Tensor InferenceOps::rope(const Tensor& x, std::span<const std::int64_t> positions,
                          const Rope& rope) {
  State& s = *state_;
  const std::int64_t n_pairs = rope.n_pairs();
  SPUTNIK_ASSERT(x.dim == 2 * n_pairs && static_cast<std::int64_t>(positions.size()) == x.n_tokens);
  const State::RopeTable* table = nullptr;
  for (const State::RopeTable& t : s.rope_tables) {
    if (t.rope == &rope && t.positions == positions.data() && t.n_positions == x.n_tokens)
      table = &t;
  }
  if (table == nullptr) {
    const auto cos = s.rope_arena.allocate_span<float>(x.n_tokens * n_pairs);
    const auto sin = s.rope_arena.allocate_span<float>(x.n_tokens * n_pairs);
    rope_table(rope, positions, cos.data(), sin.data());
    table = &s.rope_tables.emplace_back(
        State::RopeTable{&rope, positions.data(), x.n_tokens, cos.data(), sin.data()});
  }
  const kernels::Rope kernel =
      rope.pairs == RopePairs::kInterleaved ? s.kernels.rope_interleaved : s.kernels.rope_half;
  const Tensor y = s.make(x.n_tokens, x.n_heads, x.dim);
  s.pool.parallel_for(x.n_tokens, kTokenGrain, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t t = begin; t < end; ++t) {
      for (std::int64_t h = 0; h < x.n_heads; ++h) {
        std::copy_n(x.row(t, h), x.dim, y.row(t, h));
        kernel(y.row(t, h), table->cos + t * n_pairs, table->sin + t * n_pairs, n_pairs);
      }
    }
  });
  return y;
}

Tensor InferenceOps::silu_mul(const Tensor& gate, const Tensor& up) {
  State& s = *state_;
  SPUTNIK_ASSERT(gate.n_tokens == up.n_tokens && gate.width() == up.width());
  const Tensor y = s.make(gate.n_tokens, 1, gate.width());
  s.pool.parallel_for(y.n_tokens, kTokenGrain, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t t = begin; t < end; ++t)
      s.kernels.silu_mul(gate.row(t), up.row(t), y.row(t), y.dim);
  });
  return y;
}

Tensor InferenceOps::add(const Tensor& a, const Tensor& b) {
  State& s = *state_;
  SPUTNIK_ASSERT(a.n_tokens == b.n_tokens && a.width() == b.width());
  const Tensor y = s.make(a.n_tokens, 1, a.width());
  s.pool.parallel_for(y.n_tokens, kTokenGrain, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t t = begin; t < end; ++t) s.kernels.add(a.row(t), b.row(t), y.row(t), y.dim);
  });
  return y;
}

Tensor InferenceOps::concat_last(const Tensor& a, const Tensor& b) {
  SPUTNIK_ASSERT(a.n_tokens == b.n_tokens && a.n_heads == 1 && b.n_heads == 1);
  const Tensor y = state_->make(a.n_tokens, 1, a.dim + b.dim);
  for (std::int64_t t = 0; t < y.n_tokens; ++t) {
    std::copy_n(a.row(t), a.dim, y.row(t));
    std::copy_n(b.row(t), b.dim, y.row(t) + a.dim);
  }
  return y;
}

Tensor InferenceOps::select_rows(const Tensor& x, std::span<const std::int64_t> rows) {
  SPUTNIK_ASSERT(x.rows_are_contiguous());
  const Tensor y = state_->make(static_cast<std::int64_t>(rows.size()), x.n_heads, x.dim);
  for (std::int64_t i = 0; i < y.n_tokens; ++i) std::copy_n(x.row(rows[i]), x.width(), y.row(i));
  return y;
}

}  // namespace sputnik
