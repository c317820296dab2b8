#include "autograd/training_ops.h"

#include <algorithm>

#include "autograd/training_state.h"

namespace sputnik {
namespace {

constexpr std::int64_t kNormBlock = 256;    // rows whose share of a norm's gradient is summed first
constexpr std::int64_t kEmbedColumns = 64;  // of an embedding's gradient that one thread adds to

}  // namespace

TrainingOps::TrainingOps(const kernels::KernelTable& kernels, ThreadPool& pool,
                         ParameterStore& parameters, const TrainingOptions& options)
    : state_(std::make_unique<State>(kernels, pool, parameters, options)) {}

TrainingOps::~TrainingOps() = default;

void TrainingOps::begin(const Batch& batch) {
  State& s = *state_;
  for (const BatchSequence& sequence : batch.sequences) SPUTNIK_ASSERT(sequence.n_past == 0);
  s.tape.clear();
  s.variables.clear();
  s.rope_tables.clear();
  s.expert_loads.clear();
  s.balance_loss = 0;
  s.segment = 0;
  s.is_undoing = false;
  s.kept.reset();
  s.layer.reset();
  s.gradients[0].reset();
  s.gradients[1].reset();
  s.scratch.reset();
  if (s.packed_version != s.parameters.version()) {
    std::vector<PackedWeight*> stale;
    for (const auto& [parameter, weight] : s.packed) stale.push_back(weight.get());
    s.pack(stale);
    s.packed_version = s.parameters.version();
  }
}

Tensor TrainingOps::layer_boundary(const Tensor& h) {
  State& s = *state_;
  Tensor out = h;
  if (s.options.checkpoint_layers) {
    SPUTNIK_ASSERT(h.rows_are_contiguous());
    out = s.make(h.n_tokens, h.n_heads, h.dim, /*keep=*/true);
    s.record(
        "layer_boundary",
        [h, out] {
          for (std::int64_t t = 0; t < h.n_tokens; ++t)
            std::copy_n(h.row(t), h.width(), out.row(t));
        },
        [&s, h, out] {
          const Tensor dy = s.gradient_of(out);
          if (dy.data == nullptr) return;
          const GradientTarget dx = s.target_of(h);
          for (std::int64_t t = 0; t < h.n_tokens; ++t) {
            if (dx.accumulate) {
              s.kernels.add(dx.tensor.row(t), dy.row(t), dx.tensor.row(t), h.width());
            } else {
              std::copy_n(dy.row(t), h.width(), dx.tensor.row(t));
            }
          }
        },
        /*recompute=*/false);
    s.layer.reset(Arena::Mark{});
  }
  s.tape.boundary();
  ++s.segment;
  return out;
}

Tensor TrainingOps::input(std::span<const float> values, std::int64_t n_tokens,
                          std::int64_t n_heads, std::int64_t dim) {
  State& s = *state_;
  SPUTNIK_ASSERT(static_cast<std::int64_t>(values.size()) == n_tokens * n_heads * dim);
  const Tensor x = s.make(n_tokens, n_heads, dim, /*keep=*/true);
  s.variable(x).is_input = true;
  std::copy(values.begin(), values.end(), x.data);
  return x;
}

void TrainingOps::seed(const Tensor& y, std::span<const float> gradient) {
  State& s = *state_;
  SPUTNIK_ASSERT(!s.is_undoing && s.is_whole(y) &&
                 static_cast<std::int64_t>(gradient.size()) == y.size());
  const GradientTarget target = s.target_of(y);
  if (!target.accumulate) std::fill_n(target.tensor.data, y.size(), 0.0f);
  s.kernels.add(target.tensor.data, gradient.data(), target.tensor.data, y.size());
}

void TrainingOps::backward() {
  State& s = *state_;
  SPUTNIK_ASSERT(!s.is_undoing);
  s.is_undoing = true;
  const std::int64_t last = s.tape.n_segments() - 1;
  s.tape.backward(
      [&](std::int64_t segment) { return s.options.checkpoint_layers && segment != last; },
      [&](std::int64_t segment) { s.segment = segment; },
      [&](std::int64_t segment) {
        if (segment == 0 || segment == last) return;  // gradient() may be asked for them
        for (Variable& v : s.variables) {
          if (v.segment == segment && !v.is_input) v.gradient = nullptr;
          v.panels = nullptr;
        }
        s.gradients[segment % 2].reset(Arena::Mark{});
      });
}

const float* TrainingOps::gradient(const Tensor& x) const {
  return state_->variable(x).gradient;
}

const std::vector<ExpertLoad>& TrainingOps::expert_loads() const {
  return state_->expert_loads;
}
void TrainingOps::set_balance_loss_scale(float scale) {
  state_->options.balance_loss_scale = scale;
}
double TrainingOps::balance_loss() const {
  return state_->balance_loss;
}
const TapeProfile& TrainingOps::profile() const {
  return state_->tape.profile();
}
void TrainingOps::clear_profile() {
  state_->tape.clear_profile();
}
std::int64_t TrainingOps::memory_bytes() const {
  const State& s = *state_;
  return s.kept.peak_bytes() + s.layer.peak_bytes() + s.gradients[0].peak_bytes() +
         s.gradients[1].peak_bytes() + s.scratch.peak_bytes() + s.packed_memory.peak_bytes();
}

// ------------------------------------------------------------------------------------------------
// embedding and products

// dW[token] += dy of every row with that token. Threads take columns, so rows add up in order.
Tensor TrainingOps::embed(const Weight& weight, std::span<const std::int32_t> tokens) {
  State& s = *state_;
  Parameter& w = s.parameter(weight);
  const Tensor y = s.make(static_cast<std::int64_t>(tokens.size()), 1, w.cols);
  s.record(
      "embed",
      [&s, &w, tokens, y] {
        s.pool.parallel_for(y.n_tokens, kTrainingGrain,
                            [&](std::int64_t begin, std::int64_t end, int) {
                              for (std::int64_t t = begin; t < end; ++t) {
                                SPUTNIK_ASSERT(0 <= tokens[t] && tokens[t] < w.rows);
                                std::copy_n(w.value.data() + tokens[t] * w.cols, w.cols, y.row(t));
                              }
                            });
      },
      [&s, &w, tokens, y] {
        const Tensor dy = s.gradient_of(y);
        if (dy.data == nullptr) return;
        s.pool.parallel_for(w.cols, kEmbedColumns, [&](std::int64_t begin, std::int64_t end, int) {
          for (std::int64_t t = 0; t < y.n_tokens; ++t) {
            float* dw = w.gradient.data() + tokens[t] * w.cols + begin;
            s.kernels.add(dw, dy.row(t) + begin, dw, end - begin);
          }
        });
      });
  return y;
}

// y = x W^T + b.  dx = dy W,  dW = dy^T x,  db = sum of dy.
Tensor TrainingOps::linear(const Tensor& x, const Weight& weight, const Weight* bias) {
  State& s = *state_;
  SPUTNIK_ASSERT(x.width() == weight.cols);
  const PackedWeight& w = s.packed_weight(weight);
  Parameter* b = bias == nullptr ? nullptr : &s.parameter(*bias);
  const Tensor y = s.make(x.n_tokens, 1, weight.rows);
  void* to_fill = nullptr;
  const Rows rows = s.rows_of(x, *w.gemm, &to_fill);
  s.record(
      "linear",
      [&s, &w, b, x, y, rows, to_fill] {
        const GemmKernels& g = *w.gemm;
        const std::int64_t k = w.parameter->cols;
        s.for_row_blocks(x.n_tokens, [&](std::int64_t begin, std::int64_t n) {
          if (to_fill != nullptr) s.fill_row_block(x, g, to_fill, begin, n);
          g.multiply(
              {static_cast<const std::byte*>(rows.data) + begin * rows.stride * g.element_bytes,
               rows.stride, g.group},
              w.forward, g.panel_stride(k), n, y.dim, k, y.row(begin), y.token_stride, false);
          if (b == nullptr) return;
          for (std::int64_t t = begin; t < begin + n; ++t)
            s.kernels.add(y.row(t), b->value.data(), y.row(t), y.dim);
        });
      },
      [&s, &w, b, x, y, rows] {
        const Tensor dy = s.gradient_of(y);
        if (dy.data == nullptr) return;
        if (b != nullptr) {
          float* db = b->gradient.data();
          for (std::int64_t t = 0; t < y.n_tokens; ++t) s.kernels.add(db, dy.row(t), db, y.dim);
        }
        s.linear_backward(x, rows, w, dy);
      });
  return y;
}

// ------------------------------------------------------------------------------------------------
// element-wise

Tensor TrainingOps::rms_norm(const Tensor& x, const Weight& weight, float eps) {
  State& s = *state_;
  SPUTNIK_ASSERT(x.dim == weight.cols);
  Parameter& w = s.parameter(weight);
  const Tensor y = s.make(x.n_tokens, x.n_heads, x.dim);
  void* y_rows = s.rows_to_fill(y);
  s.record(
      "rms_norm",
      [&s, &w, x, y, eps, y_rows] {
        const GemmKernels& g = s.gemm();
        const std::int64_t stride = g.rounded(y.width());
        s.pool.parallel_for(
            x.n_tokens, kTrainingGrain, [&](std::int64_t begin, std::int64_t end, int) {
              for (std::int64_t t = begin; t < end; ++t) {
                for (std::int64_t h = 0; h < x.n_heads; ++h)
                  s.kernels.rms_norm(x.row(t, h), w.value.data(), y.row(t, h), x.dim, eps);
                if (y_rows != nullptr) {
                  g.to_rows(y.row(t), 0, 1, y.width(),
                            static_cast<std::byte*>(y_rows) + t * stride * g.element_bytes, stride,
                            stride - y.width());
                }
              }
            });
      },
      [&s, &w, x, y, eps] {
        const Tensor dy = s.gradient_of(y);
        if (dy.data == nullptr) return;
        const State::ScratchScope scope(s.scratch);
        const GradientTarget dx = s.target_of(x);
        // Each block of rows sums its share of dw; the shares are added in order.
        const std::int64_t n_blocks = (x.n_tokens + kNormBlock - 1) / kNormBlock;
        float* shares = s.scratch.allocate_span<float>(n_blocks * x.dim).data();
        s.pool.parallel_for(n_blocks, 1, [&](std::int64_t begin, std::int64_t end, int) {
          for (std::int64_t block = begin; block < end; ++block) {
            float* dw = shares + block * x.dim;
            std::fill_n(dw, x.dim, 0.0f);
            const std::int64_t last = std::min(x.n_tokens, (block + 1) * kNormBlock);
            for (std::int64_t t = block * kNormBlock; t < last; ++t) {
              for (std::int64_t h = 0; h < x.n_heads; ++h) {
                s.kernels.rms_norm_backward(x.row(t, h), w.value.data(), dy.row(t, h),
                                            dx.tensor.row(t, h), dw, x.dim, eps, dx.accumulate);
              }
            }
          }
        });
        for (std::int64_t block = 0; block < n_blocks; ++block)
          s.kernels.add(w.gradient.data(), shares + block * x.dim, w.gradient.data(), x.dim);
      });
  return y;
}

// A rotation: the way back turns by the opposite angles.
Tensor TrainingOps::rope(const Tensor& x, std::span<const std::int64_t> positions,
                         const Rope& rope) {
  State& s = *state_;
  const std::int64_t n_pairs = rope.n_pairs();
  SPUTNIK_ASSERT(x.dim == 2 * n_pairs && static_cast<std::int64_t>(positions.size()) == x.n_tokens);
  const State::RopeTable* found = nullptr;
  for (const State::RopeTable& t : s.rope_tables) {
    if (t.rope == &rope && t.positions == positions.data() && t.n_positions == x.n_tokens)
      found = &t;
  }
  if (found == nullptr) {
    const std::int64_t n = x.n_tokens * n_pairs;
    State::RopeTable made{&rope, positions.data(), x.n_tokens, nullptr, nullptr, nullptr};
    made.cos = s.kept.allocate_span<float>(n).data();
    made.sin = s.kept.allocate_span<float>(n).data();
    made.minus_sin = s.kept.allocate_span<float>(n).data();
    rope_table(rope, positions, made.cos, made.sin);
    for (std::int64_t i = 0; i < n; ++i) made.minus_sin[i] = -made.sin[i];
    found = &s.rope_tables.emplace_back(made);
  }
  const State::RopeTable table = *found;
  const kernels::Rope rotate =
      rope.pairs == RopePairs::kInterleaved ? s.kernels.rope_interleaved : s.kernels.rope_half;
  const Tensor y = s.make(x.n_tokens, x.n_heads, x.dim);
  s.record(
      "rope",
      [&s, x, y, table, rotate, n_pairs] {
        s.pool.parallel_for(
            x.n_tokens, kTrainingGrain, [&](std::int64_t begin, std::int64_t end, int) {
              for (std::int64_t t = begin; t < end; ++t) {
                for (std::int64_t h = 0; h < x.n_heads; ++h) {
                  std::copy_n(x.row(t, h), x.dim, y.row(t, h));
                  rotate(y.row(t, h), table.cos + t * n_pairs, table.sin + t * n_pairs, n_pairs);
                }
              }
            });
      },
      [&s, x, y, table, rotate, n_pairs] {
        const Tensor dy = s.gradient_of(y);
        if (dy.data == nullptr) return;
        const GradientTarget dx = s.target_of(x);
        s.pool.parallel_for(
            x.n_tokens, kTrainingGrain, [&](std::int64_t begin, std::int64_t end, int) {
              for (std::int64_t t = begin; t < end; ++t) {
                for (std::int64_t h = 0; h < x.n_heads; ++h) {
                  float* turned = dy.row(t, h);  // nobody reads it after this
                  rotate(turned, table.cos + t * n_pairs, table.minus_sin + t * n_pairs, n_pairs);
                  float* to = dx.tensor.row(t, h);
                  if (dx.accumulate) {
                    s.kernels.add(to, turned, to, x.dim);
                  } else {
                    std::copy_n(turned, x.dim, to);
                  }
                }
              }
            });
      });
  return y;
}

Tensor TrainingOps::silu_mul(const Tensor& gate, const Tensor& up) {
  State& s = *state_;
  SPUTNIK_ASSERT(gate.n_tokens == up.n_tokens && gate.width() == up.width());
  const Tensor y = s.make(gate.n_tokens, 1, gate.width());
  void* y_rows = s.rows_to_fill(y);
  s.record(
      "silu_mul",
      [&s, gate, up, y, y_rows] {
        const GemmKernels& g = s.gemm();
        const std::int64_t stride = g.rounded(y.width());
        s.pool.parallel_for(
            y.n_tokens, kTrainingGrain, [&](std::int64_t begin, std::int64_t end, int) {
              for (std::int64_t t = begin; t < end; ++t) {
                s.kernels.silu_mul(gate.row(t), up.row(t), y.row(t), y.dim);
                if (y_rows != nullptr) {
                  g.to_rows(y.row(t), 0, 1, y.dim,
                            static_cast<std::byte*>(y_rows) + t * stride * g.element_bytes, stride,
                            stride - y.width());
                }
              }
            });
      },
      [&s, gate, up, y] {
        const Tensor dy = s.gradient_of(y);
        if (dy.data == nullptr) return;
        const GradientTarget dgate = s.target_of(gate), dup = s.target_of(up);
        // One flag for both: what only one of them has is made zero in the other.
        const bool accumulate = dgate.accumulate || dup.accumulate;
        for (const GradientTarget* d : {&dgate, &dup}) {
          if (accumulate && !d->accumulate) s.zero(d->tensor.data, d->tensor.size());
        }
        s.pool.parallel_for(
            y.n_tokens, kTrainingGrain, [&](std::int64_t begin, std::int64_t end, int) {
              for (std::int64_t t = begin; t < end; ++t) {
                s.kernels.silu_mul_backward(gate.row(t), up.row(t), dy.row(t), dgate.tensor.row(t),
                                            dup.tensor.row(t), y.dim, accumulate);
              }
            });
      });
  return y;
}

Tensor TrainingOps::add(const Tensor& a, const Tensor& b) {
  State& s = *state_;
  SPUTNIK_ASSERT(a.n_tokens == b.n_tokens && a.width() == b.width());
  const Tensor y = s.make(a.n_tokens, 1, a.width());
  s.record(
      "add",
      [&s, a, b, y] {
        s.pool.parallel_for(y.n_tokens, kTrainingGrain,
                            [&](std::int64_t begin, std::int64_t end, int) {
                              for (std::int64_t t = begin; t < end; ++t)
                                s.kernels.add(a.row(t), b.row(t), y.row(t), y.dim);
                            });
      },
      [&s, a, b, y] {
        const Tensor dy = s.gradient_of(y);
        if (dy.data == nullptr) return;
        bool is_second = false;
        for (const Tensor& x : {a, b}) {
          if (is_second && x.variable != a.variable && s.hand_over(y, x)) return;
          is_second = true;
          const GradientTarget dx = s.target_of(x);
          s.pool.parallel_for(
              y.n_tokens, kTrainingGrain, [&](std::int64_t begin, std::int64_t end, int) {
                for (std::int64_t t = begin; t < end; ++t) {
                  if (dx.accumulate) {
                    s.kernels.add(dx.tensor.row(t), dy.row(t), dx.tensor.row(t), y.dim);
                  } else {
                    std::copy_n(dy.row(t), y.dim, dx.tensor.row(t));
                  }
                }
              });
        }
      });
  return y;
}

Tensor TrainingOps::concat_last(const Tensor& a, const Tensor& b) {
  State& s = *state_;
  SPUTNIK_ASSERT(a.n_tokens == b.n_tokens && a.n_heads == 1 && b.n_heads == 1);
  const Tensor y = s.make(a.n_tokens, 1, a.dim + b.dim);
  s.record(
      "concat_last",
      [a, b, y] {
        for (std::int64_t t = 0; t < y.n_tokens; ++t) {
          std::copy_n(a.row(t), a.dim, y.row(t));
          std::copy_n(b.row(t), b.dim, y.row(t) + a.dim);
        }
      },
      [&s, a, b, y] {
        const Tensor dy = s.gradient_of(y);
        if (dy.data == nullptr) return;
        std::int64_t from = 0;
        for (const Tensor& x : {a, b}) {
          const GradientTarget dx = s.target_of(x);
          for (std::int64_t t = 0; t < y.n_tokens; ++t) {
            if (dx.accumulate) {
              s.kernels.add(dx.tensor.row(t), dy.row(t) + from, dx.tensor.row(t), x.dim);
            } else {
              std::copy_n(dy.row(t) + from, x.dim, dx.tensor.row(t));
            }
          }
          from += x.dim;
        }
      });
  return y;
}

Tensor TrainingOps::select_rows(const Tensor& x, std::span<const std::int64_t> rows) {
  State& s = *state_;
  SPUTNIK_ASSERT(x.rows_are_contiguous());
  // All rows in order, which is what training mostly asks for: nothing to do.
  bool all = static_cast<std::int64_t>(rows.size()) == x.n_tokens;
  for (std::int64_t i = 0; all && i < x.n_tokens; ++i) all = rows[i] == i;
  if (all) return x;
  const Tensor y = s.make(static_cast<std::int64_t>(rows.size()), x.n_heads, x.dim);
  s.record(
      "select_rows",
      [x, y, rows] {
        for (std::int64_t i = 0; i < y.n_tokens; ++i)
          std::copy_n(x.row(rows[i]), x.width(), y.row(i));
      },
      [&s, x, y, rows] {
        const Tensor dy = s.gradient_of(y);
        if (dy.data == nullptr) return;
        const GradientTarget dx = s.target_of(x);
        if (!dx.accumulate) s.zero(dx.tensor.data, x.size());
        for (std::int64_t i = 0; i < y.n_tokens; ++i) {
          float* to = dx.tensor.row(rows[i]);
          s.kernels.add(to, dy.row(i), to, x.width());
        }
      });
  return y;
}

}  // namespace sputnik
