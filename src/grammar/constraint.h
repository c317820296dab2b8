// Constraints on what a model writes, compiled to masks over its tokens.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "engine/token_constraint.h"
#include "tokenizer/tokenizer.h"

namespace sputnik::grammar {

// What a vocabulary's tokens spell, arranged for masks. Made once per model; immutable, shared by
// any number of threads. Control tokens spell nothing: only a grammar that names one allows it.
class Vocabulary {
 public:
  // end_ids: the tokens that end an answer. vocab_size: of the model; ids without a token are never
  // allowed.
  static std::shared_ptr<const Vocabulary> create(const Tokenizer& tokenizer,
                                                  std::vector<std::int32_t> end_ids,
                                                  std::int64_t vocab_size);
  virtual ~Vocabulary() = default;
};

// A compiled language. Immutable, shared by any number of threads.
class Grammar {
 public:
  virtual ~Grammar() = default;
};
using GrammarPtr = std::shared_ptr<const Grammar>;

struct JsonOptions {
  // Between its tokens JSON allows any amount of white space, and a model that may write any amount
  // may write nothing else. Here it is none, one space, or a line break and at most so many spaces
  // and tabs.
  int max_whitespace = 20;
};

// Any JSON object.
Result<GrammarPtr> json_object(const JsonOptions& options = {});
// The subset that OpenAI's strict mode defines, and more. kInvalidArgument: no schema;
// kUnsupported: a keyword that would have to be ignored. Both name the place: "$.properties.a:
// ...". Where the language of all valid values is not worth its trouble it is made smaller:
// json_schema.cpp says where.
Result<GrammarPtr> json_schema(std::string_view schema, const JsonOptions& options = {});
// The whole text matches. ECMAScript syntax without look-around, back references and \p; "." and
// classes are about characters. Anchors may stand at the ends.
Result<GrammarPtr> regex(std::string_view pattern);
// GBNF, as llama.cpp documents it, with tokens by id: <[1234]>. Left recursion is kUnsupported.
Result<GrammarPtr> gbnf(std::string_view text);

// For putting languages together, such as the form of a tool call.
struct Token {
  std::int32_t id;  // a control token of the template
};
using Part = std::variant<std::string, Token, GrammarPtr>;
GrammarPtr sequence(std::vector<Part> parts);
GrammarPtr one_of(std::vector<GrammarPtr> alternatives);
GrammarPtr repeat(GrammarPtr grammar, int at_least, int at_most);  // at_most -1: any number
// Any text that does not contain one of these tokens or strings. Control tokens stand in no text,
// named here or not.
GrammarPtr text_without(std::vector<std::int32_t> tokens, std::vector<std::string> strings);

// The grammar, compiled. Putting many large ones together may pass a bound (kUnsupported).
Result<GrammarPtr> checked(GrammarPtr grammar);

// A sequence that begins now. White space (at most two line breaks) may stand before it: models
// write it behind their thought.
std::unique_ptr<TokenConstraint> constrain(GrammarPtr grammar,
                                           std::shared_ptr<const Vocabulary> vocabulary);

}  // namespace sputnik::grammar
