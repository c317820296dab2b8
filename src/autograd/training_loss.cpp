// Cross-entropy fused with the output head: logits exist for a few rows at a time.
#include <algorithm>

#include "autograd/training_state.h"

namespace sputnik {
namespace {

constexpr std::int64_t kChunk = 512;  // rows whose share of the weight's gradient is added at once
constexpr std::int64_t kRowBlock = 36;  // rows of logits that one thread makes at a time

std::byte* plus(void* base, std::int64_t elements, const GemmKernels& g) {
  return static_cast<std::byte*>(base) + elements * g.element_bytes;
}

}  // namespace

// With p = softmax(h W^T):  dlogits = w (p - [target]),  dh = dlogits W,  dW = dlogits^T h.
// If the weights w of the losses are known, all of it is done in the forward pass, and the way back
// only hands dh on. Otherwise logits are computed again when the weights have come.
Tensor TrainingOps::cross_entropy(const Tensor& h, const Weight& lm_head,
                                  const LossTargets& targets) {
  State& s = *state_;
  const PackedWeight& w = s.packed_weight(lm_head);
  const GemmKernels& g = *w.gemm;
  const std::int64_t n_rows = h.n_tokens, width = h.width(), vocab = lm_head.rows;
  SPUTNIK_ASSERT(static_cast<std::int64_t>(targets.tokens.size()) == n_rows);
  const bool weights_known = !targets.weights.empty();
  SPUTNIK_ASSERT(!weights_known || static_cast<std::int64_t>(targets.weights.size()) == n_rows);
  const Tensor losses = s.make(n_rows, 1, 1, /*keep=*/true);
  void* to_fill = nullptr;
  const Rows rows = s.rows_of(h, g, &to_fill);
  const std::span<const std::int32_t> tokens = targets.tokens;

  // weights: null for losses alone. dh: [n_rows, width].
  const auto run = [&s, &w, &g, rows, tokens, losses, n_rows, width, vocab](
                       const float* weights, const Tensor& dh, bool accumulate) {
    const State::ScratchScope scope(s.scratch);
    const std::int64_t chunk = std::min(kChunk, n_rows), stride = g.rounded(vocab);
    const bool backward = weights != nullptr;
    const State::PerThread logits = s.per_thread(kRowBlock * vocab * 4);
    void* const dlogits = backward ? s.scratch.allocate(chunk * stride * g.element_bytes) : nullptr;
    auto* const h_panels = static_cast<std::byte*>(
        backward ? s.scratch.allocate(g.panels_bytes(width, chunk)) : nullptr);
    const State::PerThread panel =
        s.per_thread(backward ? g.panels_bytes(kernels::kPanelColumns, chunk) : 0);
    for (std::int64_t first = 0; first < n_rows; first += chunk) {
      const std::int64_t n = std::min(chunk, n_rows - first);
      s.pool.parallel_for(n, kRowBlock, [&](std::int64_t begin, std::int64_t end, int worker) {
        for (std::int64_t r = begin; r < end; r += kRowBlock) {
          const std::int64_t m = std::min(kRowBlock, end - r), t = first + r;
          float* const y = logits.of<float>(worker);
          g.multiply({static_cast<const std::byte*>(rows.data) + t * rows.stride * g.element_bytes,
                      rows.stride, g.group},
                     w.forward, g.panel_stride(width), m, vocab, width, y, vocab, false);
          for (std::int64_t i = 0; i < m; ++i) {
            SPUTNIK_ASSERT(0 <= tokens[t + i] && tokens[t + i] < vocab);
            const float loss = s.kernels.cross_entropy_row(y + i * vocab, vocab, tokens[t + i],
                                                           backward ? weights[t + i] : 0.0f);
            *losses.row(t + i) = loss;
          }
          if (!backward) continue;
          std::byte* const d = plus(dlogits, r * stride, g);
          g.to_rows(y, vocab, m, vocab, d, stride, stride - vocab);
          g.multiply({d, stride, g.group}, w.backward, g.panel_stride(vocab), m, width, vocab,
                     dh.row(t), dh.token_stride, accumulate);
        }
      });
      if (!backward) continue;
      s.pack_panels(
          g,
          {static_cast<const std::byte*>(rows.data) + first * rows.stride * g.element_bytes,
           rows.stride},
          n, width, h_panels);
      const std::int64_t n_panels = (vocab + kernels::kPanelColumns - 1) / kernels::kPanelColumns;
      s.pool.parallel_for(n_panels, 1, [&](std::int64_t begin, std::int64_t end, int worker) {
        for (std::int64_t p = begin; p < end; ++p) {
          const std::int64_t column = p * kernels::kPanelColumns;
          const std::int64_t height = std::min(kernels::kPanelColumns, vocab - column);
          std::byte* const left = panel.of(worker);
          g.pack_rows(plus(dlogits, column, g), stride, n, height, left);
          g.multiply({left, g.group, kernels::panel_width(height, 0) * g.group}, h_panels,
                     g.panel_stride(n), height, width, n,
                     w.parameter->gradient.data() + column * width, width, true);
        }
      });
    }
  };

  if (weights_known) {
    const Tensor dh = s.make(n_rows, 1, width, /*keep=*/true);
    const float* weights = targets.weights.data();
    s.record(
        "cross_entropy",
        [&s, &g, h, to_fill, run, weights, dh] {
          s.fill_rows(h, g, to_fill);
          run(weights, dh, false);
        },
        [&s, h, dh] {
          const GradientTarget target = s.target_of(h);
          s.pool.parallel_for(h.n_tokens, kTrainingGrain,
                              [&](std::int64_t begin, std::int64_t end, int) {
                                for (std::int64_t t = begin; t < end; ++t) {
                                  float* to = target.tensor.row(t);
                                  if (target.accumulate) {
                                    s.kernels.add(to, dh.row(t), to, dh.dim);
                                  } else {
                                    std::copy_n(dh.row(t), dh.dim, to);
                                  }
                                }
                              });
        },
        /*recompute=*/false);
    return losses;
  }
  s.record(
      "cross_entropy",
      [&s, &g, h, to_fill, run] {
        s.fill_rows(h, g, to_fill);
        run(nullptr, {}, false);
      },
      [&s, losses, h, run] {
        const Tensor weights = s.gradient_of(losses);
        if (weights.data == nullptr) return;
        const GradientTarget target = s.target_of(h);
        run(weights.data, target.tensor, target.accumulate);
      });
  return losses;
}

}  // namespace sputnik
