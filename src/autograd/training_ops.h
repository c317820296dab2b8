// Ops for training: the forward pass on float weights, and a tape of the way back.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "autograd/parameter_store.h"
#include "autograd/tape.h"
#include "base/thread_pool.h"
#include "kernels/kernels.h"
#include "ops/ops.h"

namespace sputnik {

enum class TrainingPrecision {
  kFloat32,
  // Operands of matrix products are rounded to bfloat16. Weights, gradients, sums, norms, softmax,
  // the router and the loss stay float32.
  kBfloat16,
};

struct TrainingOptions {
  TrainingPrecision precision = TrainingPrecision::kBfloat16;
  // Keep only what crosses the boundaries between layers and compute each layer again on the way
  // back: a third more arithmetic, memory of one layer instead of all. Changes no bit of a result.
  bool checkpoint_layers = false;
  // alpha of the sequence-wise balance loss (DeepSeek-V3 report, equations 17 to 20). Its gradient
  // is that of the sum over layers and sequences of balance_loss_scale * L_Bal, so a trainer that
  // averages over n sequences in a step says 1 / n.
  float balance_loss_alpha = 0;
  float balance_loss_scale = 1;
};

// How many tokens chose each expert of a layer in the last forward pass, under the name of its
// e_score_correction_bias (or, without one, of nobody: V2).
struct ExpertLoad {
  Parameter* bias = nullptr;
  std::vector<std::int64_t> tokens;  // [n_routed_experts]
};

// One step of training, for one or several batches whose gradients add up:
//   parameters.zero_gradients();
//   losses = model.losses(ops, batch, targets)   (+ mtp_losses)
//   ops.backward();                              gradients are added to those of the parameters
//   change the values, then parameters.changed();
//
// Documents are sequences of the batch: none sees another. n_past is 0 and block tables stay empty.
// The batch and the targets must live until backward() is done; tensors live until the next
// begin(). Weights must be those of the ParameterStore. Results do not depend on the number of
// threads.
class TrainingOps final : public Ops {
 public:
  TrainingOps(const kernels::KernelTable& kernels, ThreadPool& pool, ParameterStore& parameters,
              const TrainingOptions& options);
  ~TrainingOps() override;

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

  // A tensor that no operation made: a copy of values [n_tokens, n_heads * dim].
  Tensor input(std::span<const float> values, std::int64_t n_tokens, std::int64_t n_heads,
               std::int64_t dim);

  // Adds to the gradient that backward() starts from: one number per number of y, which is whole.
  void seed(const Tensor& y, std::span<const float> gradient);
  // balance_loss_scale of the passes that follow: how many sequences a step has is known late.
  void set_balance_loss_scale(float scale);
  // Once per forward pass.
  void backward();
  // What backward() found for a tensor of the last segment or for an input(); null: nothing.
  const float* gradient(const Tensor& x) const;

  const std::vector<ExpertLoad>& expert_loads() const;
  double balance_loss() const;        // sum over layers and sequences of L_Bal, not scaled
  std::int64_t memory_bytes() const;  // of activations, gradients of them and packed weights
  const TapeProfile& profile() const;
  void clear_profile();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sputnik
