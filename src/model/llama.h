// Llama 3 and Qwen2: what the R1 distills are. A decoder of grouped-query attention
// (arXiv:2305.13245) and SwiGLU layers.
#pragma once

#include <memory>
#include <vector>

#include "model/config.h"
#include "model/mlp.h"
#include "model/model.h"
#include "model/weight_store.h"

namespace sputnik {

class Llama final : public Model {
 public:
  // Binds the weights and checks every shape. kNotFound or kCorrupt: the message names the tensor.
  static Result<std::unique_ptr<Model>> create(const LlamaConfig& config, WeightStore& store);

  Tensor forward(Ops& ops, const Batch& batch, Tensor* final_hidden) const override;
  Tensor mtp_forward(Ops& ops, const Batch& batch, const Tensor& final_hidden) const override;
  Tensor losses(Ops& ops, const Batch& batch, const LossTargets& targets,
                Tensor* final_hidden) const override;
  Tensor mtp_losses(Ops& ops, const Batch& batch, const Tensor& final_hidden,
                    const LossTargets& targets) const override;

  std::int64_t vocab_size() const override { return config_.vocab_size; }
  std::int64_t hidden_size() const override { return config_.hidden_size; }
  std::int64_t num_hidden_layers() const override { return config_.num_hidden_layers; }
  std::int64_t max_position_embeddings() const override { return config_.max_position_embeddings; }
  CacheShape cache_shape() const override;
  std::vector<const Weight*> weights() const override;
  std::int64_t n_active_parameters() const override;

 private:
  struct Layer {
    Weight input_layernorm, post_attention_layernorm;
    Weight q_proj, k_proj, v_proj, o_proj;
    Weight q_bias, k_bias, v_bias;  // Qwen2
    MlpWeights mlp;
  };

  explicit Llama(const LlamaConfig& config) : config_(config), rope_(config.rope()) {}
  static Result<Layer> bind_layer(const LlamaConfig& config, WeightStore& store,
                                  std::int64_t layer);
  Tensor hidden(Ops& ops, const Batch& batch) const;
  Tensor attention(Ops& ops, const Tensor& h, const Layer& layer, std::int64_t index,
                   const Batch& batch) const;

  LlamaConfig config_;
  Rope rope_;
  Weight embed_tokens_, norm_, lm_head_;
  std::vector<Layer> layers_;
};

}  // namespace sputnik
