#include "model/deepseek_v3.h"

#include "model/bind.h"

namespace sputnik {

Tensor DeepseekV3::layer_forward(Ops& ops, const Tensor& h, const Layer& layer, std::int64_t index,
                                 const Batch& batch) const {
  const Tensor attn_in = ops.rms_norm(h, layer.input_layernorm, config_.rms_norm_eps);
  ops.observe("input_norm", index, attn_in);
  const Tensor attn_out = mla_forward(ops, attn_in, layer.self_attn, config_, rope_, index, batch);
  ops.observe("attn_out", index, attn_out);
  const Tensor u = ops.add(h, attn_out);

  const Tensor ffn_in = ops.rms_norm(u, layer.post_attention_layernorm, config_.rms_norm_eps);
  ops.observe("post_attn_norm", index, ffn_in);
  const Tensor ffn_out = layer.is_moe
                             ? moe_forward(ops, ffn_in, layer.moe, config_.router, index, batch)
                             : mlp_forward(ops, ffn_in, layer.mlp);
  ops.observe("ffn_out", index, ffn_out);
  const Tensor out = ops.add(u, ffn_out);
  ops.observe("out", index, out);
  return out;
}

// The normalised hidden states of all tokens: [T, hidden_size].
Tensor DeepseekV3::hidden(Ops& ops, const Batch& batch) const {
  ops.begin(batch);
  Tensor h = ops.embed(embed_tokens_, batch.tokens);  // [T, hidden_size]
  ops.observe("embed", -1, h);
  for (std::int64_t i = 0; i < config_.num_hidden_layers; ++i) {
    h = ops.layer_boundary(layer_forward(ops, h, layers_[i], i, batch));
  }
  h = ops.rms_norm(h, norm_, config_.rms_norm_eps);
  ops.observe("final_norm", -1, h);
  return h;
}

Tensor DeepseekV3::forward(Ops& ops, const Batch& batch, Tensor* final_hidden) const {
  const Tensor h = hidden(ops, batch);
  if (final_hidden != nullptr) *final_hidden = h;
  return ops.linear(ops.select_rows(h, batch.output_rows), lm_head_);
}

Tensor DeepseekV3::losses(Ops& ops, const Batch& batch, const LossTargets& targets,
                          Tensor* final_hidden) const {
  const Tensor h = hidden(ops, batch);
  if (final_hidden != nullptr) *final_hidden = h;
  return ops.cross_entropy(ops.select_rows(h, batch.output_rows), lm_head_, targets);
}

Tensor DeepseekV3::mtp_forward(Ops& ops, const Batch& batch, const Tensor& final_hidden) const {
  ops.begin(batch);
  const Tensor h = mtp_hidden(ops, batch, final_hidden);
  return ops.linear(ops.select_rows(h, batch.output_rows), mtp_.front().shared_head_head);  // (23)
}

Tensor DeepseekV3::mtp_losses(Ops& ops, const Batch& batch, const Tensor& final_hidden,
                              const LossTargets& targets) const {
  const Tensor h = mtp_hidden(ops, batch, final_hidden);
  return ops.cross_entropy(ops.select_rows(h, batch.output_rows), mtp_.front().shared_head_head,
                           targets);
}

// What OutHead (23) takes: [T, hidden_size].
Tensor DeepseekV3::mtp_hidden(Ops& ops, const Batch& batch, const Tensor& final_hidden) const {
  SPUTNIK_ASSERT(!mtp_.empty() && final_hidden.n_tokens == batch.n_tokens());
  const MtpModule& mtp = mtp_.front();
  // M_k [RMSNorm(h_i); RMSNorm(Emb(t_{i+k}))]  (21), with the halves in the order that the released
  // weights want.
  const Tensor embedding =
      ops.rms_norm(ops.embed(mtp.embed_tokens, batch.tokens), mtp.enorm, config_.rms_norm_eps);
  const Tensor hidden = ops.rms_norm(final_hidden, mtp.hnorm, config_.rms_norm_eps);
  Tensor h = ops.linear(ops.concat_last(embedding, hidden), mtp.eh_proj);
  ops.observe("mtp.eh_proj_out", -1, h);
  h = ops.layer_boundary(
      layer_forward(ops, h, mtp.layer, config_.num_hidden_layers, batch));  // TRM_k  (22)
  ops.observe("mtp.block_out", -1, h);
  h = ops.rms_norm(h, mtp.shared_head_norm, config_.rms_norm_eps);
  ops.observe("mtp.shared_head_norm_out", -1, h);
  return h;
}

CacheShape DeepseekV3::cache_shape() const {
  return {config_.num_hidden_layers + num_nextn_predict_layers(), 1, config_.kv_cache_dim(), 0};
}

// -------------------------------------------------------------------------------------------------------
// binding

Result<DeepseekV3::Layer> DeepseekV3::bind_layer(const DeepseekV3Config& c, WeightStore& store,
                                                 std::int64_t index) {
  const auto name = [&](std::string_view part) {
    return fmt::format("model.layers.{}.{}", index, part);
  };
  const auto attn = [&](std::string_view part) {
    return fmt::format("model.layers.{}.self_attn.{}", index, part);
  };
  const std::int64_t heads = c.num_attention_heads;
  Layer layer;
  SPUTNIK_TRY(layer.input_layernorm, store.vector(name("input_layernorm.weight"), c.hidden_size));
  SPUTNIK_TRY(layer.post_attention_layernorm,
              store.vector(name("post_attention_layernorm.weight"), c.hidden_size));

  MlaWeights& w = layer.self_attn;
  if (c.q_lora_rank > 0) {
    SPUTNIK_TRY(w.q_a_proj, store.matrix(attn("q_a_proj.weight"), c.q_lora_rank, c.hidden_size));
    SPUTNIK_TRY(w.q_a_layernorm, store.vector(attn("q_a_layernorm.weight"), c.q_lora_rank));
    SPUTNIK_TRY(w.q_b_proj,
                store.matrix(attn("q_b_proj.weight"), heads * c.qk_head_dim(), c.q_lora_rank));
  } else {
    SPUTNIK_TRY(w.q_proj,
                store.matrix(attn("q_proj.weight"), heads * c.qk_head_dim(), c.hidden_size));
  }
  SPUTNIK_TRY(w.kv_a_proj_with_mqa,
              store.matrix(attn("kv_a_proj_with_mqa.weight"), c.kv_cache_dim(), c.hidden_size));
  SPUTNIK_TRY(w.kv_a_layernorm, store.vector(attn("kv_a_layernorm.weight"), c.kv_lora_rank));
  // A file may hold kv_b whole, in two parts, or both ways; whole is preferred.
  if (store.contains(attn("kv_b_proj.weight")) || !store.contains(attn("k_b_proj.weight"))) {
    SPUTNIK_TRY(w.kv_b_proj,
                store.matrix(attn("kv_b_proj.weight"), heads * (c.qk_nope_head_dim + c.v_head_dim),
                             c.kv_lora_rank));
  } else {
    SPUTNIK_TRY(w.k_b_proj,
                store.matrix(attn("k_b_proj.weight"), heads * c.kv_lora_rank, c.qk_nope_head_dim));
    SPUTNIK_TRY(w.v_b_proj,
                store.matrix(attn("v_b_proj.weight"), heads * c.v_head_dim, c.kv_lora_rank));
  }
  SPUTNIK_TRY(w.o_proj, store.matrix(attn("o_proj.weight"), c.hidden_size, heads * c.v_head_dim));

  layer.is_moe = c.is_moe_layer(index);
  if (!layer.is_moe) {
    SPUTNIK_TRY(layer.mlp, bind_mlp(store, name("mlp"), c.intermediate_size, c.hidden_size));
    return layer;
  }
  SPUTNIK_TRY(layer.moe.gate,
              store.matrix(name("mlp.gate.weight"), c.n_routed_experts, c.hidden_size));
  if (store.contains(name("mlp.gate.e_score_correction_bias")) ||
      c.router.topk_method == TopkMethod::kNoauxTc) {
    SPUTNIK_TRY(layer.moe.e_score_correction_bias,
                store.vector(name("mlp.gate.e_score_correction_bias"), c.n_routed_experts));
  }
  SPUTNIK_TRY(layer.moe.experts, bind_experts(store, name("mlp.experts"), c.n_routed_experts,
                                              c.moe_intermediate_size, c.hidden_size));
  if (c.n_shared_experts > 0) {
    SPUTNIK_TRY(layer.moe.shared_experts,
                bind_mlp(store, name("mlp.shared_experts"),
                         c.n_shared_experts * c.moe_intermediate_size, c.hidden_size));
  }
  return layer;
}

Result<DeepseekV3::MtpModule> DeepseekV3::bind_mtp(const DeepseekV3& model, WeightStore& store,
                                                   std::int64_t index) {
  const DeepseekV3Config& c = model.config_;
  const auto name = [&](std::string_view part) {
    return fmt::format("model.layers.{}.{}", index, part);
  };
  MtpModule mtp;
  SPUTNIK_TRY(mtp.layer, bind_layer(c, store, index));
  SPUTNIK_TRY(mtp.enorm, store.vector(name("enorm.weight"), c.hidden_size));
  SPUTNIK_TRY(mtp.hnorm, store.vector(name("hnorm.weight"), c.hidden_size));
  SPUTNIK_TRY(mtp.eh_proj, store.matrix(name("eh_proj.weight"), c.hidden_size, 2 * c.hidden_size));
  SPUTNIK_TRY(mtp.shared_head_norm, store.vector(name("shared_head.norm.weight"), c.hidden_size));
  // Embedding and head are copies of the main model's; converters leave them out.
  mtp.embed_tokens = model.embed_tokens_;
  if (store.contains(name("embed_tokens.weight"))) {
    SPUTNIK_TRY(mtp.embed_tokens,
                store.matrix(name("embed_tokens.weight"), c.vocab_size, c.hidden_size));
  }
  mtp.shared_head_head = model.lm_head_;
  if (store.contains(name("shared_head.head.weight"))) {
    SPUTNIK_TRY(mtp.shared_head_head,
                store.matrix(name("shared_head.head.weight"), c.vocab_size, c.hidden_size));
  }
  return mtp;
}

Result<std::unique_ptr<Model>> DeepseekV3::create(const DeepseekV3Config& config,
                                                  WeightStore& store) {
  std::unique_ptr<DeepseekV3> model(new DeepseekV3(config));
  SPUTNIK_TRY(model->embed_tokens_,
              store.matrix("model.embed_tokens.weight", config.vocab_size, config.hidden_size));
  SPUTNIK_TRY(model->norm_, store.vector("model.norm.weight", config.hidden_size));
  SPUTNIK_TRY(model->lm_head_,
              bind_lm_head(store, model->embed_tokens_, config.tie_word_embeddings));
  for (std::int64_t i = 0; i < config.num_hidden_layers; ++i) {
    SPUTNIK_TRY(Layer layer, bind_layer(config, store, i));
    model->layers_.push_back(std::move(layer));
  }
  // Files without the module's weights are common: the model works without it.
  const std::int64_t first_mtp = config.num_hidden_layers;
  if (config.num_nextn_predict_layers > 0 &&
      store.contains(fmt::format("model.layers.{}.eh_proj.weight", first_mtp))) {
    SPUTNIK_TRY(MtpModule mtp, bind_mtp(*model, store, first_mtp));
    model->mtp_.push_back(std::move(mtp));
  }
  return std::unique_ptr<Model>(std::move(model));
}

std::vector<const Weight*> DeepseekV3::collect(bool with_mtp) const {
  WeightList list;
  const auto add_layer = [&](const Layer& layer) {
    const MlaWeights& a = layer.self_attn;
    list.add({&layer.input_layernorm, &layer.post_attention_layernorm, &a.q_a_proj,
              &a.q_a_layernorm, &a.q_b_proj, &a.q_proj, &a.kv_a_proj_with_mqa, &a.kv_a_layernorm,
              &a.kv_b_proj, &a.k_b_proj, &a.v_b_proj, &a.o_proj});
    list.add(layer.mlp);
    list.add({&layer.moe.gate, &layer.moe.e_score_correction_bias});
    list.add(layer.moe.shared_experts);
    list.add(layer.moe.experts);
  };
  list.add({&embed_tokens_, &norm_, &lm_head_});
  for (const Layer& layer : layers_) add_layer(layer);
  if (!with_mtp) return std::move(list).take();
  for (const MtpModule& mtp : mtp_) {
    list.add({&mtp.embed_tokens, &mtp.enorm, &mtp.hnorm, &mtp.eh_proj, &mtp.shared_head_norm,
              &mtp.shared_head_head});
    add_layer(mtp.layer);
  }
  return std::move(list).take();
}

std::int64_t DeepseekV3::n_active_parameters() const {
  std::int64_t n = 0;
  for (const Weight* w : collect(/*with_mtp=*/false)) n += w->rows * w->cols;
  const std::int64_t one_expert = 3 * config_.moe_intermediate_size * config_.hidden_size;
  for (const Layer& layer : layers_) {
    if (layer.is_moe)
      n -= (config_.n_routed_experts - config_.router.num_experts_per_tok) * one_expert;
  }
  return n;
}

}  // namespace sputnik
