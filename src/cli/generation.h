// One sequence through the engine, from text to tokens.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "tokenizer/tokenizer.h"

namespace sputnik::cli {

// A prompt without a chat template. BOS comes first where the tokenizer wants it, and always if
// there is nothing else.
std::vector<std::int32_t> encode_prompt(const Tokenizer& tokenizer, std::string_view text,
                                        bool parse_special);

// What ends a text without a chat template: the end tokens, and BOS, with which some models begin
// the next text.
std::vector<std::int32_t> end_of_text_ids(const Tokenizer& tokenizer);

struct GenerationEnd {
  FinishReason reason = FinishReason::kNone;  // kNone: it was stopped
  // For kStop; valid until the engine's next step.
  std::optional<SampledToken> stop_token;
};

// Calls on_token for each token but the one that ends the answer. on_token returns false to stop;
// stop, if not null, is looked at after each forward pass.
Result<GenerationEnd> generate_tokens(Engine& engine, GenerationRequest request,
                                      const std::function<bool(const SampledToken&)>& on_token,
                                      const std::atomic<bool>* stop = nullptr);

}  // namespace sputnik::cli
