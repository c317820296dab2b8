// Routing and the routed experts: DeepSeek-V3 report (arXiv:2412.19437), section 2.1.2.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "autograd/training_state.h"

namespace sputnik {
namespace {

using kernels::kPanelColumns;
using kernels::panel_width;

constexpr std::int64_t kRowBlock = 96;  // rows of one expert that a thread takes at a time

// All scores of one token, as the router computed them.
void score(ScoringFunc func, const float* logits, std::int64_t n, double* scores) {
  if (func == ScoringFunc::kSigmoid) {
    for (std::int64_t i = 0; i < n; ++i)
      scores[i] = 1 / (1 + std::exp(-static_cast<double>(logits[i])));
    return;
  }
  const double largest = *std::max_element(logits, logits + n);
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i)
    sum += scores[i] = std::exp(static_cast<double>(logits[i]) - largest);
  for (std::int64_t i = 0; i < n; ++i) scores[i] /= sum;
}

// From the gradient of the scores to that of the logits, in place.
void through_score(ScoringFunc func, const double* scores, std::int64_t n, double* d) {
  if (func == ScoringFunc::kSigmoid) {
    for (std::int64_t i = 0; i < n; ++i) d[i] *= scores[i] * (1 - scores[i]);
    return;
  }
  double mean = 0;
  for (std::int64_t i = 0; i < n; ++i) mean += scores[i] * d[i];
  for (std::int64_t i = 0; i < n; ++i) d[i] = scores[i] * (d[i] - mean);
}

// Choices sorted by expert: rows [first[e], first[e + 1]) are expert e's, row a computes token[a]
// with the weight of slot[a] = token * k + its place among the token's choices; row is the inverse.
struct Assignments {
  std::int32_t *first, *token, *slot, *row;
};

}  // namespace

