#include "cli/generation.h"

#include <optional>
#include <utility>

#include "cli/progress.h"

namespace sputnik::cli {
namespace {

constexpr std::int64_t kLongPrompt = 256;  // tokens whose reading people may have to wait for

}  // namespace

std::vector<std::int32_t> encode_prompt(const Tokenizer& tokenizer, std::string_view text,
                                        bool parse_special) {
  return tokenizer.encode(text, {.parse_special = parse_special,
                                 .add_bos = tokenizer.add_bos_by_default() || text.empty()});
}

std::vector<std::int32_t> end_of_text_ids(const Tokenizer& tokenizer) {
  std::vector<std::int32_t> ids(tokenizer.end_ids().begin(), tokenizer.end_ids().end());
  if (const auto bos = tokenizer.bos_id()) ids.push_back(*bos);
  return ids;
}

Result<GenerationEnd> generate_tokens(Engine& engine, GenerationRequest request,
                                      const std::function<bool(const SampledToken&)>& on_token,
                                      const std::atomic<bool>* stop) {
  const auto n_prompt = static_cast<std::int64_t>(request.prompt.size());
  SPUTNIK_TRY(const SequenceId sequence, engine.add(std::move(request)));
  std::optional<Progress> progress;  // until the first token
  if (n_prompt >= kLongPrompt) progress.emplace("reading the prompt");
  const std::int64_t n_before = engine.n_computed_tokens();
  while (!engine.idle()) {
    if (progress) progress->show(engine.n_computed_tokens() - n_before, n_prompt, "tokens");
    const auto outputs = engine.step();
    if (!outputs.empty()) progress.reset();
    for (const StepOutput& output : outputs) {
      if (output.error) return *output.error;
      if (output.finish_reason == FinishReason::kStop)
        return GenerationEnd{FinishReason::kStop, output.token};
      const bool goes_on = on_token(output.token);
      if (output.finish_reason != FinishReason::kNone)
        return GenerationEnd{output.finish_reason, std::nullopt};
      if (goes_on) continue;
      engine.cancel(sequence);
      return GenerationEnd{};
    }
    if (stop != nullptr && stop->load()) engine.cancel(sequence);
  }
  return GenerationEnd{};
}

}  // namespace sputnik::cli
