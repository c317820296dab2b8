#include "train/micro_model_testing.h"

#include <nlohmann/json.hpp>

#include "tokenizer/bpe_trainer.h"

namespace sputnik {
namespace {

std::unique_ptr<DocumentSource> additions() {
  TaskSourceOptions options;
  options.families = {tasks::find_family("addition").value()};
  options.long_share = 0.2;
  options.corrected_share = 0.2;
  return make_task_source(options);
}

}  // namespace

nlohmann::json micro_config() {
  return {{"model_type", "deepseek_v3"},
          {"vocab_size", 512},
          {"hidden_size", 32},
          {"intermediate_size", 48},
          {"num_hidden_layers", 2},
          {"num_nextn_predict_layers", 1},
          {"first_k_dense_replace", 1},
          {"num_attention_heads", 2},
          {"qk_nope_head_dim", 16},
          {"qk_rope_head_dim", 8},
          {"v_head_dim", 16},
          {"q_lora_rank", 24},
          {"kv_lora_rank", 16},
          {"n_routed_experts", 8},
          {"num_experts_per_tok", 2},
          {"n_shared_experts", 1},
          {"moe_intermediate_size", 16},
          {"n_group", 2},
          {"topk_group", 1},
          {"topk_method", "noaux_tc"},
          {"scoring_func", "sigmoid"},
          {"norm_topk_prob", true},
          {"routed_scaling_factor", 1.0},
          {"max_position_embeddings", 256},
          {"rope_theta", 10000.0},
          {"rms_norm_eps", 1e-6},
          {"tie_word_embeddings", false}};
}

Tokenizer micro_tokenizer() {
  auto trainer = std::move(BpeTrainer::create({512, ControlTokens::all(), 2})).value();
  const auto source = additions();
  for (std::uint64_t i = 0; i < 100; ++i) {
    for (const Document::Part& part : source->document(i).parts) {
      if (!part.is_control) trainer.add(part.text);
    }
  }
  return std::move(Tokenizer::from_spec(trainer.train())).value();
}

Packer micro_packer(const Tokenizer& tokenizer) {
  std::vector<Packer::Source> sources;
  sources.push_back({additions(), 1});
  return Packer(tokenizer, std::move(sources), {64, 0, 1});
}

}  // namespace sputnik
