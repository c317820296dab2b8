// For tests: a model that says what a test wants it to say.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/model.h"
#include "tokenizer/tokenizer.h"

namespace sputnik::evaluation {

// Bytes, a few pieces, and the control tokens of DeepSeek-R1's template.
Tokenizer make_chat_tokenizer();

// Answers the template deepseek-v3 or, if thought_is_opened, deepseek-r1. script(question) is the
// text to say, with "<think>", "</think>" and "<eos>" for tokens (<eos> ends it; without one it is
// said again and again). The model knows a sequence by its first cache block.
class ScriptedModel final : public Model {
 public:
  using Script = std::function<std::string(std::string_view question)>;
  ScriptedModel(const Tokenizer& tokenizer, Script script, bool thought_is_opened = false);

  Tensor forward(Ops& ops, const Batch& batch, Tensor* final_hidden) const override;
  Tensor mtp_forward(Ops&, const Batch&, const Tensor&) const override { return {}; }
  Tensor losses(Ops&, const Batch&, const LossTargets&, Tensor*) const override { return {}; }
  Tensor mtp_losses(Ops&, const Batch&, const Tensor&, const LossTargets&) const override {
    return {};
  }
  std::int64_t vocab_size() const override { return tokenizer_.vocab_size(); }
  std::int64_t hidden_size() const override { return 4; }
  std::int64_t num_hidden_layers() const override { return 1; }
  std::int64_t max_position_embeddings() const override { return 4096; }
  CacheShape cache_shape() const override { return {1, 1, 4, 4}; }
  std::vector<const Weight*> weights() const override { return {}; }
  std::int64_t n_active_parameters() const override { return 0; }

 private:
  std::int32_t next_token(const std::vector<std::int32_t>& tokens) const;

  const Tokenizer& tokenizer_;
  const Script script_;
  const bool thought_is_opened_;
  mutable std::map<std::int32_t, std::vector<std::int32_t>> sequences_;  // by first block
  mutable std::vector<float> logits_;
};

}  // namespace sputnik::evaluation
