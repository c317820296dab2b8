// DeepSeek V2, V2-Lite, V3 and R1: DeepSeek-V3 report (arXiv:2412.19437), section 2.
#pragma once

#include <vector>

#include "model/config.h"
#include "model/mla.h"
#include "model/mlp.h"
#include "model/model.h"
#include "model/moe.h"
#include "model/weight_store.h"

namespace sputnik {

class DeepseekV3 final : public Model {
 public:
  // Binds the weights and checks every shape. kNotFound or kCorrupt: the message names the tensor.
  static Result<std::unique_ptr<Model>> create(const DeepseekV3Config& config, WeightStore& store);

  Tensor forward(Ops& ops, const Batch& batch, Tensor* final_hidden) const override;
  Tensor mtp_forward(Ops& ops, const Batch& batch, const Tensor& final_hidden) const override;
  Tensor losses(Ops& ops, const Batch& batch, const LossTargets& targets,
                Tensor* final_hidden) const override;
  Tensor mtp_losses(Ops& ops, const Batch& batch, const Tensor& final_hidden,
                    const LossTargets& targets) const override;

  std::int64_t num_nextn_predict_layers() const override {
    return static_cast<std::int64_t>(mtp_.size());
  }
  std::int64_t vocab_size() const override { return config_.vocab_size; }
  std::int64_t hidden_size() const override { return config_.hidden_size; }
  std::int64_t num_hidden_layers() const override { return config_.num_hidden_layers; }
  std::int64_t max_position_embeddings() const override { return config_.max_position_embeddings; }
  CacheShape cache_shape() const override;
  std::vector<const Weight*> weights() const override { return collect(/*with_mtp=*/true); }
  std::int64_t n_active_parameters() const override;

 private:
  struct Layer {
    Weight input_layernorm, post_attention_layernorm;  // [hidden_size]
    MlaWeights self_attn;
    MlpWeights mlp;  // if dense
    MoeWeights moe;  // otherwise
    bool is_moe = false;
  };
  // Multi-token prediction module: section 2.2. Stored as one more layer.
  struct MtpModule {
    Weight embed_tokens, enorm, hnorm, eh_proj;
    Layer layer;
    Weight shared_head_norm, shared_head_head;
  };

  explicit DeepseekV3(const DeepseekV3Config& config) : config_(config), rope_(config.rope()) {}
  static Result<Layer> bind_layer(const DeepseekV3Config& config, WeightStore& store,
                                  std::int64_t layer);
  static Result<MtpModule> bind_mtp(const DeepseekV3& model, WeightStore& store,
                                    std::int64_t layer);
  std::vector<const Weight*> collect(bool with_mtp) const;
  Tensor hidden(Ops& ops, const Batch& batch) const;
  Tensor mtp_hidden(Ops& ops, const Batch& batch, const Tensor& final_hidden) const;
  Tensor layer_forward(Ops& ops, const Tensor& h, const Layer& layer, std::int64_t index,
                       const Batch& batch) const;

  DeepseekV3Config config_;
  Rope rope_;
  Weight embed_tokens_, norm_, lm_head_;
  std::vector<Layer> layers_;
  std::vector<MtpModule> mtp_;
};

}  // namespace sputnik
