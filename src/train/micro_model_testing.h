// For tests: a model of a few thousand weights and what it reads.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "tokenizer/tokenizer.h"
#include "train/packer.h"

namespace sputnik {

// DeepSeek-V3 with one dense layer, one of experts, and a prediction module.
nlohmann::json micro_config();
Tokenizer micro_tokenizer();  // at most 512 tokens
// Additions in all forms.
Packer micro_packer(const Tokenizer& tokenizer);

}  // namespace sputnik
