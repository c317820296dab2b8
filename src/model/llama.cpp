#include "model/llama.h"

#include <cmath>

#include "model/bind.h"

namespace sputnik {

// h: [T, hidden_size] -> [T, hidden_size]
Tensor Llama::attention(Ops& ops, const Tensor& h, const Layer& layer, std::int64_t index,
                        const Batch& batch) const {
  const auto bias = [](const Weight& w) { return w.present() ? &w : nullptr; };
  const Tensor q =
      Ops::heads(ops.linear(h, layer.q_proj, bias(layer.q_bias)), config_.num_attention_heads);
  const Tensor k =
      Ops::heads(ops.linear(h, layer.k_proj, bias(layer.k_bias)), config_.num_key_value_heads);
  const Tensor v =
      Ops::heads(ops.linear(h, layer.v_proj, bias(layer.v_bias)), config_.num_key_value_heads);
  ops.observe("q_before_rope", index, q);
  ops.observe("k_before_rope", index, k);
  ops.observe("v_before_rope", index, v);
  const GqaInputs inputs{ops.rope(q, batch.positions, rope_), ops.rope(k, batch.positions, rope_),
                         v, index};
  const auto softmax_scale =
      static_cast<float>(1 / std::sqrt(static_cast<double>(config_.head_dim)));
  return ops.linear(ops.gqa_attention(inputs, softmax_scale, batch), layer.o_proj);
}

// The normalised hidden states of all tokens: [T, hidden_size].
Tensor Llama::hidden(Ops& ops, const Batch& batch) const {
  ops.begin(batch);
  Tensor h = ops.embed(embed_tokens_, batch.tokens);  // [T, hidden_size]
  ops.observe("embed", -1, h);
  for (std::int64_t i = 0; i < config_.num_hidden_layers; ++i) {
    const Layer& layer = layers_[i];
    const Tensor attn_in = ops.rms_norm(h, layer.input_layernorm, config_.rms_norm_eps);
    ops.observe("input_norm", i, attn_in);
    const Tensor attn_out = attention(ops, attn_in, layer, i, batch);
    ops.observe("attn_out", i, attn_out);
    h = ops.add(h, attn_out);
    const Tensor ffn_in = ops.rms_norm(h, layer.post_attention_layernorm, config_.rms_norm_eps);
    ops.observe("post_attn_norm", i, ffn_in);
    const Tensor ffn_out = mlp_forward(ops, ffn_in, layer.mlp);
    ops.observe("ffn_out", i, ffn_out);
    h = ops.add(h, ffn_out);
    ops.observe("out", i, h);
    h = ops.layer_boundary(h);
  }
  h = ops.rms_norm(h, norm_, config_.rms_norm_eps);
  ops.observe("final_norm", -1, h);
  return h;
}

Tensor Llama::forward(Ops& ops, const Batch& batch, Tensor* final_hidden) const {
  const Tensor h = hidden(ops, batch);
  if (final_hidden != nullptr) *final_hidden = h;
  return ops.linear(ops.select_rows(h, batch.output_rows), lm_head_);
}

Tensor Llama::losses(Ops& ops, const Batch& batch, const LossTargets& targets,
                     Tensor* final_hidden) const {
  const Tensor h = hidden(ops, batch);
  if (final_hidden != nullptr) *final_hidden = h;
  return ops.cross_entropy(ops.select_rows(h, batch.output_rows), lm_head_, targets);
}

Tensor Llama::mtp_losses(Ops& /*ops*/, const Batch& /*batch*/, const Tensor& /*final_hidden*/,
                         const LossTargets& /*targets*/) const {
  SPUTNIK_ASSERT(num_nextn_predict_layers() > 0);  // this family has no prediction modules
  return {};
}

Tensor Llama::mtp_forward(Ops& /*ops*/, const Batch& /*batch*/,
                          const Tensor& /*final_hidden*/) const {
  SPUTNIK_ASSERT(num_nextn_predict_layers() > 0);  // this family has no prediction modules
  return {};
}

CacheShape Llama::cache_shape() const {
  return {config_.num_hidden_layers, config_.num_key_value_heads, config_.head_dim,
          config_.head_dim};
}

Result<Llama::Layer> Llama::bind_layer(const LlamaConfig& c, WeightStore& store,
                                       std::int64_t index) {
  const auto name = [&](std::string_view part) {
    return fmt::format("model.layers.{}.{}", index, part);
  };
  const std::int64_t q_dim = c.num_attention_heads * c.head_dim,
                     kv_dim = c.num_key_value_heads * c.head_dim;
  Layer layer;
  SPUTNIK_TRY(layer.input_layernorm, store.vector(name("input_layernorm.weight"), c.hidden_size));
  SPUTNIK_TRY(layer.post_attention_layernorm,
              store.vector(name("post_attention_layernorm.weight"), c.hidden_size));
  SPUTNIK_TRY(layer.q_proj, store.matrix(name("self_attn.q_proj.weight"), q_dim, c.hidden_size));
  SPUTNIK_TRY(layer.k_proj, store.matrix(name("self_attn.k_proj.weight"), kv_dim, c.hidden_size));
  SPUTNIK_TRY(layer.v_proj, store.matrix(name("self_attn.v_proj.weight"), kv_dim, c.hidden_size));
  SPUTNIK_TRY(layer.o_proj, store.matrix(name("self_attn.o_proj.weight"), c.hidden_size, q_dim));
  if (c.attention_bias) {
    SPUTNIK_TRY(layer.q_bias, store.vector(name("self_attn.q_proj.bias"), q_dim));
    SPUTNIK_TRY(layer.k_bias, store.vector(name("self_attn.k_proj.bias"), kv_dim));
    SPUTNIK_TRY(layer.v_bias, store.vector(name("self_attn.v_proj.bias"), kv_dim));
  }
  SPUTNIK_TRY(layer.mlp, bind_mlp(store, name("mlp"), c.intermediate_size, c.hidden_size));
  return layer;
}

Result<std::unique_ptr<Model>> Llama::create(const LlamaConfig& config, WeightStore& store) {
  std::unique_ptr<Llama> model(new Llama(config));
  SPUTNIK_TRY(model->embed_tokens_,
              store.matrix("model.embed_tokens.weight", config.vocab_size, config.hidden_size));
  SPUTNIK_TRY(model->norm_, store.vector("model.norm.weight", config.hidden_size));
  SPUTNIK_TRY(model->lm_head_,
              bind_lm_head(store, model->embed_tokens_, config.tie_word_embeddings));
  // GGUF files of Llama 3 hold what its scaling divides each frequency by.
  if (store.contains("rope_freqs.weight")) {
    SPUTNIK_TRY(const Weight factors, store.vector("rope_freqs.weight", config.head_dim / 2));
    for (std::size_t i = 0; i < model->rope_.inv_freq.size(); ++i) {
      if (!(factors.vector()[i] > 0)) return corrupt("rope_freqs.weight[{}] is not positive", i);
      model->rope_.inv_freq[i] /= static_cast<double>(factors.vector()[i]);
    }
  }
  for (std::int64_t i = 0; i < config.num_hidden_layers; ++i) {
    SPUTNIK_TRY(Layer layer, bind_layer(config, store, i));
    model->layers_.push_back(std::move(layer));
  }
  return std::unique_ptr<Model>(std::move(model));
}

std::vector<const Weight*> Llama::weights() const {
  WeightList list;
  list.add({&embed_tokens_, &norm_, &lm_head_});
  for (const Layer& layer : layers_) {
    list.add({&layer.input_layernorm, &layer.post_attention_layernorm, &layer.q_proj, &layer.k_proj,
              &layer.v_proj, &layer.o_proj, &layer.q_bias, &layer.k_bias, &layer.v_bias});
    list.add(layer.mlp);
  }
  return std::move(list).take();
}

std::int64_t Llama::n_active_parameters() const {
  std::int64_t n = 0;
  for (const Weight* w : weights()) n += w->rows * w->cols;
  return n;
}

}  // namespace sputnik
