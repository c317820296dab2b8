// Routing and the routed experts: DeepSeek-V3 report (arXiv:2412.19437), section 2.1.2.
#include <algorithm>
#include <numeric>

#include "ops/inference_state.h"

namespace sputnik {
namespace {

constexpr std::int64_t kTokenGrain = 8;

// Choices sorted by expert: rows [first[e], first[e + 1]) are expert e's, row a computes token[a],
// and the choice in slot j of token t is row[t * k + j].
struct Assignments {
  std::span<std::int32_t> first;  // [n_experts + 1]
  std::span<std::int32_t> token;  // [T * k]
  std::span<std::int32_t> row;    // [T * k], by token and slot
};

Assignments assign(Arena& arena, const Routing& routing, std::int64_t n_experts) {
  const auto n = static_cast<std::int64_t>(routing.experts.size());
  Assignments a{arena.allocate_span<std::int32_t>(n_experts + 1),
                arena.allocate_span<std::int32_t>(n), arena.allocate_span<std::int32_t>(n)};
  std::fill(a.first.begin(), a.first.end(), 0);
  for (const std::int32_t expert : routing.experts) ++a.first[expert + 1];
  std::partial_sum(a.first.begin(), a.first.end(), a.first.begin());
  const auto next = arena.allocate_span<std::int32_t>(n_experts);
  std::copy_n(a.first.begin(), n_experts, next.begin());
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int32_t row = next[routing.experts[i]]++;
    a.token[row] = static_cast<std::int32_t>(i / routing.num_experts_per_tok);
    a.row[i] = row;
  }
  return a;
}

}  // namespace

Routing InferenceOps::route(const Tensor& scores, const Weight* bias, const RouterConfig& config,
                            const Batch& /*batch*/) {
  State& s = *state_;
  const std::int64_t k = config.num_experts_per_tok;
  const auto experts = s.arena().allocate_span<std::int32_t>(scores.n_tokens * k);
  const auto weights = s.arena().allocate_span<float>(scores.n_tokens * k);
  s.pool.parallel_for(
      scores.n_tokens, kTokenGrain, [&](std::int64_t begin, std::int64_t end, int worker) {
        for (std::int64_t t = begin; t < end; ++t) {
          route_token(config, {scores.row(t), static_cast<std::size_t>(scores.dim)},
                      bias == nullptr ? nullptr : bias->vector(), s.router_scratch[worker],
                      experts.data() + t * k, weights.data() + t * k);
        }
      });
  return {experts, weights, k};
}

