#include "evaluation/scripted_model_testing.h"

#include <algorithm>

#include "base/assert.h"
#include "tokenizer/bpe_trainer.h"

namespace sputnik::evaluation {
namespace {

constexpr std::string_view kBos = "<｜begin▁of▁sentence｜>", kEos = "<｜end▁of▁sentence｜>";
constexpr std::string_view kUser = "<｜User｜>", kAssistant = "<｜Assistant｜>";

}  // namespace

Tokenizer make_chat_tokenizer() {
  std::vector<std::string> control;
  for (const std::string_view token :
       {kBos, kEos, kUser, kAssistant, std::string_view("<think>"), std::string_view("</think>")})
    control.emplace_back(token);
  auto trainer = std::move(BpeTrainer::create({300, control, 2})).value();
  trainer.add("the answer is the number that the question asks for, and that is the answer");
  return std::move(Tokenizer::from_spec(trainer.train())).value();
}

ScriptedModel::ScriptedModel(const Tokenizer& tokenizer, Script script, bool thought_is_opened)
    : tokenizer_(tokenizer), script_(std::move(script)), thought_is_opened_(thought_is_opened) {}

std::int32_t ScriptedModel::next_token(const std::vector<std::int32_t>& tokens) const {
  const std::int32_t assistant = *tokenizer_.id_of(kAssistant), user = *tokenizer_.id_of(kUser);
  const auto end = std::find(tokens.begin(), tokens.end(), assistant);
  const auto begin = std::find(tokens.begin(), tokens.end(), user);
  SPUTNIK_ASSERT(begin < end && end != tokens.end());
  const std::vector<std::int32_t> question(begin + 1, end);
  std::string text = script_(tokenizer_.decode(question));
  if (const std::size_t eos = text.find("<eos>"); eos != std::string::npos)
    text.replace(eos, 5, kEos);
  std::vector<std::int32_t> script = tokenizer_.encode(text, {.parse_special = true});
  auto said = static_cast<std::size_t>(tokens.end() - end - 1);
  if (thought_is_opened_) {
    SPUTNIK_ASSERT(script[0] == *tokenizer_.id_of("<think>"));
    script.erase(script.begin());
    said -= 1 + tokenizer_.encode("\n").size();
  }
  return script[said % script.size()];
}

Tensor ScriptedModel::forward(Ops& ops, const Batch& batch, Tensor* /*final_hidden*/) const {
  ops.begin(batch);
  const std::int64_t n = vocab_size();
  logits_.clear();
  for (const BatchSequence& sequence : batch.sequences) {
    auto& tokens = sequences_[sequence.block_table[0]];
    SPUTNIK_ASSERT(static_cast<std::int64_t>(tokens.size()) >= sequence.n_past);
    tokens.resize(static_cast<std::size_t>(sequence.n_past));
    for (std::int64_t i = 0; i < sequence.n_tokens; ++i)
      tokens.push_back(batch.tokens[static_cast<std::size_t>(sequence.first_row + i)]);
    // Behind guesses as well: one row for each token whose logits are wanted.
    for (std::int64_t i = 0; i < sequence.n_tokens; ++i) {
      if (!std::binary_search(batch.output_rows.begin(), batch.output_rows.end(),
                              sequence.first_row + i))
        continue;
      const auto so_far =
          std::span(tokens).first(static_cast<std::size_t>(sequence.n_past + i + 1));
      const std::size_t row = logits_.size();
      logits_.resize(row + static_cast<std::size_t>(n), 0.0f);
      logits_[row + static_cast<std::size_t>(next_token({so_far.begin(), so_far.end()}))] = 30.0f;
    }
  }
  return {logits_.data(), static_cast<std::int64_t>(batch.output_rows.size()), 1, n, n, n};
}

}  // namespace sputnik::evaluation
