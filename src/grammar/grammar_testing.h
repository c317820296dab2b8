// For tests of grammars: vocabularies, walks through masks, and a validator of JSON Schema that
// knows nothing of how masks are made.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.h"
#include "grammar/constraint.h"
#include "grammar/tiny_vocabulary_testing.h"
#include "tokenizer/tokenizer.h"

namespace sputnik::grammar {

// Of a folder of tests/tokenizers; made once in a process.
std::shared_ptr<const Vocabulary> family_vocabulary(std::string_view family);

struct Walk {
  std::string text;
  std::vector<std::int32_t> ids;
  bool complete = false;
};
// Tokens drawn from masks until the text ends. After max_tokens the shortest way out is taken: an
// end token if there is one, otherwise what closes strings, objects and arrays, if it is allowed.
// Fails the test if a mask is empty or the end does not come.
Walk random_walk(const GrammarPtr& grammar, const Tokenizer& tokenizer,
                 const std::shared_ptr<const Vocabulary>& vocabulary, Rng& rng, int max_tokens);

// Token by token; the reason if it is refused.
std::optional<std::string> refusal(const GrammarPtr& grammar,
                                   const std::shared_ptr<const Vocabulary>& vocabulary,
                                   const std::vector<std::int32_t>& ids, std::int64_t vocab_size);
// Of a text, byte by byte.
bool accepts(const GrammarPtr& grammar, std::string_view text);

// Why a value does not satisfy a schema; "" if it does.
std::string why_invalid(const nlohmann::json& schema, const nlohmann::json& value);

std::vector<std::int32_t> allowed_ids(TokenConstraint& constraint, std::int64_t vocab_size);

}  // namespace sputnik::grammar
