// Ops that passes everything on to another and shows what it sees: for finding the first layer that
// differs from a reference, the first NaN, or where the time goes.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ops/ops.h"

namespace sputnik {

struct TracedOperation {
  const char* operation;
  std::int64_t n_tokens = 0;
  std::int64_t width = 0;
  double time_ms = 0;
  std::int64_t n_not_finite = 0;  // NaN or infinite results
};

// Borrows the inner Ops. Observed tensors are shown while they are alive: copy what must outlive
// the call.
class TraceOps final : public Ops {
 public:
  using Observer =
      std::function<void(std::string_view name, std::int64_t layer, const Tensor& tensor)>;
  using RoutingObserver = std::function<void(std::int64_t layer, const Routing& routing)>;

  explicit TraceOps(Ops& inner) : inner_(inner) {}

  void on_tensor(Observer observer) { observer_ = std::move(observer); }
  void on_routing(RoutingObserver observer) { routing_observer_ = std::move(observer); }
  const std::vector<TracedOperation>& operations() const {
    return operations_;
  }  // of the last pass, in order

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
  void observe(std::string_view name, std::int64_t layer, const Tensor& tensor) override;
  void observe_routing(std::int64_t layer, const Routing& routing) override;

 private:
  template <class F>
  Tensor timed(const char* operation, F&& call);

  Ops& inner_;
  Observer observer_;
  RoutingObserver routing_observer_;
  std::vector<TracedOperation> operations_;
};

}  // namespace sputnik
