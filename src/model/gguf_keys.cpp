#include "model/gguf_keys.h"

#include <nlohmann/json.hpp>

#include "model/config.h"

namespace sputnik {
namespace {

using nlohmann::json;

// Sets keys of "<architecture>.".
class ArchitectureKeys {
 public:
  ArchitectureKeys(GgufKeys& keys, std::string_view architecture)
      : keys_(keys), architecture_(architecture) {
    keys_.set("general.architecture", architecture);
  }

  // Sizes have been checked to be below 2^32 by the configuration.
  void size(std::string_view suffix, std::int64_t value) {
    keys_.set(key(suffix), static_cast<std::uint32_t>(value));
  }
  void number(std::string_view suffix, double value) {
    keys_.set(key(suffix), static_cast<float>(value));
  }
  void flag(std::string_view suffix, bool value) { keys_.set(key(suffix), value); }
  void text(std::string_view suffix, std::string_view value) { keys_.set(key(suffix), value); }

 private:
  std::string key(std::string_view suffix) const {
    return fmt::format("{}.{}", architecture_, suffix);
  }

  GgufKeys& keys_;
  std::string architecture_;
};

Result<void> set_llama(const LlamaConfig& c, bool qwen2, GgufKeys& keys) {
  ArchitectureKeys out(keys, qwen2 ? "qwen2" : "llama");
  out.size("vocab_size", c.vocab_size);
  out.size("context_length", c.max_position_embeddings);
  out.size("embedding_length", c.hidden_size);
  out.size("block_count", c.num_hidden_layers);
  out.size("feed_forward_length", c.intermediate_size);
  out.size("attention.head_count", c.num_attention_heads);
  out.size("attention.head_count_kv", c.num_key_value_heads);
  out.size("attention.key_length", c.head_dim);
  out.size("attention.value_length", c.head_dim);
  out.number("attention.layer_norm_rms_epsilon", c.rms_norm_eps);
  out.size("rope.dimension_count", c.head_dim);
  out.number("rope.freq_base", c.rope_theta);
  if (c.rope_linear_factor != 1) {
    out.text("rope.scaling.type", "linear");
    out.number("rope.scaling.factor", c.rope_linear_factor);
  }
  return ok_result();
}

// GGUF knows sigmoid routers with a bias, whose groups are scored by their two best experts, and
// softmax routers without one.
Result<void> set_router(const RouterConfig& router, ArchitectureKeys& out,
                        std::vector<std::string>& notes) {
  const bool sigmoid = router.scoring_func == ScoringFunc::kSigmoid;
  // All groups are no restriction, and llama.cpp wants less.
  const bool grouped =
      router.topk_method != TopkMethod::kGreedy && router.topk_group < router.n_group;
  if (sigmoid && router.topk_method == TopkMethod::kGroupLimitedGreedy && grouped)
    return unsupported("scoring_func sigmoid with topk_method group_limited_greedy");
  if (!sigmoid && router.topk_method == TopkMethod::kNoauxTc)
    return unsupported("scoring_func softmax with topk_method noaux_tc");
  if (grouped) {
    notes.push_back(sigmoid
                        ? "experts are chosen in groups: programs from before October 2025 choose "
                          "among all of them, and compute something else"
                        : "llama.cpp scores groups of experts by their two best, this model by "
                          "their best one, so it computes something else");
  }
  out.size("expert_used_count", router.num_experts_per_tok);
  out.size("expert_group_count", grouped ? router.n_group : 1);
  out.size("expert_group_used_count", grouped ? router.topk_group : 1);
  out.number("expert_weights_scale", router.routed_scaling_factor);
  out.flag("expert_weights_norm", router.norm_topk_prob);
  out.size("expert_gating_func", sigmoid ? 2 : 1);
  return ok_result();
}

Result<void> set_yarn(const YarnScaling& yarn, ArchitectureKeys& out) {
  if (yarn.mscale != yarn.mscale_all_dim) {
    return unsupported("rope_scaling.mscale is {}, mscale_all_dim {}: GGUF has one key for both",
                       yarn.mscale, yarn.mscale_all_dim);
  }
  out.text("rope.scaling.type", "yarn");
  out.number("rope.scaling.factor", yarn.factor);
  out.size("rope.scaling.original_context_length", yarn.original_max_position_embeddings);
  out.number("rope.scaling.yarn_log_multiplier", 0.1 * yarn.mscale_all_dim);
  out.number("rope.scaling.yarn_beta_fast", yarn.beta_fast);
  out.number("rope.scaling.yarn_beta_slow", yarn.beta_slow);
  return ok_result();
}

Result<void> set_deepseek2(const DeepseekV3Config& c, bool with_mtp, GgufKeys& keys,
                           std::vector<std::string>& notes) {
  ArchitectureKeys out(keys, "deepseek2");
  out.size("vocab_size", c.vocab_size);
  out.size("context_length", c.max_position_embeddings);
  out.size("embedding_length", c.hidden_size);
  out.size("block_count", c.num_hidden_layers + (with_mtp ? c.num_nextn_predict_layers : 0));
  if (with_mtp) out.size("nextn_predict_layers", c.num_nextn_predict_layers);
  out.size("feed_forward_length", c.intermediate_size);
  out.size("attention.head_count", c.num_attention_heads);
  // The cache of MLA is one head of latents, and key_length and value_length are its.
  out.size("attention.head_count_kv", 1);
  out.size("attention.key_length", c.kv_cache_dim());
  out.size("attention.value_length", c.kv_lora_rank);
  out.size("attention.key_length_mla", c.qk_head_dim());
  out.size("attention.value_length_mla", c.v_head_dim);
  if (c.q_lora_rank > 0) out.size("attention.q_lora_rank", c.q_lora_rank);
  out.size("attention.kv_lora_rank", c.kv_lora_rank);
  out.number("attention.layer_norm_rms_epsilon", c.rms_norm_eps);
  out.size("rope.dimension_count", c.qk_rope_head_dim);
  out.number("rope.freq_base", c.rope_theta);
  if (c.rope_scaling) SPUTNIK_CHECK_OK(set_yarn(*c.rope_scaling, out));
  // llama.cpp asks for these keys where there are no experts, too.
  const bool has_experts = c.n_routed_experts > 0;
  out.size("expert_count", c.n_routed_experts);
  out.size("expert_shared_count", has_experts ? c.n_shared_experts : 0);
  out.size("expert_feed_forward_length", c.moe_intermediate_size);
  out.size("leading_dense_block_count",
           has_experts ? c.first_k_dense_replace : c.num_hidden_layers);
  if (c.q_lora_rank == 0 && c.num_hidden_layers != 26 && c.num_hidden_layers != 27) {
    notes.push_back(
        fmt::format("queries without q_lora_rank: llama.cpp reads models with 26 or 27 "
                    "layers alone, not with {}",
                    c.num_hidden_layers));
  }
  if (!has_experts) {
    out.number("expert_weights_scale", 1);
    out.size("expert_gating_func", 2);
    return ok_result();
  }
  if (c.n_shared_experts == 0)
    notes.emplace_back("there are no shared experts: llama.cpp reads no such DeepSeek model");
  return set_router(c.router, out, notes);
}

}  // namespace

Result<void> architecture_to_gguf(const json& config, bool with_mtp, GgufKeys& keys,
                                  std::vector<std::string>& notes) {
  const auto type = config.find("model_type");
  SPUTNIK_ASSERT(type != config.end() && type->is_string());  // the model has been loaded
  if (*type == "llama" || *type == "qwen2") {
    SPUTNIK_TRY(const LlamaConfig c, LlamaConfig::from_json(config));
    return set_llama(c, *type == "qwen2", keys);
  }
  SPUTNIK_TRY(const DeepseekV3Config c, DeepseekV3Config::from_json(config));
  return set_deepseek2(c, with_mtp, keys, notes);
}

}  // namespace sputnik
