// What fuzzers do with a grammar that compiles.
#pragma once

#include <cstdint>
#include <span>

#include "grammar/constraint.h"

namespace sputnik::grammar {

// Writes some tokens as the bytes say, and asserts that a mask is never empty and that what it
// allows is accepted.
void exercise_grammar(const GrammarPtr& grammar, std::span<const std::uint8_t> choices);

}  // namespace sputnik::grammar
