#include "ops/cost_ops.h"

#include <cmath>

namespace sputnik {
namespace {

Tensor shape_of(std::int64_t n_tokens, std::int64_t n_heads, std::int64_t dim) {
  return {nullptr, n_tokens, n_heads, dim, n_heads * dim, dim};
}

double as_double(std::int64_t n) {
  return static_cast<double>(n);
}

}  // namespace

void CostOps::begin(const Batch& /*batch*/) {
  cost_ = {};
}

void CostOps::count_product(double n_tokens, const Weight& weight) {
  cost_.matmul_flops += 2 * n_tokens * as_double(weight.rows) * as_double(weight.cols);
  if (n_tokens > 0) cost_.weight_bytes += as_double(weight.bytes());
}

Tensor CostOps::embed(const Weight& weight, std::span<const std::int32_t> tokens) {
  cost_.weight_bytes += as_double(weight.row_stride_bytes()) * static_cast<double>(tokens.size());
  return shape_of(static_cast<std::int64_t>(tokens.size()), 1, weight.cols);
}

Tensor CostOps::linear(const Tensor& x, const Weight& weight, const Weight* /*bias*/) {
  count_product(as_double(x.n_tokens), weight);
  return shape_of(x.n_tokens, 1, weight.rows);
}

Tensor CostOps::rms_norm(const Tensor& x, const Weight& /*weight*/, float /*eps*/) {
  return shape_of(x.n_tokens, x.n_heads, x.dim);
}

Tensor CostOps::rope(const Tensor& x, std::span<const std::int64_t> /*positions*/,
                     const Rope& /*rope*/) {
  return shape_of(x.n_tokens, x.n_heads, x.dim);
}

void CostOps::count_attention(const Batch& batch, double n_heads, double key_dim,
                              double value_dim) {
  const double row_bytes =
      as_double(cache_.shape.num_kv_heads * (cache_.shape.key_dim + cache_.shape.value_dim) *
                cache_.element_bytes());
  for (const BatchSequence& sequence : batch.sequences) {
    const double n = as_double(sequence.n_tokens), past = as_double(sequence.n_past);
    const double pairs = n * past + n * (n + 1) / 2;  // causal
    cost_.attention_flops += 2 * pairs * n_heads * (key_dim + value_dim);
    cost_.cache_bytes +=
        (past + 2 * n) * row_bytes;  // what was there is read, what is new is written and read
  }
}

Tensor CostOps::gqa_attention(const GqaInputs& in, float /*softmax_scale*/, const Batch& batch) {
  count_attention(batch, as_double(in.q.n_heads), as_double(in.q.dim), as_double(in.v.dim));
  return shape_of(in.q.n_tokens, 1, in.q.n_heads * in.v.dim);
}

Tensor CostOps::mla_attention(const MlaInputs& in, float /*softmax_scale*/, const Batch& batch) {
  const double heads = as_double(in.q_nope.n_heads), latent = as_double(in.c_kv.dim);
  count_attention(batch, heads, latent + as_double(in.q_pe.dim), latent);
  cost_.attention_flops +=
      2 * as_double(in.q_nope.n_tokens) * heads * latent * as_double(in.q_nope.dim + in.v_head_dim);
  for (const Weight* w : {in.kv_b_proj, in.k_b_proj, in.v_b_proj}) {
    if (w != nullptr) cost_.weight_bytes += as_double(w->bytes());
  }
  return shape_of(in.q_nope.n_tokens, 1, in.q_nope.n_heads * in.v_head_dim);
}

Tensor CostOps::silu_mul(const Tensor& gate, const Tensor& /*up*/) {
  return shape_of(gate.n_tokens, 1, gate.width());
}

Tensor CostOps::add(const Tensor& a, const Tensor& /*b*/) {
  return shape_of(a.n_tokens, 1, a.width());
}

Routing CostOps::route(const Tensor& /*scores*/, const Weight* /*bias*/, const RouterConfig& config,
                       const Batch& /*batch*/) {
  return {{}, {}, config.num_experts_per_tok};
}

Tensor CostOps::moe_ffn(const Tensor& x, const Routing& routing, const ExpertWeights& experts) {
  const auto n_experts = static_cast<double>(experts.gate_proj.size());
  const double per_token = as_double(routing.num_experts_per_tok), n_tokens = as_double(x.n_tokens);
  const double visited = n_experts * (1 - std::pow(1 - per_token / n_experts, n_tokens));
  for (const auto* projection : {&experts.gate_proj, &experts.up_proj, &experts.down_proj}) {
    const Weight& w = projection->front();
    cost_.matmul_flops += 2 * n_tokens * per_token * as_double(w.rows) * as_double(w.cols);
    cost_.weight_bytes += visited * as_double(w.bytes());
  }
  return shape_of(x.n_tokens, 1, experts.down_proj.front().rows);
}

Tensor CostOps::concat_last(const Tensor& a, const Tensor& b) {
  return shape_of(a.n_tokens, 1, a.dim + b.dim);
}

Tensor CostOps::select_rows(const Tensor& x, std::span<const std::int64_t> rows) {
  return shape_of(static_cast<std::int64_t>(rows.size()), x.n_heads, x.dim);
}

Tensor CostOps::cross_entropy(const Tensor& h, const Weight& lm_head,
                              const LossTargets& /*targets*/) {
  count_product(as_double(h.n_tokens), lm_head);
  return shape_of(h.n_tokens, 1, 1);
}

}  // namespace sputnik
