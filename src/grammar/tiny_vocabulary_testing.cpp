#include "grammar/tiny_vocabulary_testing.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tokenizer/tokenizer_testing.h"

namespace sputnik::grammar {
namespace {

constexpr std::string_view kPieces[] = {
    "{\"", "\":",  "\": \"", "\",",      "\", \"", "\"}",  "\"]",           "},",     "}}",   "]}",
    "],",  "[{\"", "[[",     "\n\n",     "  ",     "\n  ", "true",          "false",  "null", "12",
    "0.5", "-1",   "e+",     "ab",       "abc",    "a\"",  "\\\"",          "\\n",    "\\u",  "ä",
    "é",   "\xE4", "日本",   "\xB8\xAD", "😀",      "name", "<tool_call>\n", "</tool", ", ",   ": ",
    "{}",  "[]",   "\"\"",   "function",
};

}  // namespace

const Tokenizer& tiny_tokenizer() {
  static const Tokenizer tokenizer = [] {
    std::vector<std::pair<std::string, std::string>> merges;
    std::map<std::string, bool> made;
    for (const std::string_view piece : kPieces) {
      for (std::size_t n = 2; n <= piece.size(); ++n) {
        const std::string whole(piece.substr(0, n));
        if (!made.emplace(whole, true).second) continue;
        merges.emplace_back(whole.substr(0, n - 1), whole.substr(n - 1));
      }
    }
    TokenizerSpec spec = byte_level_spec(merges);
    const auto n = static_cast<std::int32_t>(spec.pieces.size());
    spec.added_tokens = {added_token(n, "<call>"), added_token(n + 1, "</call>"),
                         added_token(n + 2, "<end>")};
    return Tokenizer::from_spec(std::move(spec)).value();
  }();
  return tokenizer;
}

std::int32_t tiny_id(std::string_view bytes) {
  return tiny_tokenizer().id_of(bytes).value();
}

std::shared_ptr<const Vocabulary> tiny_vocabulary() {
  // Five ids more than there are tokens, as models have.
  static const auto vocabulary =
      Vocabulary::create(tiny_tokenizer(), {tiny_id("<end>")}, tiny_tokenizer().vocab_size() + 5);
  return vocabulary;
}

}  // namespace sputnik::grammar
