// What fuzzers do with whatever specification they got hold of.
#pragma once

#include <string_view>

#include "tokenizer/tokenizer.h"

namespace sputnik {

// Makes a tokenizer of it, if it can be made, encodes and decodes text in all ways, and asserts
// what must hold for every tokenizer.
void exercise_tokenizer(TokenizerSpec spec, std::string_view text);

}  // namespace sputnik
