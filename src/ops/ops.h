// The vocabulary in which models are written. A model calls these; an interpreter gives them their
// meaning:
//   InferenceOps  quantised weights, paged cache, int8 activations (inference_ops.h)
//   TrainingOps   float weights, records the way back (autograd/training_ops.h)
//   CostOps       no data: counts FLOPs and bytes (cost_ops.h)
//   TraceOps      wraps another: shapes, times, NaNs, dumps (trace_ops.h)
// T: tokens in the batch. Tensors are [T, width] unless a comment says otherwise. Inputs are never
// changed. Errors: none. What could fail was checked when the model was loaded and the batch was
// built. Threads: one caller at a time.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "ops/batch.h"
#include "ops/kv_cache.h"
#include "ops/rope.h"
#include "ops/tensor.h"
#include "ops/weight.h"

namespace sputnik {

// Grouped-query attention (arXiv:2305.13245). Head h of q uses key/value head h / (n_heads /
// n_kv_heads).
struct GqaInputs {
  Tensor q;  // [T, num_attention_heads, head_dim], rotated
  Tensor k;  // [T, num_key_value_heads, head_dim], rotated
  Tensor v;  // [T, num_key_value_heads, head_dim]
  std::int64_t layer;
};

// Multi-head latent attention, DeepSeek-V2 (arXiv:2405.04434, section 2.1). kv_b_proj is [H * (nope
// + v), kv_lora_rank], the rows of each head: nope keys, then values. Files may hold it in two
// parts instead: k_b_proj [H * kv_lora_rank, nope], transposed per head, and v_b_proj [H * v,
// kv_lora_rank].
struct MlaInputs {
  Tensor q_nope;            // [T, H, qk_nope_head_dim]
  Tensor q_pe;              // [T, H, qk_rope_head_dim], rotated
  Tensor c_kv;              // [T, kv_lora_rank], normalised
  Tensor k_pe;              // [T, qk_rope_head_dim], rotated
  const Weight* kv_b_proj;  // null if split
  const Weight* k_b_proj;
  const Weight* v_b_proj;
  std::int64_t v_head_dim;
  std::int64_t layer;
};

enum class ScoringFunc { kSoftmax, kSigmoid };
enum class TopkMethod {
  kGreedy,              // V2-Lite: the k largest scores
  kGroupLimitedGreedy,  // V2: only from the topk_group groups with the largest maximum
  kNoauxTc,  // V3: groups by the sum of their two largest biased scores, choice by biased scores
};

// How tokens choose experts: DeepSeek-V3 report (arXiv:2412.19437), section 2.1.2.
struct RouterConfig {
  ScoringFunc scoring_func = ScoringFunc::kSigmoid;
  TopkMethod topk_method = TopkMethod::kNoauxTc;
  std::int64_t n_group = 1;
  std::int64_t topk_group = 1;
  std::int64_t num_experts_per_tok = 0;
  bool norm_topk_prob = false;
  float routed_scaling_factor = 1.0f;
};

// For each token its experts, by ascending expert id, and their weights. [T, num_experts_per_tok]
struct Routing {
  std::span<const std::int32_t> experts;
  std::span<const float> weights;
  std::int64_t num_experts_per_tok = 0;
  std::int32_t variable = -1;  // TrainingOps: of the weights
};

// What the next tokens are. One entry per row of the hidden states that are judged.
struct LossTargets {
  std::span<const std::int32_t> tokens;
  // What each row's loss counts for: the gradient of the sum of weight * loss is taken. Empty: the
  // gradient of each loss is given later (TrainingOps::seed).
  std::span<const float> weights;
};

// The routed experts of one layer: SwiGLU feed-forwards of moe_intermediate_size, one Weight each
// per expert.
struct ExpertWeights {
  std::vector<Weight> gate_proj, up_proj, down_proj;
};

class Ops {
 public:
  virtual ~Ops() = default;

  // Starts a forward pass: drops all tensors of the one before. batch must outlive the pass.
  virtual void begin(const Batch& batch) = 0;

  // Rows of an embedding matrix [vocab_size, hidden_size].
  virtual Tensor embed(const Weight& weight, std::span<const std::int32_t> tokens) = 0;

  // x W^T (+ bias): [T, in] -> [T, out].
  virtual Tensor linear(const Tensor& x, const Weight& weight, const Weight* bias = nullptr) = 0;

  // Over the last dimension.
  virtual Tensor rms_norm(const Tensor& x, const Weight& weight, float eps) = 0;

  // Rotates every head. positions: one per token of x.
  virtual Tensor rope(const Tensor& x, std::span<const std::int64_t> positions,
                      const Rope& rope) = 0;

  // Both append this batch's keys and values to the cache and attend causally: [T, H * value_dim].
  virtual Tensor gqa_attention(const GqaInputs& in, float softmax_scale, const Batch& batch) = 0;
  virtual Tensor mla_attention(const MlaInputs& in, float softmax_scale, const Batch& batch) = 0;

  virtual Tensor silu_mul(const Tensor& gate, const Tensor& up) = 0;
  virtual Tensor add(const Tensor& a, const Tensor& b) = 0;

  // scores: [T, n_routed_experts] before the scoring function; bias: e_score_correction_bias or
  // null; batch: the sequences over which training balances the load of experts.
  virtual Routing route(const Tensor& scores, const Weight* bias, const RouterConfig& config,
                        const Batch& batch) = 0;

  // Sum over a token's experts of weight * down(silu(gate x) * up x).
  virtual Tensor moe_ffn(const Tensor& x, const Routing& routing, const ExpertWeights& experts) = 0;

  // [T, a] and [T, b] -> [T, a + b]
  virtual Tensor concat_last(const Tensor& a, const Tensor& b) = 0;

  // The given rows of x.
  virtual Tensor select_rows(const Tensor& x, std::span<const std::int64_t> rows) = 0;

  // -log softmax(h W^T)[target] of every row, natural logarithm: [T, 1]. The logits, [T,
  // vocab_size], are made and dropped in pieces.
  virtual Tensor cross_entropy(const Tensor& h, const Weight& lm_head,
                               const LossTargets& targets) = 0;

  // Between layers: everything made since the last boundary is dropped, but for h.
  virtual Tensor layer_boundary(const Tensor& h) = 0;

  // Shows a tensor to whoever traces; layer -1: outside the layers.
  virtual void observe(std::string_view /*name*/, std::int64_t /*layer*/,
                       const Tensor& /*tensor*/) {}
  virtual void observe_routing(std::int64_t /*layer*/, const Routing& /*routing*/) {}

  // Views: no data moves.
  static Tensor heads(const Tensor& x, std::int64_t n_heads);  // [T, H * d] -> [T, H, d]
  // [T, H, a + b] -> [T, H, a], [T, H, b]
  static std::pair<Tensor, Tensor> split_last(const Tensor& x, std::int64_t first);
};

}  // namespace sputnik
