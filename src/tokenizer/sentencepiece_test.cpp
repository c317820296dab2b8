#include "tokenizer/sentencepiece.h"

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "tokenizer/tokenizer_testing.h"

namespace sputnik {
namespace {

using Ids = std::vector<std::int32_t>;
using Pieces = std::vector<std::pair<std::string, float>>;

// <unk>, the bytes as 1 .. 256, then the pieces.
TokenizerSpec spec_of(const Pieces& pieces) {
  TokenizerSpec spec;
  spec.model = TokenizerModel::kSentencePieceBpe;
  spec.pieces.emplace_back();
  spec.added_tokens.push_back(added_token(0, "<unk>"));
  spec.unknown_id = 0;
  spec.scores.assign(257, 0.0f);
  for (int byte = 0; byte < 256; ++byte) {
    spec.byte_ids[static_cast<std::size_t>(byte)] = byte + 1;
    spec.pieces.push_back(fmt::format("<0x{:02X}>", byte));
  }
  for (const auto& [piece, score] : pieces) {
    spec.pieces.push_back(piece);
    spec.scores.push_back(score);
  }
  return spec;
}

Tokenizer make(TokenizerSpec spec) {
  auto tokenizer = Tokenizer::from_spec(std::move(spec));
  return std::move(tokenizer).value();
}

std::vector<std::string> pieces_of(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<std::string> pieces;
  for (const std::int32_t id : tokenizer.encode(text))
    pieces.emplace_back(tokenizer.token_bytes(id));
  return pieces;
}

// The definition: the neighbours whose joint piece has the highest score merge, the leftmost first.
std::vector<std::string> merge_by_definition(const Pieces& pieces, std::string_view text) {
  std::vector<std::string> parts;
  for (const char c : text) parts.emplace_back(1, c);
  for (;;) {
    const std::pair<std::string, float>* best = nullptr;
    std::size_t place = 0;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      for (const auto& piece : pieces) {
        if (piece.first != parts[i] + parts[i + 1]) continue;
        if (best == nullptr || piece.second > best->second) best = &piece, place = i;
        break;
      }
    }
    if (best == nullptr) return parts;
    parts[place] += parts[place + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(place) + 1);
  }
}

TEST(SentencePiece, MergesByScoreAsDefined) {
  Rng rng(1);
  for (int round = 0; round < 30; ++round) {
    Pieces pieces = {{"a", -1}, {"b", -2}, {"c", -3}};
    while (pieces.size() < 40) {
      const std::string piece = pieces[random_below(rng, pieces.size())].first +
                                pieces[random_below(rng, pieces.size())].first;
      const auto known = [&](const auto& p) { return p.first == piece; };
      if (piece.size() > 10 || std::any_of(pieces.begin(), pieces.end(), known)) continue;
      // Few different scores, so that ties come up.
      pieces.emplace_back(piece, -static_cast<float>(random_below(rng, 12)));
    }
    TokenizerSpec spec = spec_of(pieces);
    spec.add_space_prefix = false;
    const Tokenizer tokenizer = make(std::move(spec));
    for (int i = 0; i < 50; ++i) {
      std::string text;
      for (std::size_t n = 1 + random_below(rng, 60); text.size() < n;) {
        text += "abc"[random_below(rng, 3)];
      }
      ASSERT_EQ(pieces_of(tokenizer, text), merge_by_definition(pieces, text)) << text;
    }
  }
}

// Where no piece holds two bytes side by side, text is cut: characters must stay whole even so.
TEST(SentencePiece, CutsNoCharacterWhereNothingCanMerge) {
  const Tokenizer tokenizer = make(spec_of({{"\u2581", -1}, {"\u4f60", -2}, {"a\u2581", -3}}));
  EXPECT_EQ(tokenizer.encode("\u4f60\u597da a"),
            (Ids{257, 258, 1 + 0xE5, 1 + 0xA5, 1 + 0xBD, 259, 1 + 'a'}));
}

TEST(SentencePiece, WhatHasNoPieceBecomesBytes) {
  const Tokenizer tokenizer = make(spec_of({{"\u2581", -1}, {"a", -2}}));
  EXPECT_EQ(tokenizer.encode("a\u00e9"), (Ids{257, 258, 1 + 0xC3, 1 + 0xA9}));
  EXPECT_EQ(tokenizer.encode("\xFF"), (Ids{257, 1 + 0xFF}));
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("a\u00e9\n")), "a\u00e9\n");
}

TEST(SentencePiece, WithoutByteTokensTheUnknownOneStandsForThem) {
  TokenizerSpec spec = spec_of({{"a", -1}});
  spec.byte_ids.fill(-1);
  spec.add_space_prefix = false;
  EXPECT_EQ(make(spec).encode("ab"), (Ids{257, 0}));
  spec.unknown_id = -1;
  EXPECT_EQ(make(spec).encode("ab"), (Ids{257}));
}

TEST(SentencePiece, TheNameOfAByteIsText) {
  const Tokenizer tokenizer =
      make(spec_of({{"<", -1}, {"0", -1}, {"x", -1}, {"A", -1}, {">", -1}}));
  EXPECT_EQ(tokenizer.encode("<0x0A>").size(), 7u);
}

TEST(SentencePiece, ReadsTextAsIfItBeganWithASpace) {
  const Pieces pieces = {{"\u2581", -1}, {"a", -2}, {"\u2581a", -3}};
  const Tokenizer tokenizer = make(spec_of(pieces));
  EXPECT_EQ(tokenizer.encode("a"), (Ids{259}));
  EXPECT_EQ(tokenizer.encode(" a"), (Ids{257, 259}));
  EXPECT_EQ(tokenizer.encode("\u2581a"), (Ids{257, 259}));  // shown and plain spaces are the same
  EXPECT_EQ(tokenizer.encode(""), Ids{});
  EXPECT_EQ(tokenizer.decode(Ids{259, 259}), "a a");
  EXPECT_EQ(tokenizer.decode(Ids{257, 259}), " a");
  TokenizerSpec spec = spec_of(pieces);
  spec.add_space_prefix = false;
  EXPECT_EQ(make(spec).encode("a"), (Ids{258}));
  EXPECT_EQ(make(spec).decode(Ids{259}), " a");
}

// As llama.cpp does, whose GGUF files these are.
TEST(SentencePiece, TextAfterASpecialTokenBeginsWithASpaceToo) {
  TokenizerSpec spec = spec_of({{"\u2581", -1}, {"a", -2}, {"\u2581a", -3}});
  spec.added_tokens.push_back(added_token(260, "<s>"));
  const Tokenizer tokenizer = make(spec);
  EXPECT_EQ(tokenizer.encode("a<s>a", {.parse_special = true}), (Ids{259, 260, 259}));
}

TEST(SentencePiece, RefusesScoresThatAreMissingOrNoNumbers) {
  TokenizerSpec spec = spec_of({{"a", -1}});
  spec.scores.back() = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(Tokenizer::from_spec(spec).error().message, "the score of piece 257 is not finite");
  spec.scores.pop_back();
  EXPECT_EQ(Tokenizer::from_spec(spec).error().message, "257 scores for 258 pieces");
  spec = spec_of({});
  spec.byte_ids[7] = 1000;
  EXPECT_EQ(Tokenizer::from_spec(spec).error().message,
            "byte 0x07 is token 1000, but there are 257");
}

}  // namespace
}  // namespace sputnik
