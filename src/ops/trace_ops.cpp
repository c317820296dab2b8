#include "ops/trace_ops.h"

#include <chrono>
#include <cmath>

namespace sputnik {
namespace {

std::int64_t count_not_finite(const Tensor& x) {
  if (x.data == nullptr) return 0;
  std::int64_t n = 0;
  for (std::int64_t t = 0; t < x.n_tokens; ++t) {
    for (std::int64_t h = 0; h < x.n_heads; ++h) {
      for (std::int64_t i = 0; i < x.dim; ++i) n += std::isfinite(x.row(t, h)[i]) ? 0 : 1;
    }
  }
  return n;
}

}  // namespace

template <class F>
Tensor TraceOps::timed(const char* operation, F&& call) {
  const auto start = std::chrono::steady_clock::now();
  const Tensor y = call();
  const std::chrono::duration<double, std::milli> elapsed =
      std::chrono::steady_clock::now() - start;
  operations_.push_back({operation, y.n_tokens, y.width(), elapsed.count(), count_not_finite(y)});
  return y;
}

void TraceOps::begin(const Batch& batch) {
  operations_.clear();
  inner_.begin(batch);
}
Tensor TraceOps::embed(const Weight& weight, std::span<const std::int32_t> tokens) {
  return timed("embed", [&] { return inner_.embed(weight, tokens); });
}
Tensor TraceOps::linear(const Tensor& x, const Weight& weight, const Weight* bias) {
  return timed("linear", [&] { return inner_.linear(x, weight, bias); });
}
Tensor TraceOps::rms_norm(const Tensor& x, const Weight& weight, float eps) {
  return timed("rms_norm", [&] { return inner_.rms_norm(x, weight, eps); });
}
Tensor TraceOps::rope(const Tensor& x, std::span<const std::int64_t> positions, const Rope& rope) {
  return timed("rope", [&] { return inner_.rope(x, positions, rope); });
}
Tensor TraceOps::gqa_attention(const GqaInputs& in, float softmax_scale, const Batch& batch) {
  return timed("gqa_attention", [&] { return inner_.gqa_attention(in, softmax_scale, batch); });
}
Tensor TraceOps::mla_attention(const MlaInputs& in, float softmax_scale, const Batch& batch) {
  return timed("mla_attention", [&] { return inner_.mla_attention(in, softmax_scale, batch); });
}
Tensor TraceOps::silu_mul(const Tensor& gate, const Tensor& up) {
  return timed("silu_mul", [&] { return inner_.silu_mul(gate, up); });
}
Tensor TraceOps::add(const Tensor& a, const Tensor& b) {
  return timed("add", [&] { return inner_.add(a, b); });
}
Routing TraceOps::route(const Tensor& scores, const Weight* bias, const RouterConfig& config,
                        const Batch& batch) {
  return inner_.route(scores, bias, config, batch);
}
Tensor TraceOps::moe_ffn(const Tensor& x, const Routing& routing, const ExpertWeights& experts) {
  return timed("moe_ffn", [&] { return inner_.moe_ffn(x, routing, experts); });
}
Tensor TraceOps::concat_last(const Tensor& a, const Tensor& b) {
  return timed("concat_last", [&] { return inner_.concat_last(a, b); });
}
Tensor TraceOps::select_rows(const Tensor& x, std::span<const std::int64_t> rows) {
  return timed("select_rows", [&] { return inner_.select_rows(x, rows); });
}
Tensor TraceOps::cross_entropy(const Tensor& h, const Weight& lm_head, const LossTargets& targets) {
  return timed("cross_entropy", [&] { return inner_.cross_entropy(h, lm_head, targets); });
}
Tensor TraceOps::layer_boundary(const Tensor& h) {
  return inner_.layer_boundary(h);
}

void TraceOps::observe(std::string_view name, std::int64_t layer, const Tensor& tensor) {
  if (observer_) observer_(name, layer, tensor);
  inner_.observe(name, layer, tensor);
}
void TraceOps::observe_routing(std::int64_t layer, const Routing& routing) {
  if (routing_observer_) routing_observer_(layer, routing);
  inner_.observe_routing(layer, routing);
}

}  // namespace sputnik