// With s the scores, g_i = scale s_i / N, N = the sum of the chosen scores (or 1):
//   ds_i = scale (dg_i - [normalised] sum_j dg_j s_j / N) / N        for the chosen, else 0
// The choice itself has no gradient. Balance: L = alpha sum_i f_i P_i with
//   f_i = n / (k T) * (times i was chosen),   P_i = mean over t of s_it / sum_j s_jt
Routing TrainingOps::route(const Tensor& scores, const Weight* bias, const RouterConfig& config,
                           const Batch& batch) {
  State& s = *state_;
  const std::int64_t k = config.num_experts_per_tok, n = scores.dim, n_tokens = scores.n_tokens;
  const auto experts = s.activations().allocate_span<std::int32_t>(n_tokens * k);
  const Tensor weights = s.make(n_tokens, 1, k);
  const float* b = bias == nullptr ? nullptr : bias->vector();
  s.record(
      "route",
      [&s, scores, config, b, experts, weights, n, k] {
        s.pool.parallel_for(scores.n_tokens, kTrainingGrain,
                            [&](std::int64_t begin, std::int64_t end, int worker) {
                              for (std::int64_t t = begin; t < end; ++t) {
                                route_token(config, {scores.row(t), static_cast<std::size_t>(n)}, b,
                                            s.router_scratch[static_cast<std::size_t>(worker)],
                                            experts.data() + t * k, weights.row(t));
                              }
                            });
      },
      [&s, scores, config, experts, weights, n, k, &batch] {
        const Tensor dweights = s.gradient_of(weights);
        const bool balance = s.options.balance_loss_alpha > 0;
        if (dweights.data == nullptr && !balance) return;
        const GradientTarget target = s.target_of(scores);
        // alpha f_i / T of the document that a token belongs to.
        const State::ScratchScope scope(s.scratch);
        const auto n_sequences = static_cast<std::int64_t>(batch.sequences.size());
        double* f = nullptr;
        std::int32_t* sequence_of = nullptr;
        if (balance) {
          f = s.scratch.allocate_span<double>(n_sequences * n).data();
          sequence_of = s.scratch.allocate_span<std::int32_t>(scores.n_tokens).data();
          for (std::int64_t i = 0; i < n_sequences; ++i) {
            const BatchSequence& sequence = batch.sequences[static_cast<std::size_t>(i)];
            std::fill_n(f + i * n, n, 0.0);
            std::fill_n(sequence_of + sequence.first_row, sequence.n_tokens,
                        static_cast<std::int32_t>(i));
            const auto length = static_cast<double>(std::max<std::int64_t>(1, sequence.n_tokens));
            const double unit = static_cast<double>(s.options.balance_loss_alpha) *
                                static_cast<double>(s.options.balance_loss_scale) *
                                static_cast<double>(n) / (static_cast<double>(k) * length * length);
            for (std::int64_t a = sequence.first_row * k;
                 a < (sequence.first_row + sequence.n_tokens) * k; ++a)
              f[i * n + experts[a]] += unit;
          }
        }
        const State::PerThread memory = s.per_thread(2 * n * 8);
        s.pool.parallel_for(
            scores.n_tokens, kTrainingGrain, [&](std::int64_t begin, std::int64_t end, int worker) {
              double *p = memory.of<double>(worker), *d = p + n;
              for (std::int64_t t = begin; t < end; ++t) {
                score(config.scoring_func, scores.row(t), n, p);
                std::fill_n(d, n, 0.0);
                const std::int32_t* chosen = experts.data() + t * k;
                if (dweights.data != nullptr) {
                  const float* dg = dweights.row(t);
                  double norm = 1, mean = 0;
                  if (config.norm_topk_prob) {
                    norm = 1e-20;
                    for (std::int64_t j = 0; j < k; ++j) {
                      norm += p[chosen[j]];
                      mean += dg[j] * p[chosen[j]];
                    }
                    mean /= norm;
                  }
                  for (std::int64_t j = 0; j < k; ++j)
                    d[chosen[j]] = config.routed_scaling_factor * (dg[j] - mean) / norm;
                }
                if (balance) {
                  const double* factors = f + sequence_of[t] * n;
                  double sum = 0, mean = 0;
                  for (std::int64_t i = 0; i < n; ++i) {
                    sum += p[i];
                    mean += factors[i] * p[i];
                  }
                  for (std::int64_t i = 0; i < n; ++i) d[i] += (factors[i] - mean / sum) / sum;
                }
                through_score(config.scoring_func, p, n, d);
                float* out = target.tensor.row(t);
                for (std::int64_t i = 0; i < n; ++i)
                  out[i] = static_cast<float>(target.accumulate ? out[i] + d[i] : d[i]);
              }
            });
      });

  ExpertLoad& load = s.expert_loads.emplace_back();
  load.bias = bias == nullptr ? nullptr : &s.parameter(*bias);
  load.tokens.assign(static_cast<std::size_t>(n), 0);
  for (const std::int32_t e : experts) ++load.tokens[static_cast<std::size_t>(e)];
  if (s.options.balance_loss_alpha > 0) {
    std::vector<double> p(static_cast<std::size_t>(n)), count(p.size()), mean(p.size());
    for (const BatchSequence& sequence : batch.sequences) {
      std::fill(count.begin(), count.end(), 0.0);
      std::fill(mean.begin(), mean.end(), 0.0);
      const auto length = static_cast<double>(std::max<std::int64_t>(1, sequence.n_tokens));
      for (std::int64_t t = sequence.first_row; t < sequence.first_row + sequence.n_tokens; ++t) {
        score(config.scoring_func, scores.row(t), n, p.data());
        const double sum = std::accumulate(p.begin(), p.end(), 0.0);
        for (std::size_t i = 0; i < p.size(); ++i) mean[i] += p[i] / sum / length;
        for (std::int64_t j = 0; j < k; ++j)
          count[static_cast<std::size_t>(experts[t * k + j])] += 1;
      }
      for (std::size_t i = 0; i < p.size(); ++i) {
        s.balance_loss += static_cast<double>(s.options.balance_loss_alpha) * mean[i] * count[i] *
                          static_cast<double>(n) / (static_cast<double>(k) * length);
      }
    }
  }
  return {experts, {weights.data, static_cast<std::size_t>(n_tokens * k)}, k, weights.variable};
}

