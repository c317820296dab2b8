#include "tokenizer/bpe_trainer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tokenizer/tokenizer_testing.h"

namespace sputnik {
namespace {

const std::vector<std::string> kControl = {"<bos>", "<eos>", "<think>", "</think>"};

std::vector<std::string> sample_texts() {
  std::vector<std::string> texts = {
      "the cat sat on the mat, and the rat sat on the cat. that is that!",
      "aaaaaaa aaaa aaa aa banana bananas bandana ababababab abab",
      "12 + 345 = 357, and 357 - 12 is 345 again; 2024-11-23",
      "der Fluß, die Flüsse; 深度求索 深度 求索 \U0001F600\U0001F600",
  };
  Rng rng(3);
  for (int i = 0; i < 20; ++i) texts.push_back(random_text(rng, 60));
  return texts;
}

TokenizerSpec trained(std::int64_t vocab_size, const std::vector<std::string>& texts) {
  BpeTrainer trainer = std::move(BpeTrainer::create({vocab_size, kControl, 2})).value();
  for (const std::string& text : texts) trainer.add(text);
  return trainer.train();
}

// The definition: all pairs are counted again before every merge.
std::vector<std::pair<std::string, std::string>> merges_by_definition(
    const TokenizerSpec& spec, const std::vector<std::string>& texts, std::size_t n) {
  std::map<std::string, std::size_t> ids;
  for (std::size_t id = kControl.size(); id < kControl.size() + 256; ++id)
    ids[spec.pieces[id]] = id;
  std::vector<std::vector<std::string>> words;
  const PreTokenizer pre_tokenizer = PreTokenizer::create(spec.pre_tokenizer).value();
  for (const std::string& text : texts) {
    pre_tokenizer.split(text, [&](std::string_view word) {
      std::vector<std::string> pieces;
      for (const char c : word) pieces.push_back(letters_of_bytes(std::string(1, c)));
      if (word.size() <= 128) words.push_back(std::move(pieces));
    });
  }
  std::vector<std::pair<std::string, std::string>> merges;
  while (merges.size() < n) {
    std::map<std::pair<std::size_t, std::size_t>, int> counts;
    for (const auto& word : words) {
      for (std::size_t i = 0; i + 1 < word.size(); ++i) ++counts[{ids[word[i]], ids[word[i + 1]]}];
    }
    int best = 1;
    std::pair<std::string, std::string> pair;
    for (const auto& [key, count] : counts) {
      if (count <= best) continue;
      best = count;
      for (const auto& [piece, id] : ids) {
        if (id == key.first) pair.first = piece;
        if (id == key.second) pair.second = piece;
      }
    }
    if (best < 2) break;
    merges.push_back(pair);
    ids.emplace(pair.first + pair.second, ids.size() + kControl.size());
    for (auto& word : words) {
      for (std::size_t i = 0; i + 1 < word.size(); ++i) {
        if (word[i] != pair.first || word[i + 1] != pair.second) continue;
        word[i] += word[i + 1];
        word.erase(word.begin() + static_cast<std::ptrdiff_t>(i) + 1);
      }
    }
  }
  return merges;
}

TEST(BpeTrainer, MergesAreThoseOfTheDefinition) {
  const auto texts = sample_texts();
  const TokenizerSpec spec = trained(400, texts);
  const auto expected = merges_by_definition(spec, texts, spec.merges.size());
  ASSERT_GT(spec.merges.size(), 100u);
  ASSERT_EQ(expected.size(), spec.merges.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(spec.merges[i].left, expected[i].first) << i;
    EXPECT_EQ(spec.merges[i].right, expected[i].second) << i;
  }
}

TEST(BpeTrainer, WhatItWritesIsReadBackAndReturnsEveryText) {
  const auto texts = sample_texts();
  const std::string json = tokenizer_json_of(trained(500, texts));
  const auto spec = parse_tokenizer_json(json);
  ASSERT_TRUE(spec.ok()) << spec.error().message;
  const auto tokenizer = Tokenizer::from_spec(spec.value());
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
  std::size_t n_bytes = 0, n_tokens = 0;
  for (const std::string& text : texts) {
    const auto ids = tokenizer.value().encode(text);
    EXPECT_EQ(tokenizer.value().decode(ids), text);
    n_bytes += text.size();
    n_tokens += ids.size();
  }
  EXPECT_LT(n_tokens, n_bytes * 7 / 10);
  Rng rng(5);
  for (int i = 0; i < 50; ++i) {
    const std::string bytes = random_bytes(rng, 40);
    EXPECT_EQ(tokenizer.value().decode(tokenizer.value().encode(bytes)), bytes);
  }
  for (std::size_t id = 0; id < kControl.size(); ++id) {
    EXPECT_EQ(tokenizer.value().id_of(kControl[id]), static_cast<std::int32_t>(id));
    EXPECT_TRUE(tokenizer.value().is_special(static_cast<std::int32_t>(id)));
  }
}

TEST(BpeTrainer, EveryDigitIsATokenOfItsOwn) {
  const auto tokenizer =
      Tokenizer::from_spec(trained(400, {"2024 2024 2024 2024", "x2024 x2024"})).value();
  EXPECT_EQ(tokenizer.encode("2024").size(), 4u);
}

TEST(BpeTrainer, TheOrderOfTheTextsChangesNothing) {
  auto texts = sample_texts();
  const std::string one = tokenizer_json_of(trained(450, texts));
  std::reverse(texts.begin(), texts.end());
  EXPECT_EQ(tokenizer_json_of(trained(450, texts)), one);
}

TEST(BpeTrainer, StopsWhenNoPairIsFrequentEnough) {
  const TokenizerSpec spec = trained(4096, {"ab ab cd"});
  ASSERT_EQ(spec.merges.size(), 1u);  // "ab"; " ab" and " cd" came once
  EXPECT_EQ(spec.merges[0].left + spec.merges[0].right, "ab");
}

TEST(BpeTrainer, TokensThatAreToBeSeenAreNotMarkedSpecial) {
  const BpeTrainer trainer =
      std::move(BpeTrainer::create({300, kControl, 2, {"<think>", "</think>"}})).value();
  const Tokenizer tokenizer = std::move(Tokenizer::from_spec(trainer.train())).value();
  EXPECT_TRUE(tokenizer.is_special(0));
  EXPECT_FALSE(tokenizer.is_special(2));
  EXPECT_TRUE(tokenizer.is_control(2));  // and yet nobody can type one
  EXPECT_NE(tokenizer.encode("<think>"), std::vector<std::int32_t>{2});
}

TEST(BpeTrainer, RefusesAVocabularyWithoutRoom) {
  EXPECT_FALSE(BpeTrainer::create({259, kControl, 2}).ok());
  EXPECT_TRUE(BpeTrainer::create({260, kControl, 2}).ok());
  EXPECT_FALSE(BpeTrainer::create({300, {"<a>", "<a>"}, 2}).ok());
}

}  // namespace
}  // namespace sputnik
