#include "model/gguf_config.h"

#include <nlohmann/json.hpp>

#include "formats/printable.h"

namespace sputnik {
namespace {

using nlohmann::json;

// Copies keys of "<architecture>.", under their published names.
class Translator {
 public:
  Translator(const GgufMetadata& metadata, std::string architecture)
      : metadata_(metadata), architecture_(std::move(architecture)) {}

  std::string key(std::string_view suffix) const {
    return fmt::format("{}.{}", architecture_, suffix);
  }
  bool has(std::string_view suffix) const { return metadata_.contains(key(suffix)); }

  Result<std::int64_t> integer(std::string_view suffix) const {
    return metadata_.get_i64(key(suffix));
  }

  // Absent keys stay absent: the reader of the configuration knows which are required.
  Result<void> copy_integer(std::string_view suffix, const char* published) {
    if (!has(suffix)) return ok_result();
    SPUTNIK_TRY(out[published], metadata_.get_i64(key(suffix)));
    return ok_result();
  }
  Result<void> copy_number(std::string_view suffix, const char* published) {
    if (!has(suffix)) return ok_result();
    SPUTNIK_TRY(out[published], metadata_.get_f64(key(suffix)));
    return ok_result();
  }

  json out = json::object();

 private:
  const GgufMetadata& metadata_;
  std::string architecture_;
};

Result<void> copy_common(Translator& t, const GgufFile& file) {
  SPUTNIK_CHECK_OK(t.copy_integer("vocab_size", "vocab_size"));
  SPUTNIK_CHECK_OK(t.copy_integer("embedding_length", "hidden_size"));
  SPUTNIK_CHECK_OK(t.copy_integer("feed_forward_length", "intermediate_size"));
  SPUTNIK_CHECK_OK(t.copy_integer("block_count", "num_hidden_layers"));
  SPUTNIK_CHECK_OK(t.copy_integer("attention.head_count", "num_attention_heads"));
  SPUTNIK_CHECK_OK(t.copy_integer("context_length", "max_position_embeddings"));
  SPUTNIK_CHECK_OK(t.copy_number("attention.layer_norm_rms_epsilon", "rms_norm_eps"));
  SPUTNIK_CHECK_OK(t.copy_number("rope.freq_base", "rope_theta"));
  // The embedding matrix is the truth about the vocabulary's size; some files lack the key.
  if (const GgufTensorInfo* embedding = file.find_tensor("token_embd.weight");
      embedding != nullptr && embedding->shape.size() == 2) {
    t.out["vocab_size"] = embedding->shape[0];
  }
  t.out["tie_word_embeddings"] = file.find_tensor("output.weight") == nullptr;
  return ok_result();
}

Result<json> llama_config(Translator t, const GgufFile& file, bool qwen2) {
  SPUTNIK_CHECK_OK(copy_common(t, file));
  SPUTNIK_CHECK_OK(t.copy_integer("attention.head_count_kv", "num_key_value_heads"));
  SPUTNIK_CHECK_OK(t.copy_integer("attention.key_length", "head_dim"));
  t.out["model_type"] = qwen2 ? "qwen2" : "llama";
  t.out["attention_bias"] = file.find_tensor("blk.0.attn_q.bias") != nullptr;
  t.out["rope_interleaved"] = !qwen2;  // the converter reorders the q and k rows of llama files
  if (t.has("expert_count")) {
    SPUTNIK_TRY(const std::int64_t n, t.integer("expert_count"));
    if (n > 0)
      return unsupported("{} with {} experts (Mixtral) is not supported", t.key("expert_count"), n);
  }
  if (t.has("rope.scaling.type")) {
    SPUTNIK_TRY(const auto type, file.metadata().get_string(t.key("rope.scaling.type")));
    if (type == "linear") {
      SPUTNIK_TRY(const double factor, file.metadata().get_f64(t.key("rope.scaling.factor")));
      t.out["rope_scaling"] = {{"type", "linear"}, {"factor", factor}};
    } else if (type != "none") {
      return unsupported("{} is \"{}\", not linear or none", t.key("rope.scaling.type"),
                         printable(type));
    }
  }
  return std::move(t.out);
}

// Files from before spring 2025 do not say how experts are grouped. The released models are known
// by their number of experts.
void add_published_groups(Translator& t, std::int64_t n_routed_experts, bool sigmoid) {
  if (sigmoid && n_routed_experts == 256) {  // V3, R1
    t.out["n_group"] = 8;
    t.out["topk_group"] = 4;
  } else if (!sigmoid && n_routed_experts == 160) {  // V2
    t.out["n_group"] = 8;
    t.out["topk_group"] = 3;
  }
}

Result<void> copy_experts(Translator& t, const GgufFile& file) {
  SPUTNIK_TRY(const std::int64_t n_routed_experts, t.integer("expert_count"));
  t.out["n_routed_experts"] = n_routed_experts;
  SPUTNIK_CHECK_OK(t.copy_integer("expert_used_count", "num_experts_per_tok"));
  SPUTNIK_CHECK_OK(t.copy_integer("expert_shared_count", "n_shared_experts"));
  SPUTNIK_CHECK_OK(t.copy_integer("expert_feed_forward_length", "moe_intermediate_size"));
  SPUTNIK_CHECK_OK(t.copy_integer("leading_dense_block_count", "first_k_dense_replace"));
  SPUTNIK_CHECK_OK(t.copy_number("expert_weights_scale", "routed_scaling_factor"));

  bool has_bias = false;
  for (const GgufTensorInfo& tensor : file.tensors())
    has_bias = has_bias || tensor.name.ends_with("exp_probs_b.bias");
  SPUTNIK_TRY(const std::int64_t gating,
              file.metadata().get_i64_or(t.key("expert_gating_func"), has_bias ? 2 : 1));
  if (gating != 1 && gating != 2)
    return unsupported("{} is {}, not 1 (softmax) or 2 (sigmoid)", t.key("expert_gating_func"),
                       gating);
  const bool sigmoid = gating == 2;
  t.out["scoring_func"] = sigmoid ? "sigmoid" : "softmax";
  if (sigmoid) t.out["model_type"] = "deepseek_v3";
  SPUTNIK_TRY(t.out["norm_topk_prob"],
              file.metadata().get_bool_or(t.key("expert_weights_norm"), sigmoid));

  if (t.has("expert_group_count")) {
    SPUTNIK_CHECK_OK(t.copy_integer("expert_group_count", "n_group"));
    SPUTNIK_CHECK_OK(t.copy_integer("expert_group_used_count", "topk_group"));
  } else {
    add_published_groups(t, n_routed_experts, sigmoid);
  }
  const bool grouped = t.out.value("n_group", 1) > 1;
  t.out["topk_method"] = sigmoid ? "noaux_tc" : grouped ? "group_limited_greedy" : "greedy";
  return ok_result();
}

Result<json> deepseek2_config(Translator t, const GgufFile& file) {
  SPUTNIK_CHECK_OK(copy_common(t, file));
  t.out["model_type"] = "deepseek_v2";  // V3 is known by its experts
  SPUTNIK_CHECK_OK(t.copy_integer("attention.q_lora_rank", "q_lora_rank"));
  SPUTNIK_CHECK_OK(t.copy_integer("attention.kv_lora_rank", "kv_lora_rank"));
  SPUTNIK_CHECK_OK(t.copy_integer("rope.dimension_count", "qk_rope_head_dim"));
  SPUTNIK_CHECK_OK(t.copy_integer("nextn_predict_layers", "num_nextn_predict_layers"));
  // Newer files: key_length is that of the cache, key_length_mla that of a head. Older ones know
  // only the latter, as key_length.
  const std::string_view suffix = t.has("attention.key_length_mla") ? "_mla" : "";
  SPUTNIK_TRY(const std::int64_t key_length,
              t.integer(fmt::format("attention.key_length{}", suffix)));
  SPUTNIK_TRY(const std::int64_t rope_dim, t.integer("rope.dimension_count"));
  if (key_length <= rope_dim)
    return corrupt("{} is {}, not above {} {}", t.key("attention.key_length"), key_length,
                   t.key("rope.dimension_count"), rope_dim);
  t.out["qk_nope_head_dim"] = key_length - rope_dim;
  SPUTNIK_CHECK_OK(t.copy_integer(fmt::format("attention.value_length{}", suffix), "v_head_dim"));
  if (t.has("nextn_predict_layers")) {
    // block_count includes the prediction modules.
    SPUTNIK_TRY(const std::int64_t layers, t.integer("block_count"));
    SPUTNIK_TRY(const std::int64_t modules, t.integer("nextn_predict_layers"));
    if (modules > 0 && modules < layers) t.out["num_hidden_layers"] = layers - modules;
  }
  if (t.has("expert_count")) SPUTNIK_CHECK_OK(copy_experts(t, file));

  if (t.has("rope.scaling.type")) {
    SPUTNIK_TRY(const auto type, file.metadata().get_string(t.key("rope.scaling.type")));
    if (type == "yarn") {
      json yarn = {{"type", "yarn"}};
      SPUTNIK_TRY(yarn["factor"], file.metadata().get_f64(t.key("rope.scaling.factor")));
      SPUTNIK_TRY(yarn["original_max_position_embeddings"],
                  file.metadata().get_i64_or(t.key("rope.scaling.original_context_length"), 4096));
      // 0.1 * mscale_all_dim; mscale itself is equal in every released model.
      SPUTNIK_TRY(const double multiplier,
                  file.metadata().get_f64_or(t.key("rope.scaling.yarn_log_multiplier"), 0.0));
      yarn["mscale"] = yarn["mscale_all_dim"] = multiplier * 10;
      SPUTNIK_TRY(yarn["beta_fast"],
                  file.metadata().get_f64_or(t.key("rope.scaling.yarn_beta_fast"), 32.0));
      SPUTNIK_TRY(yarn["beta_slow"],
                  file.metadata().get_f64_or(t.key("rope.scaling.yarn_beta_slow"), 1.0));
      t.out["rope_scaling"] = std::move(yarn);
    } else if (type != "none") {
      return unsupported("{} is \"{}\", not yarn or none", t.key("rope.scaling.type"),
                         printable(type));
    }
  }
  return std::move(t.out);
}

}  // namespace

Result<json> gguf_config(const GgufFile& file) {
  SPUTNIK_TRY(const std::string_view architecture,
              file.metadata().get_string("general.architecture"));
  Translator translator(file.metadata(), std::string(architecture));
  if (architecture == "llama" || architecture == "qwen2")
    return llama_config(std::move(translator), file, architecture == "qwen2");
  if (architecture == "deepseek2") return deepseek2_config(std::move(translator), file);
  return unsupported(
      "architecture \"{}\" is not supported; supported are llama, qwen2 and deepseek2",
      printable(architecture));
}

}  // namespace sputnik
