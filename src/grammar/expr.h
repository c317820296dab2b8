// The form into which every notation is translated: regular expressions over bytes, with control
// tokens as further letters and with rules that may call each other.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/constraint.h"

namespace sputnik::grammar {

struct Expr;
using ExprPtr = std::shared_ptr<const Expr>;

struct ByteRange {
  std::uint8_t lo, hi;
};
struct CodePointRange {
  std::uint32_t lo, hi;
};

// Nodes are shared freely: a node that stands at two places is two parts of the language.
struct Expr {
  enum class Kind {
    kNothing,  // no text at all matches
    kEmpty,    // the empty text
    kBytes,    // one byte of ranges
    kLiteral,  // text
    kSequence,
    kChoice,
    kRepeat,   // children[0], min to max times; max -1: any number
    kToken,    // the control token `index`
    kRule,     // rule `index` of the grammar that this stands in
    kGrammar,  // grammar, all of it
    kGraph,    // a path from node 0 to one of ends, along edges
  };
  struct Edge {
    int from, to;
    ExprPtr label;  // none: nothing is written
  };

  Kind kind = Kind::kEmpty;
  std::vector<ByteRange> ranges;
  std::string text;
  std::vector<ExprPtr> children;
  int min = 0, max = 0;
  int index = 0;
  GrammarPtr grammar;
  int n_nodes = 0;
  std::vector<Edge> edges;
  std::vector<int> ends;
};

ExprPtr nothing();
ExprPtr empty();
ExprPtr bytes(std::vector<ByteRange> ranges);
ExprPtr literal(std::string_view text);
ExprPtr seq(std::vector<ExprPtr> parts);
ExprPtr choice(std::vector<ExprPtr> alternatives);  // none: nothing()
ExprPtr repeated(ExprPtr part, int min, int max);
ExprPtr optional(ExprPtr part);
ExprPtr token(std::int32_t id);
ExprPtr rule(int index);
ExprPtr nested(GrammarPtr grammar);
ExprPtr graph(int n_nodes, std::vector<Expr::Edge> edges, std::vector<int> ends);

// One character in UTF-8. Surrogates and what lies above U+10FFFF are left out.
ExprPtr code_points(const std::vector<CodePointRange>& ranges);
// Sorted, joined where they touch, and within 0..U+10FFFF without surrogates.
std::vector<CodePointRange> normalized(std::vector<CodePointRange> ranges);
std::vector<CodePointRange> complement(const std::vector<CodePointRange>& ranges);
std::vector<CodePointRange> intersection(const std::vector<CodePointRange>& a,
                                         const std::vector<CodePointRange>& b);

}  // namespace sputnik::grammar
