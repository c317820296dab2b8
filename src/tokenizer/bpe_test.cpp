#include "tokenizer/bpe.h"

#include <gtest/gtest.h>

#include <map>

#include "tokenizer/tokenizer_testing.h"

namespace sputnik {
namespace {

using Merges = std::vector<std::pair<std::string, std::string>>;
using Ids = std::vector<std::int32_t>;

// Every text is one word.
Tokenizer one_word_tokenizer(const Merges& merges, bool ignore_merges = false) {
  TokenizerSpec spec = byte_level_spec(merges);
  spec.pre_tokenizer[0].use_regex = false;
  spec.ignore_merges = ignore_merges;
  auto tokenizer = Tokenizer::from_spec(std::move(spec));
  return std::move(tokenizer).value();
}

// The definition: of all neighbours that can merge, those of the first merge in the list do, the
// leftmost first.
std::vector<std::string> merge_by_definition(const Merges& merges, std::string_view word) {
  std::map<std::pair<std::string, std::string>, std::size_t> ranks;
  for (std::size_t rank = 0; rank < merges.size(); ++rank) ranks.emplace(merges[rank], rank);
  std::vector<std::string> pieces;
  for (const char c : word) pieces.emplace_back(1, c);
  for (;;) {
    std::size_t best = merges.size(), place = 0;
    for (std::size_t i = 0; i + 1 < pieces.size(); ++i) {
      const auto merge = ranks.find({pieces[i], pieces[i + 1]});
      if (merge != ranks.end() && merge->second < best) best = merge->second, place = i;
    }
    if (best == merges.size()) return pieces;
    pieces[place] += pieces[place + 1];
    pieces.erase(pieces.begin() + static_cast<std::ptrdiff_t>(place) + 1);
  }
}

std::vector<std::string> pieces_of(const Tokenizer& tokenizer, std::string_view word) {
  std::vector<std::string> pieces;
  for (const std::int32_t id : tokenizer.encode(word)) {
    pieces.emplace_back(tokenizer.token_bytes(id));
  }
  return pieces;
}

std::string random_word(Rng& rng, std::string_view letters, std::size_t n) {
  std::string word;
  while (word.size() < n) word += letters[random_below(rng, letters.size())];
  return word;
}

// Pairs of pieces that earlier ones made, so that they chain, overlap and compete.
Merges random_merges(Rng& rng, std::string_view letters, std::size_t n, bool in_order = false) {
  std::vector<std::string> pieces;
  for (const char c : letters) pieces.emplace_back(1, c);
  Merges merges;
  while (merges.size() < n) {
    const std::string left = pieces[random_below(rng, pieces.size())];
    const std::string right = pieces[random_below(rng, pieces.size())];
    if (std::find(merges.begin(), merges.end(), std::pair(left, right)) != merges.end()) continue;
    const bool is_known = std::find(pieces.begin(), pieces.end(), left + right) != pieces.end();
    if (in_order && is_known) continue;
    merges.emplace_back(left, right);
    if (left.size() + right.size() < 12 && !is_known) pieces.push_back(left + right);
  }
  if (in_order) return merges;
  // Ranks need not follow the order in which the pieces came about.
  for (std::size_t i = merges.size() - 1; i > 0; --i) {
    std::swap(merges[i], merges[random_below(rng, i + 1)]);
  }
  return merges;
}

// Lengths on both sides of the change from short to long words.
TEST(Bpe, MergesShortAndLongWordsAsDefined) {
  Rng rng(1);
  for (int round = 0; round < 20; ++round) {
    const std::string_view letters = round % 2 == 0 ? "ab" : "abc\xC3\xA9";
    const Merges merges = random_merges(rng, letters, 40);
    const Tokenizer tokenizer = one_word_tokenizer(merges);
    for (const std::size_t n : {1, 2, 3, 7, 8, 9, 16, 17, 31, 32, 33, 47, 48, 49, 50, 64, 200}) {
      for (int i = 0; i < 10; ++i) {
        const std::string word = random_word(rng, letters, n);
        ASSERT_EQ(pieces_of(tokenizer, word), merge_by_definition(merges, word)) << word;
      }
    }
  }
}

// Nothing merges with "x": what lies between must come out as if it were alone.
TEST(Bpe, MergesHugeWordsAsDefined) {
  Rng rng(2);
  for (int round = 0; round < 12; ++round) {
    // Merges in order have a way of their own.
    const Merges merges = random_merges(rng, "ab", round % 3 == 0 ? 6 : 60, round % 2 == 0);
    const Tokenizer tokenizer = one_word_tokenizer(merges);
    std::string word;
    std::vector<std::string> expected;
    while (word.size() < 20'000) {
      const std::string part = random_word(rng, random_below(rng, 4) > 0 ? "ab" : "a",
                                           1 + random_below(rng, word.empty() ? 600 : 40));
      word += part + "x";
      for (std::string& piece : merge_by_definition(merges, part)) {
        expected.push_back(std::move(piece));
      }
      expected.emplace_back("x");
    }
    ASSERT_EQ(pieces_of(tokenizer, word), expected) << round;
  }
}

// Each place where "ab" is made, "abc" must be made before the next one.
TEST(Bpe, MergesOutOfOrderTakeNoQuadraticTime) {
  const Tokenizer tokenizer = one_word_tokenizer({{"ab", "c"}, {"a", "b"}});
  std::string word;
  for (int i = 0; i < 300'000; ++i) word += "abc";
  EXPECT_EQ(tokenizer.encode(word), Ids(300'000, *tokenizer.id_of("abc")));
}

TEST(Bpe, EncodesAWordThatIsAPieceAsThatOnlyIfMergingMakesIt) {
  // "abc" is a piece, but the merge of "bc" comes first, and "a" + "bc" is none.
  const Merges merges = {{"b", "c"}, {"a", "b"}, {"ab", "c"}};
  const Tokenizer tokenizer = one_word_tokenizer(merges);
  EXPECT_EQ(tokenizer.encode("abc"), (Ids{'a', *tokenizer.id_of("bc")}));
  const Tokenizer ignoring = one_word_tokenizer(merges, /*ignore_merges=*/true);
  EXPECT_EQ(ignoring.encode("abc"), (Ids{*ignoring.id_of("abc")}));
  EXPECT_EQ(ignoring.encode("abca"), (Ids{'a', *ignoring.id_of("bc"), 'a'}));
}

TEST(Bpe, TheLaterOfTwoEqualMergesCounts) {
  // As in the published libraries, whose tables keep what was written last.
  const Merges merges = {{"a", "b"}, {"b", "c"}, {"a", "b"}};
  const Tokenizer tokenizer = one_word_tokenizer(merges);
  EXPECT_EQ(tokenizer.encode("abc"), (Ids{'a', *tokenizer.id_of("bc")}));
}

TEST(Bpe, BytesThatNoTextHoldsNeedNoPiece) {
  TokenizerSpec spec = byte_level_spec({});
  for (const int byte : {0xC0, 0xC1, 0xF5, 0xFF}) spec.pieces[static_cast<std::size_t>(byte)] = "";
  const auto tokenizer = Tokenizer::from_spec(spec);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
  EXPECT_EQ(tokenizer.value().encode("a\xC0z"), (Ids{'a', 0xEF, 0xBF, 0xBD, 'z'}));
  spec.pieces['q'] = "";
  EXPECT_EQ(Tokenizer::from_spec(spec).error().message, "vocab has no piece for the byte 0x71");
}

TEST(Bpe, RefusesMergesOfPiecesThatAreNotThere) {
  TokenizerSpec spec = byte_level_spec({{"a", "b"}});
  spec.merges.push_back({"ab", "c"});
  EXPECT_EQ(Tokenizer::from_spec(spec).error().message,
            "merges[1], \"ab\" and \"c\": one of them or the two together are not in vocab");
  spec.merges[1] = {"a b", "c"};  // a space is not a letter of the alphabet
  EXPECT_FALSE(Tokenizer::from_spec(spec).ok());
}

TEST(Bpe, AlphabetSpellsEveryByteAndNothingElse) {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  EXPECT_EQ(bytes_of_letters(letters_of_bytes(bytes)), bytes);
  EXPECT_EQ(bytes_of_letters("\u0120a"), " a");
  EXPECT_EQ(bytes_of_letters("\u010a"), "\n");
  for (const char* text : {" ", "\n", "\u00ad", "\u0144", "\u4e00", "\xff"}) {
    EXPECT_EQ(bytes_of_letters(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace sputnik
