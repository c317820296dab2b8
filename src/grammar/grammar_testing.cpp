#include "grammar/grammar_testing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tokenizer/tokenizer_testing.h"

namespace sputnik::grammar {
std::shared_ptr<const Vocabulary> family_vocabulary(std::string_view family) {
  static std::map<std::string, std::shared_ptr<const Vocabulary>, std::less<>> made;
  auto& vocabulary = made[std::string(family)];
  if (vocabulary == nullptr) {
    const Tokenizer& tokenizer = family_tokenizer(family);
    const auto ends = tokenizer.end_ids();
    vocabulary = Vocabulary::create(tokenizer, {ends.begin(), ends.end()}, tokenizer.vocab_size());
  }
  return vocabulary;
}

std::vector<std::int32_t> allowed_ids(TokenConstraint& constraint, std::int64_t vocab_size) {
  std::vector<std::uint64_t> mask(mask_words(vocab_size), ~std::uint64_t{0});
  constraint.allowed(mask);
  std::vector<std::int32_t> ids;
  for (std::int64_t id = 0; id < 64 * static_cast<std::int64_t>(mask.size()); ++id) {
    if ((mask[id / 64] >> (id % 64) & 1) == 0) continue;
    EXPECT_LT(id, vocab_size);
    ids.push_back(static_cast<std::int32_t>(id));
  }
  return ids;
}

Walk random_walk(const GrammarPtr& grammar, const Tokenizer& tokenizer,
                 const std::shared_ptr<const Vocabulary>& vocabulary, Rng& rng, int max_tokens) {
  constexpr int kPatience = 3000;
  const std::int64_t vocab_size =
      vocabulary == tiny_vocabulary() ? tokenizer.vocab_size() + 5 : tokenizer.vocab_size();
  const auto constraint = constrain(grammar, vocabulary);
  const auto ends = tokenizer.end_ids();
  const auto is_end = [&](std::int32_t id) {
    return std::find(ends.begin(), ends.end(), id) != ends.end() ||
           tokenizer.token_bytes(id) == "<end>";
  };
  Walk walk;
  for (int n = 0; n < max_tokens + kPatience; ++n) {
    const auto ids = allowed_ids(*constraint, vocab_size);
    EXPECT_FALSE(ids.empty()) << walk.text;
    if (ids.empty()) return walk;
    std::int32_t id = ids[random_below(rng, ids.size())];
    if (n >= max_tokens) {
      // Out: the end, or what closes something or is wanted by these tests' patterns, or at least a
      // single byte.
      std::vector<std::int32_t> best;
      const bool any = rng.uniform() < 0.2;
      int best_rank = 0;
      for (const std::int32_t candidate : ids) {
        const std::string_view piece = tokenizer.token_bytes(candidate);
        const bool is_wanted =
            piece.size() == 1 && std::string_view("\"}]ax1@").find(piece[0]) != piece.npos;
        const int rank = is_end(candidate) ? 3 : is_wanted && !any ? 2 : piece.size() == 1 ? 1 : 0;
        if (rank < best_rank) continue;
        if (rank > best_rank) best.clear();
        best_rank = rank;
        best.push_back(candidate);
      }
      if (best_rank > 0) id = best[random_below(rng, best.size())];
    }
    constraint->accept(id);
    if (is_end(id)) {
      walk.complete = constraint->complete();
      return walk;
    }
    walk.ids.push_back(id);
    walk.text += tokenizer.token_bytes(id);
  }
  ADD_FAILURE() << "no end after " << walk.text.substr(0, 2000);
  return walk;
}

std::optional<std::string> refusal(const GrammarPtr& grammar,
                                   const std::shared_ptr<const Vocabulary>& vocabulary,
                                   const std::vector<std::int32_t>& ids, std::int64_t vocab_size) {
  const auto constraint = constrain(grammar, vocabulary);
  std::vector<std::uint64_t> mask(mask_words(vocab_size));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    constraint->allowed(mask);
    if ((mask[ids[i] / 64] >> (ids[i] % 64) & 1) == 0)
      return "token " + std::to_string(i) + " of " + std::to_string(ids.size());
    constraint->accept(ids[i]);
  }
  if (!constraint->complete()) return "not complete";
  return std::nullopt;
}

bool accepts(const GrammarPtr& grammar, std::string_view text) {
  std::vector<std::int32_t> ids;
  for (const char c : text) ids.push_back(static_cast<std::uint8_t>(c));
  return !refusal(grammar, tiny_vocabulary(), ids, tiny_tokenizer().vocab_size() + 5).has_value();
}

}  // namespace sputnik::grammar
