// The automaton of one rule while a grammar is compiled.
#pragma once

#include <cstdint>
#include <vector>

#include "grammar/program.h"

namespace sputnik::grammar {

// State 0 is the start.
struct Automaton {
  enum class Label : std::uint8_t { kFree, kBytes, kToken, kCall };
  struct Step {
    std::int32_t from, to;
    Label label;
    std::uint8_t lo = 0, hi = 0;  // kBytes
    std::int32_t value = 0;       // kToken: the id; kCall: the number of the rule
  };

  std::int32_t n_states = 1;
  std::vector<Step> steps;
  std::vector<std::int32_t> ends;
};

// The same language with at most one step for each byte, token or rule from every state, and no
// free ones; or the automaton as it was, if that would have many more states.
Automaton determinized(Automaton automaton);

}  // namespace sputnik::grammar
