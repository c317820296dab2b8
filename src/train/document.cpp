#include "train/document.h"

#include <algorithm>

#include "base/rng.h"

namespace sputnik {

std::vector<std::string> ControlTokens::all() {
  std::vector<std::string> tokens;
  for (const std::string_view token :
       {kBos, kEos, kPad, kUser, kAssistant, kThink, kEndThink, kFimBegin, kFimHole, kFimEnd})
    tokens.emplace_back(token);
  return tokens;
}

Result<void> ControlTokens::check(const Tokenizer& tokenizer) {
  for (const std::string& token : all()) {
    if (!tokenizer.id_of(token)) return invalid_argument("the tokenizer has no token {}", token);
  }
  return ok_result();
}

TokenDocument tokenize_document(const Tokenizer& tokenizer, const Document& document) {
  TokenDocument result;
  for (const Document::Part& part : document.parts) {
    if (part.is_control) {
      const auto id = tokenizer.id_of(part.text);
      SPUTNIK_ASSERT(id.has_value());
      result.tokens.push_back(*id);
      result.counts.push_back(part.counts ? 1 : 0);
      continue;
    }
    // Of the whole text: a cut where a mistake begins would announce it.
    std::size_t begin = 0;
    for (const std::int32_t id : tokenizer.encode(part.text)) {
      const std::size_t end = begin + tokenizer.token_bytes(id).size();
      const bool is_mistake =
          std::any_of(part.mistakes.begin(), part.mistakes.end(),
                      [&](const auto& range) { return range.begin < end && begin < range.end; });
      result.tokens.push_back(id);
      result.counts.push_back(part.counts && !is_mistake ? 1 : 0);
      begin = end;
    }
  }
  return result;
}

Document with_middle_at_end(const Document& plain, std::uint64_t seed) {
  SPUTNIK_ASSERT(plain.is_plain);
  std::string text;
  for (const Document::Part& part : plain.parts) {
    if (!part.is_control) text += part.text;
  }
  Rng rng(seed);
  const auto cut = [&] {
    std::size_t at = static_cast<std::size_t>(rng.next() % (text.size() + 1));
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
    return at;
  };
  std::size_t first = cut(), second = cut();
  if (first > second) std::swap(first, second);
  const auto control = [](std::string_view token) {
    return Document::Part{std::string(token), true, true, {}};
  };
  const auto piece = [&](std::size_t begin, std::size_t end) {
    return Document::Part{text.substr(begin, end - begin), false, true, {}};
  };
  Document document;
  document.parts = {control(ControlTokens::kBos),
                    control(ControlTokens::kFimBegin),
                    piece(0, first),
                    control(ControlTokens::kFimHole),
                    piece(second, text.size()),
                    control(ControlTokens::kFimEnd),
                    piece(first, second),
                    control(ControlTokens::kEos)};
  return document;
}

}  // namespace sputnik
