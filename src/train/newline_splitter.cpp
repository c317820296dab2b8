#include "train/newline_splitter.h"

namespace sputnik {

NewlineSplitter::NewlineSplitter(const Tokenizer& tokenizer)
    : halves_(static_cast<std::size_t>(tokenizer.vocab_size()), {-1, -1}) {
  for (std::int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    const std::string bytes(tokenizer.token_bytes(id));
    const std::size_t begin = bytes.find_first_of("\r\n");
    if (begin == 0 || begin == std::string::npos) continue;
    if (bytes.find_first_not_of("\r\n", begin) != std::string::npos) continue;
    const auto first = tokenizer.id_of(bytes.substr(0, begin));
    const auto second = tokenizer.id_of(bytes.substr(begin));
    if (first && second) halves_[static_cast<std::size_t>(id)] = {*first, *second};
  }
}

void NewlineSplitter::split(TokenDocument& document, double rate, Rng& rng) const {
  if (rate <= 0) return;
  TokenDocument result;
  result.tokens.reserve(document.tokens.size());
  result.counts.reserve(document.tokens.size());
  for (std::size_t i = 0; i < document.tokens.size(); ++i) {
    const std::int32_t token = document.tokens[i];
    const auto [first, second] = halves_[static_cast<std::size_t>(token)];
    const bool is_split = first >= 0 && rng.uniform() < rate;
    result.tokens.push_back(is_split ? first : token);
    result.counts.push_back(document.counts[i]);
    if (!is_split) continue;
    result.tokens.push_back(second);
    result.counts.push_back(document.counts[i]);
  }
  document = std::move(result);
}

}  // namespace sputnik
