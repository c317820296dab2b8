// DeepSeekMoE: DeepSeek-V3 report (arXiv:2412.19437), section 2.1.2.
#pragma once

#include <utility>

#include "model/mlp.h"
#include "ops/ops.h"

namespace sputnik {

struct MoeWeights {
  Weight gate;                     // [n_routed_experts, hidden_size]: the centroids e_i
  Weight e_score_correction_bias;  // [n_routed_experts]; absent in V2
  ExpertWeights experts;
  MlpWeights shared_experts;  // one SwiGLU of n_shared_experts * moe_intermediate_size; absent if
                              // there are none
};

// u: [T, hidden_size] -> [T, hidden_size], without the residual of equation (12).
inline Tensor moe_forward(Ops& ops, const Tensor& u, const MoeWeights& w,
                          const RouterConfig& config, std::int64_t layer, const Batch& batch) {
  const Weight* bias = w.e_score_correction_bias.present() ? &w.e_score_correction_bias : nullptr;
  const Routing routing = ops.route(ops.linear(u, w.gate), bias, config, batch);  // g_{i,t} (13-16)
  ops.observe_routing(layer, routing);
  const Tensor routed = ops.moe_ffn(u, routing, w.experts);
  if (!w.shared_experts.gate_proj.present()) return routed;
  return ops.add(routed, mlp_forward(ops, u, w.shared_experts));  // sum of both kinds (12)
}

}  // namespace sputnik
