// Ops with data: runs kernels on quantised weights and the paged cache.
#pragma once

#include <memory>

#include "base/thread_pool.h"
#include "kernels/kernels.h"
#include "ops/ops.h"

namespace sputnik {

enum class MlaForm {
  kAbsorbed,  // kv_b_proj is folded into the query and the output; attention runs on the cached
              // latents
  kExpanded,  // keys and values of every head are computed from the cached latents, as the paper
              // writes it
};

// How exact the arithmetic is. The choices never depend on the batch, so results do not either.
struct Numerics {
  bool int8_activations =
      true;  // products with block-quantised weights; other weights always use float activations
  MlaForm mla_form = MlaForm::kAbsorbed;
};

// Borrows pool, kernels and cache memory; owns its activations. One caller at a time.
class InferenceOps final : public Ops {
 public:
  InferenceOps(const kernels::KernelTable& kernels, ThreadPool& pool, const KvCache& cache,
               Numerics numerics);
  ~InferenceOps() override;

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
  Tensor layer_boundary(const Tensor& h) override;

  // Memory held for activations: constant once the largest batch has been seen twice.
  std::int64_t activation_bytes() const;

 private:
  struct State;
  void mla_absorbed(const MlaInputs& in, float softmax_scale, const Batch& batch,
                    const Tensor& out);
  void mla_expanded(const MlaInputs& in, float softmax_scale, const Batch& batch,
                    const Tensor& out);

  std::unique_ptr<State> state_;
};

}  // namespace sputnik
