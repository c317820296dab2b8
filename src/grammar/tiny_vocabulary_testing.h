// A vocabulary for tests and fuzzers.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "grammar/constraint.h"
#include "tokenizer/tokenizer.h"

namespace sputnik::grammar {

// All bytes, pieces of JSON that cross its borders, letters of several bytes; then the control
// tokens "<call>", "</call>" and "<end>", which ends an answer.
const Tokenizer& tiny_tokenizer();
std::int32_t tiny_id(std::string_view bytes);
std::shared_ptr<const Vocabulary> tiny_vocabulary();

}  // namespace sputnik::grammar