Tensor InferenceOps::moe_ffn(const Tensor& input, const Routing& routing,
                             const ExpertWeights& experts) {
  State& s = *state_;
  const Tensor x = s.compact(input);
  const auto n_experts = static_cast<std::int64_t>(experts.gate_proj.size());
  const Assignments assigned = assign(s.arena(), routing, n_experts);
  const auto n_rows = static_cast<std::int64_t>(routing.experts.size());

  // Work is split over (expert that has tokens, piece of its weight rows).
  const auto active = s.arena().allocate_span<std::int32_t>(n_experts);
  std::int64_t n_active = 0;
  for (std::int64_t e = 0; e < n_experts; ++e) {
    if (assigned.first[e] < assigned.first[e + 1])
      active[n_active++] = static_cast<std::int32_t>(e);
  }
  const auto n_tokens_of = [&](std::int32_t e) {
    return std::int64_t{assigned.first[e + 1] - assigned.first[e]};
  };

  // Multiplies the rows of in, sorted by expert, with each expert's matrix.
  const auto products = [&](const std::vector<Weight>& weights, const Tensor& in,
                            const std::byte* int8_rows, const Tensor& out) {
    const Weight& any = weights.front();
    const State::PerThread scratch = s.per_thread(s.matmul_scratch_bytes(any));
    const std::int64_t grain = s.row_grain(any.rows, n_active);
    const std::int64_t pieces = (any.rows + grain - 1) / grain;
    const std::int64_t row_bytes =
        int8_rows == nullptr
            ? 0
            : kernels::activation_row_bytes(kernels::activation_block(any.dtype), any.cols);
    s.pool.parallel_for(
        n_active * pieces, 1, [&](std::int64_t begin, std::int64_t end, int worker) {
          for (std::int64_t item = begin; item < end; ++item) {
            const std::int32_t e = active[item / pieces];
            const std::int64_t first = item % pieces * grain;
            const std::int64_t first_row = assigned.first[e];
            Tensor rows = in;
            if (in.data != nullptr) rows.data = in.row(first_row);
            rows.n_tokens = n_tokens_of(e);
            s.matmul_rows(weights[e], first, std::min(grain, any.rows - first), rows,
                          int8_rows == nullptr ? nullptr : int8_rows + first_row * row_bytes,
                          out.row(first_row) + first, out.token_stride, scratch.of(worker));
          }
        });
  };

  // The inputs of all assignments, sorted by expert, as the weights' type wants them.
  struct SortedRows {
    Tensor rows;
    std::byte* int8_rows = nullptr;
  };
  const auto sorted_by_expert = [&](const Weight& weight) {
    SortedRows sorted{{nullptr, n_rows, 1, x.width(), x.width(), x.width()}, nullptr};
    const std::byte* source = reinterpret_cast<const std::byte*>(x.data);
    std::int64_t source_stride = x.token_stride * 4, bytes = x.width() * 4;
    if (s.uses_int8(weight)) {
      const std::int64_t block = kernels::activation_block(weight.dtype);
      source = s.quantized(x, block);
      source_stride = bytes = kernels::activation_row_bytes(block, x.width());
    }
    std::byte* out = s.make_bytes(n_rows * bytes);
    s.pool.parallel_for(n_rows, kTokenGrain, [&](std::int64_t begin, std::int64_t end, int) {
      for (std::int64_t a = begin; a < end; ++a)
        std::memcpy(out + a * bytes, source + assigned.token[a] * source_stride, bytes);
    });
    if (s.uses_int8(weight)) {
      sorted.int8_rows = out;
    } else {
      sorted.rows.data = reinterpret_cast<float*>(out);
    }
    return sorted;
  };

  const Weight& gate_weight = experts.gate_proj.front();
  const Weight& up_weight = experts.up_proj.front();
  const SortedRows for_gate = sorted_by_expert(gate_weight);
  const bool same_input =
      s.uses_int8(gate_weight) == s.uses_int8(up_weight) &&
      kernels::activation_block(gate_weight.dtype) == kernels::activation_block(up_weight.dtype);
  const SortedRows for_up = same_input ? for_gate : sorted_by_expert(up_weight);

  const Tensor gate = s.make(n_rows, 1, gate_weight.rows);
  const Tensor up = s.make(n_rows, 1, gate_weight.rows);
  products(experts.gate_proj, for_gate.rows, for_gate.int8_rows, gate);
  products(experts.up_proj, for_up.rows, for_up.int8_rows, up);
  s.pool.parallel_for(n_rows, kTokenGrain, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t a = begin; a < end; ++a)
      s.kernels.silu_mul(gate.row(a), up.row(a), gate.row(a), gate.dim);
  });

  const Weight& down_weight = experts.down_proj.front();
  const std::byte* gate_rows = s.uses_int8(down_weight)
                                   ? s.quantized(gate, kernels::activation_block(down_weight.dtype))
                                   : nullptr;
  const Tensor down = s.make(n_rows, 1, down_weight.rows);
  products(experts.down_proj, gate, gate_rows, down);

  // Each token adds up its experts by ascending id, so the sum does not depend on the batch.
  const Tensor y = s.make(x.n_tokens, 1, down_weight.rows);
  const std::int64_t k = routing.num_experts_per_tok;
  s.pool.parallel_for(x.n_tokens, kTokenGrain, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t t = begin; t < end; ++t) {
      std::fill_n(y.row(t), y.dim, 0.0f);
      for (std::int64_t slot = t * k; slot < (t + 1) * k; ++slot) {
        s.kernels.add_scaled(routing.weights[slot], down.row(assigned.row[slot]), y.row(t), y.dim);
      }
    }
  });
  return y;
}

}  // namespace sputnik