// Row a is one choice of one token x, h = silu(gate x) * up x, y += down (w h).
//   with e = down^T dy:  dw = e . h,  dh = w e, then the way back through silu_mul, gate and up
// Tokens are sorted by expert, so that each expert multiplies blocks of rows.
Tensor TrainingOps::moe_ffn(const Tensor& x, const Routing& routing, const ExpertWeights& experts) {
  State& s = *state_;
  const GemmKernels& g = s.gemm();
  const std::int64_t k = routing.num_experts_per_tok, n_rows = x.n_tokens * k;
  const auto n_experts = static_cast<std::int64_t>(experts.gate_proj.size());
  const std::int64_t hidden = x.width(), inner = experts.gate_proj.front().rows;
  const std::int64_t hidden_stride = g.rounded(hidden), inner_stride = g.rounded(inner);
  const auto elements = [&g](void* base, std::int64_t n) {
    return static_cast<std::byte*>(base) + n * g.element_bytes;
  };
  struct Expert {
    const PackedWeight *gate, *up, *down;
  };
  std::vector<Expert> packed;
  for (std::size_t e = 0; e < experts.gate_proj.size(); ++e) {
    packed.push_back({&s.packed_weight(experts.gate_proj[e]), &s.packed_weight(experts.up_proj[e]),
                      &s.packed_weight(experts.down_proj[e])});
  }
  Arena& arena = s.activations();
  const Assignments a{arena.allocate_span<std::int32_t>(n_experts + 1).data(),
                      arena.allocate_span<std::int32_t>(n_rows).data(),
                      arena.allocate_span<std::int32_t>(n_rows).data(),
                      arena.allocate_span<std::int32_t>(n_rows).data()};
  void* to_fill = nullptr;
  const Rows x_rows = s.rows_of(x, g, &to_fill);
  void* const sorted = arena.allocate(n_rows * hidden_stride * g.element_bytes);
  const Tensor y = s.make(x.n_tokens, 1, hidden);
  float* const gate = arena.allocate_span<float>(n_rows * inner).data();
  float* const up = arena.allocate_span<float>(n_rows * inner).data();
  void* const weighted = arena.allocate(n_rows * inner_stride * g.element_bytes);  // w h
  const std::int32_t* const chosen = routing.experts.data();
  const float* const weights = routing.weights.data();
  Tensor weights_tensor{const_cast<float*>(weights), x.n_tokens, 1, k, k, k};
  weights_tensor.variable = routing.variable;

  // f(expert, first row, rows, worker) for blocks of the rows of every expert.
  const auto for_blocks = [&s, a, n_experts](auto f) {
    struct Block {
      std::int64_t expert, first, n;
    };
    std::vector<Block> blocks;
    for (std::int64_t e = 0; e < n_experts; ++e) {
      for (std::int64_t row = a.first[e]; row < a.first[e + 1]; row += kRowBlock)
        blocks.push_back({e, row, std::min<std::int64_t>(kRowBlock, a.first[e + 1] - row)});
    }
    s.pool.parallel_for(static_cast<std::int64_t>(blocks.size()), 1,
                        [&](std::int64_t begin, std::int64_t end, int worker) {
                          for (std::int64_t i = begin; i < end; ++i) {
                            const Block& block = blocks[static_cast<std::size_t>(i)];
                            f(block.expert, block.first, block.n, worker);
                          }
                        });
  };

  s.record(
      "moe_ffn",
      [=, &s, &g] {
        s.fill_rows(x, g, to_fill);
        std::fill_n(a.first, n_experts + 1, 0);
        for (std::int64_t i = 0; i < n_rows; ++i) ++a.first[chosen[i] + 1];
        std::partial_sum(a.first, a.first + n_experts + 1, a.first);
        std::vector<std::int32_t> next(a.first, a.first + n_experts);
        for (std::int64_t i = 0; i < n_rows; ++i) {
          const std::int32_t row = next[static_cast<std::size_t>(chosen[i])]++;
          a.token[row] = static_cast<std::int32_t>(i / k);
          a.slot[row] = static_cast<std::int32_t>(i);
          a.row[i] = row;
        }
        const State::ScratchScope scope(s.scratch);
        float* const down = s.scratch.allocate_span<float>(n_rows * hidden).data();
        const State::PerThread memory = s.per_thread(inner * 4);
        for_blocks([&](std::int64_t e, std::int64_t first, std::int64_t n, int worker) {
          const Expert& expert = packed[static_cast<std::size_t>(e)];
          for (std::int64_t r = first; r < first + n; ++r) {
            std::copy_n(static_cast<const std::byte*>(x_rows.data) +
                            a.token[r] * x_rows.stride * g.element_bytes,
                        hidden_stride * g.element_bytes, elements(sorted, r * hidden_stride));
          }
          const GemmA in{elements(sorted, first * hidden_stride), hidden_stride, g.group};
          float *gates = gate + first * inner, *ups = up + first * inner;
          g.multiply(in, expert.gate->forward, g.panel_stride(hidden), n, inner, hidden, gates,
                     inner, false);
          g.multiply(in, expert.up->forward, g.panel_stride(hidden), n, inner, hidden, ups, inner,
                     false);
          float* h = memory.of<float>(worker);
          for (std::int64_t r = 0; r < n; ++r) {
            s.kernels.silu_mul(gates + r * inner, ups + r * inner, h, inner);
            s.kernels.scale(weights[a.slot[first + r]], h, h, inner);
            g.to_rows(h, 0, 1, inner, elements(weighted, (first + r) * inner_stride), inner_stride,
                      inner_stride - inner);
          }
          g.multiply({elements(weighted, first * inner_stride), inner_stride, g.group},
                     expert.down->forward, g.panel_stride(inner), n, hidden, inner,
                     down + first * hidden, hidden, false);
        });
        // Each token adds up its experts by ascending id.
        s.pool.parallel_for(
            x.n_tokens, kTrainingGrain, [&](std::int64_t begin, std::int64_t end, int) {
              for (std::int64_t t = begin; t < end; ++t) {
                std::copy_n(down + a.row[t * k] * hidden, hidden, y.row(t));
                for (std::int64_t i = t * k + 1; i < (t + 1) * k; ++i)
                  s.kernels.add(y.row(t), down + a.row[i] * hidden, y.row(t), hidden);
              }
            });
      },
      [=, &s, &g] {
        const Tensor dy = s.gradient_of(y);
        if (dy.data == nullptr) return;
        const State::ScratchScope scope(s.scratch);
        const GradientTarget dx = s.target_of(x);
        const GradientTarget dw = s.target_of(weights_tensor);
        const auto rows = [&](std::int64_t n, std::int64_t stride) {
          return s.scratch.allocate(n * stride * g.element_bytes);
        };
        Rows dy_rows{dy.data, dy.token_stride};
        if (!s.is_float32(g)) {
          void* filled = rows(x.n_tokens, hidden_stride);
          s.fill_rows(dy, g, filled);
          dy_rows = {filled, hidden_stride};
        }
        void* const dsorted = rows(n_rows, hidden_stride);
        void* const dgate = rows(n_rows, inner_stride);
        void* const dup = rows(n_rows, inner_stride);
        float* const dinput = s.scratch.allocate_span<float>(n_rows * hidden).data();
        const State::PerThread memory = s.per_thread((kRowBlock + 3) * inner * 4);
        for_blocks([&](std::int64_t e, std::int64_t first, std::int64_t n, int worker) {
          const Expert& expert = packed[static_cast<std::size_t>(e)];
          for (std::int64_t r = first; r < first + n; ++r) {
            std::copy_n(static_cast<const std::byte*>(dy_rows.data) +
                            a.token[r] * dy_rows.stride * g.element_bytes,
                        hidden_stride * g.element_bytes, elements(dsorted, r * hidden_stride));
          }
          float* const dh = memory.of<float>(worker);
          float *h = dh + kRowBlock * inner, *dgates = h + inner, *dups = dgates + inner;
          g.multiply({elements(dsorted, first * hidden_stride), hidden_stride, g.group},
                     expert.down->backward, g.panel_stride(hidden), n, inner, hidden, dh, inner,
                     false);
          for (std::int64_t r = 0; r < n; ++r) {
            const float *gates = gate + (first + r) * inner, *ups = up + (first + r) * inner;
            float* const dhr = dh + r * inner;
            s.kernels.silu_mul(gates, ups, h, inner);
            const float sum = s.kernels.dot(dhr, h, inner);
            const std::int32_t slot = a.slot[first + r];
            float& to = dw.tensor.data[slot];
            to = dw.accumulate ? to + sum : sum;
            s.kernels.scale(weights[slot], dhr, dhr, inner);
            s.kernels.silu_mul_backward(gates, ups, dhr, dgates, dups, inner, false);
            for (const auto& [from, to_rows] : {std::pair{dgates, dgate}, {dups, dup}}) {
              g.to_rows(from, 0, 1, inner, elements(to_rows, (first + r) * inner_stride),
                        inner_stride, inner_stride - inner);
            }
          }
          float* const dins = dinput + first * hidden;
          g.multiply({elements(dgate, first * inner_stride), inner_stride, g.group},
                     expert.gate->backward, g.panel_stride(inner), n, hidden, inner, dins, hidden,
                     false);
          g.multiply({elements(dup, first * inner_stride), inner_stride, g.group},
                     expert.up->backward, g.panel_stride(inner), n, hidden, inner, dins, hidden,
                     true);
        });
        s.pool.parallel_for(x.n_tokens, kTrainingGrain,
                            [&](std::int64_t begin, std::int64_t end, int) {
                              for (std::int64_t t = begin; t < end; ++t) {
                                for (std::int64_t i = t * k; i < (t + 1) * k; ++i) {
                                  float* to = dx.tensor.row(t);
                                  const float* from = dinput + a.row[i] * hidden;
                                  if (i == t * k && !dx.accumulate) {
                                    std::copy_n(from, hidden, to);
                                  } else {
                                    s.kernels.add(to, from, to, hidden);
                                  }
                                }
                              }
                            });

        // Gradients of the weights: one expert and matrix at a time on one thread.
        std::int64_t most = 0;
        for (std::int64_t e = 0; e < n_experts; ++e)
          most = std::max<std::int64_t>(most, a.first[e + 1] - a.first[e]);
        const std::int64_t widest = std::max(hidden, inner);
        const State::PerThread panels =
            s.per_thread(g.panels_bytes(widest, most) + g.panels_bytes(kPanelColumns, most));
        s.pool.parallel_for(
            3 * n_experts, 1, [&](std::int64_t begin, std::int64_t end, int worker) {
              for (std::int64_t item = begin; item < end; ++item) {
                const std::int64_t e = item / 3, first = a.first[e], n = a.first[e + 1] - first;
                if (n == 0) continue;
                const Expert& expert = packed[static_cast<std::size_t>(e)];
                const PackedWeight& w = *(item % 3 == 0   ? expert.gate
                                          : item % 3 == 1 ? expert.up
                                                          : expert.down);
                const bool is_down = item % 3 == 2;
                void* const d = is_down ? dsorted : item % 3 == 0 ? dgate : dup;
                void* const in = is_down ? weighted : sorted;
                const std::int64_t d_stride = is_down ? hidden_stride : inner_stride;
                const std::int64_t in_stride = is_down ? inner_stride : hidden_stride;
                const std::int64_t rows_of_w = w.parameter->rows, cols = w.parameter->cols;
                std::byte* const left = panels.of(worker);
                std::byte* const right = left + g.panels_bytes(kPanelColumns, most);
                g.pack_rows(elements(in, first * in_stride), in_stride, n, cols, right);
                for (std::int64_t row = 0; row < rows_of_w; row += kPanelColumns) {
                  const std::int64_t height = std::min(kPanelColumns, rows_of_w - row);
                  g.pack_rows(elements(d, first * d_stride + row), d_stride, n, height, left);
                  g.multiply({left, g.group, panel_width(height, 0) * g.group}, right,
                             g.panel_stride(n), height, cols, n,
                             w.parameter->gradient.data() + row * cols, cols, true);
                }
              }
            });
      });
  return y;
}

}  // namespace sputnik
