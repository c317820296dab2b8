// Ops without data: counts what a forward pass would compute and move. The planner is the model
// itself.
#pragma once

#include <cstdint>

#include "ops/ops.h"

namespace sputnik {

// A multiply-add counts as two FLOPs. Bytes are those that must come from memory at least once per
// pass; activations are not counted, they stay in caches.
struct Cost {
  double matmul_flops = 0;  // products with weights
  double attention_flops =
      0;  // queries with keys, probabilities with values, and MLA's absorbed projections
  double weight_bytes =
      0;  // weights read: of routed experts as many as the tokens are expected to visit
  double cache_bytes = 0;  // keys and values read and written
  double flops() const { return matmul_flops + attention_flops; }
  double bytes() const { return weight_bytes + cache_bytes; }
};

// Costs of the pass since begin(). MLA is counted in the absorbed form, which inference uses.
// Experts: the expected number of different ones if every choice is equally likely, E (1 - (1 -
// k/E)^T).
class CostOps final : public Ops {
 public:
  CostOps(const CacheShape& cache, DType cache_dtype) : cache_{cache, cache_dtype, nullptr} {}

  const Cost& cost() const { return cost_; }

  void begin(const Batch& batch) override;
  Tensor embed(const Weight& weight, std::span<const std::int32_t> tokens) override;
  Tensor linear(const Tensor& x, const Weight& weight, const Weight* bias) override;
  Tensor rms_norm(const Tensor& x, const Weight& weight, float eps) override;
  Tensor rope(const Tensor& x, std::span<const std::int64_t> positions, const Rope& rope) override;
  Tensor gqa_attention(const GqaInputs& in, float softmax_scale, const Batch& batch) override;
  Tensor mla_attention(const MlaInputs& in, float softmax_scale, const Batch& batch) override;
  Tensor silu_mul(const Tensor& gate, const Tensor& up) override;
  Tensor add(const Tensor& a, const Tensor& b) override;
  Routing route(const Tensor& scores, const Weight* bias, const RouterConfig& config,
                const Batch& batch) override;
  Tensor moe_ffn(const Tensor& x, const Routing& routing, const ExpertWeights& experts) override;
  Tensor concat_last(const Tensor& a, const Tensor& b) override;
  Tensor select_rows(const Tensor& x, std::span<const std::int64_t> rows) override;
  Tensor cross_entropy(const Tensor& h, const Weight& lm_head, const LossTargets& targets) override;
  Tensor layer_boundary(const Tensor& h) override { return h; }

 private:
  void count_product(double n_tokens, const Weight& weight);
  void count_attention(const Batch& batch, double n_heads, double key_dim, double value_dim);

  KvCache cache_;
  Cost cost_;
};

}  // namespace sputnik
