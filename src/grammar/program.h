// A grammar made ready to run: automata, one for each rule, whose steps read a byte, a control
// token, or call a rule and go on where it ends.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "grammar/expr.h"

namespace sputnik::grammar {

// Bounds for what anybody may send. States are about 50 bytes each.
constexpr std::size_t kMaxStates = 100'000;
constexpr std::size_t kMaxRules = 20'000;
// Calls that may be open at once, and so how deep what is written can nest.
constexpr int kMaxCallDepth = 200;

struct Program {
  struct ByteStep {
    std::uint8_t lo, hi;
    std::int32_t to;
  };
  struct TokenStep {
    std::int32_t id, to;
  };
  struct CallStep {
    std::int32_t start;  // of the rule that is called
    std::int32_t to;     // where to go on when it ends
  };
  struct State {
    // Ranges of the arrays below.
    std::int32_t bytes_begin = 0, bytes_end = 0;
    std::int32_t tokens_begin = 0, tokens_end = 0;
    std::int32_t calls_begin = 0, calls_end = 0;
    std::int32_t free_begin = 0, free_end = 0;
    // Open calls that reaching the rule's end takes at least. Every state can reach it.
    std::int32_t need = 0;
    bool is_end = false;   // the rule may end here
    bool is_last = false;  // and nothing else can happen: a call that returns here need not return
  };

  std::vector<State> states;
  std::vector<ByteStep> byte_steps;
  std::vector<TokenStep> token_steps;
  std::vector<CallStep> call_steps;
  std::vector<std::int32_t> free_steps;  // without reading anything
  std::int32_t start = 0;

  // Bytes that no state tells apart share a class. The first byte of each class stands for it.
  std::array<std::uint8_t, 256> byte_class{};
  std::vector<std::uint8_t> class_byte;
};

struct RuleSet {
  ExprPtr root;
  std::vector<ExprPtr> rules;
};

// Whole texts of the grammar, at most two line breaks before them. kUnsupported: too large, nests
// too deep, or a rule that begins with itself; kInvalidArgument: no text is whole.
Result<Program> compile(const RuleSet& grammar);

// The rules behind a GrammarPtr: every Grammar there is has been made by this module.
const RuleSet& rule_set(const Grammar& grammar);

}  // namespace sputnik::grammar
