#include "cost/presets.h"

#include <nlohmann/json.hpp>

namespace sputnik {
namespace {

// huggingface.co/deepseek-ai/DeepSeek-V3, config.json: what says something about its cost.
constexpr const char* kDeepseekV3 = R"({
  "model_type": "deepseek_v3",
  "vocab_size": 129280,
  "hidden_size": 7168,
  "intermediate_size": 18432,
  "moe_intermediate_size": 2048,
  "num_hidden_layers": 61,
  "num_nextn_predict_layers": 1,
  "num_attention_heads": 128,
  "q_lora_rank": 1536,
  "kv_lora_rank": 512,
  "qk_nope_head_dim": 128,
  "qk_rope_head_dim": 64,
  "v_head_dim": 128,
  "n_routed_experts": 256,
  "n_shared_experts": 1,
  "num_experts_per_tok": 8,
  "first_k_dense_replace": 3,
  "n_group": 8,
  "topk_group": 4,
  "topk_method": "noaux_tc",
  "scoring_func": "sigmoid",
  "norm_topk_prob": true,
  "routed_scaling_factor": 2.5,
  "max_position_embeddings": 163840,
  "rope_theta": 10000,
  "rope_scaling": {"type": "yarn", "factor": 40, "beta_fast": 32, "beta_slow": 1, "mscale": 1.0,
                   "mscale_all_dim": 1.0, "original_max_position_embeddings": 4096},
  "rms_norm_eps": 1e-06,
  "tie_word_embeddings": false
})";

}  // namespace

std::vector<std::string> preset_names() {
  return {"deepseek-v3"};
}

Result<nlohmann::json> preset_config(std::string_view name) {
  if (name != "deepseek-v3") return not_found("there is no preset \"{}\"", name);
  return nlohmann::json::parse(kDeepseekV3);
}

}  // namespace sputnik
