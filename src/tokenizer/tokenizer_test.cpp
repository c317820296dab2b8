#include "tokenizer/tokenizer.h"

#include <gtest/gtest.h>

#include <thread>

#include "tokenizer/tokenizer_testing.h"

namespace sputnik {
namespace {

using Ids = std::vector<std::int32_t>;

// 256 bytes, "ab", then one added token of each kind.
constexpr std::int32_t kAb = 256, kEnd = 257, kThink = 258, kPad = 259, kWord = 260;

TokenizerSpec sample_spec() {
  TokenizerSpec spec = byte_level_spec({{"a", "b"}});
  spec.added_tokens = {added_token(kEnd, "<|eot_id|>"), added_token(kThink, "<think>", false),
                       added_token(kPad, "[PAD1]", false), added_token(kWord, "wörd", false)};
  return spec;
}

Tokenizer sample() {
  auto tokenizer = Tokenizer::from_spec(sample_spec());
  return std::move(tokenizer).value();
}

std::string error_of(TokenizerSpec spec) {
  const auto tokenizer = Tokenizer::from_spec(std::move(spec));
  return tokenizer.ok() ? "" : tokenizer.error().message;
}

TEST(Tokenizer, FindsAddedTokensInTextWhereTheCallerAllowsIt) {
  const Tokenizer tokenizer = sample();
  EXPECT_EQ(tokenizer.encode("ab<|eot_id|>ab<think>[PAD1]wörd", {.parse_special = true}),
            (Ids{kAb, kEnd, kAb, kThink, kPad, kWord}));
}

TEST(Tokenizer, TextCannotForgeControlTokens) {
  const Tokenizer tokenizer = sample();
  for (const char* text : {"<|eot_id|>", "<think>", "[PAD1]"}) {
    const Ids ids = tokenizer.encode(text);
    EXPECT_EQ(ids.size(), std::string_view(text).size());  // its bytes
    EXPECT_EQ(tokenizer.decode(ids), text);
  }
  // A word that was added is text like any other.
  EXPECT_EQ(tokenizer.encode("wörd"), Ids{kWord});
}

TEST(Tokenizer, TextCannotForgeControlTokensOfTheRealVocabularies) {
  for (const std::string_view family : tokenizer_families()) {
    const Tokenizer& tokenizer = family_tokenizer(family);
    int n = 0;
    for (std::int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
      if (!tokenizer.is_control(id)) continue;
      const std::string text(tokenizer.token_bytes(id));
      ASSERT_EQ(tokenizer.encode(text, {.parse_special = true}), Ids{id}) << text;
      for (const auto& around : {text, "a" + text, " " + text + " ", text + text}) {
        const Ids ids = tokenizer.encode(around);
        for (const std::int32_t part : ids) ASSERT_FALSE(tokenizer.is_control(part)) << around;
        ASSERT_EQ(tokenizer.decode(ids), around);
      }
      ++n;
    }
    EXPECT_GT(n, 10) << family;
  }
}

TEST(Tokenizer, WordsThatArePiecesCannotBeControlTokensEither) {
  TokenizerSpec spec = byte_level_spec({{"<", "s"}, {"<s", ">"}});
  spec.added_tokens = {added_token(257, "<s>")};
  EXPECT_EQ(error_of(spec),
            "merges[1], \"<s\" and \">\": one of them or the two together are not in vocab");
  spec.merges.pop_back();
  spec.ignore_merges = true;
  spec.pre_tokenizer[0].use_regex = false;
  EXPECT_EQ(Tokenizer::from_spec(spec).value().encode("<s>"), (Ids{256, '>'}));
}

TEST(Tokenizer, BeginsWithBosOnRequestIfThereIsOne) {
  TokenizerSpec spec = sample_spec();
  EXPECT_EQ(sample().encode("ab", {.add_bos = true}), Ids{kAb});
  spec.bos_id = kEnd;
  const Tokenizer tokenizer = Tokenizer::from_spec(spec).value();
  EXPECT_EQ(tokenizer.encode("ab", {.add_bos = true}), (Ids{kEnd, kAb}));
  EXPECT_EQ(tokenizer.encode("", {.add_bos = true}), Ids{kEnd});
}

TEST(Tokenizer, KnowsWhichTokensBeginAndEndTextsByName) {
  TokenizerSpec spec = sample_spec();
  spec.added_tokens.push_back(added_token(261, "<|begin_of_text|>"));
  spec.added_tokens.push_back(added_token(262, "<|end_of_text|>"));
  const Tokenizer tokenizer = Tokenizer::from_spec(spec).value();
  EXPECT_EQ(tokenizer.bos_id(), 261);
  EXPECT_EQ(tokenizer.eos_id(), 262);
  EXPECT_EQ(Ids(tokenizer.end_ids().begin(), tokenizer.end_ids().end()), (Ids{kEnd, 262}));
  EXPECT_FALSE(tokenizer.add_bos_by_default());
  spec.eos_id = kThink;
  spec.end_ids = {kAb, kThink};
  const Tokenizer told = Tokenizer::from_spec(spec).value();
  EXPECT_EQ(Ids(told.end_ids().begin(), told.end_ids().end()), (Ids{kAb, kEnd, kThink, 262}));
}

TEST(Tokenizer, TheRealVocabulariesKnowTheirEnds) {
  const auto names = [](std::string_view family) {
    const Tokenizer& tokenizer = family_tokenizer(family);
    std::string text(tokenizer.bos_id() ? tokenizer.token_bytes(*tokenizer.bos_id()) : "none");
    for (const std::int32_t id : tokenizer.end_ids()) {
      text += fmt::format(" {}", tokenizer.token_bytes(id));
    }
    return text;
  };
  EXPECT_EQ(names("deepseek-v3"), "<｜begin▁of▁sentence｜> <｜end▁of▁sentence｜> <|EOT|>");
  EXPECT_EQ(names("qwen2.5"), "none <|endoftext|> <|im_end|>");
  EXPECT_EQ(names("llama-3.1"), "<|begin_of_text|> <|end_of_text|> <|eot_id|>");
}

TEST(Tokenizer, GivesTheBytesOfTokensAndTheTokenOfBytes) {
  const Tokenizer tokenizer = sample();
  EXPECT_EQ(tokenizer.vocab_size(), 261);
  EXPECT_EQ(tokenizer.token_bytes(kAb), "ab");
  EXPECT_EQ(tokenizer.token_bytes(0xE9), "\xE9");
  EXPECT_EQ(tokenizer.token_bytes(-1), "");
  EXPECT_EQ(tokenizer.token_bytes(261), "");
  EXPECT_EQ(tokenizer.id_of("ab"), kAb);
  EXPECT_EQ(tokenizer.id_of("<think>"), kThink);
  EXPECT_EQ(tokenizer.id_of("abc"), std::nullopt);
  EXPECT_EQ(tokenizer.id_of(""), std::nullopt);
  EXPECT_TRUE(tokenizer.is_special(kEnd));
  EXPECT_FALSE(tokenizer.is_special(kThink));
  EXPECT_TRUE(tokenizer.is_control(kThink));
  EXPECT_FALSE(tokenizer.is_control(kWord));
  EXPECT_FALSE(tokenizer.is_control(1'000'000));
  EXPECT_EQ(tokenizer.decode(Ids{kAb, kEnd, kThink}, {.skip_special = true}), "ab<think>");
}

TEST(Tokenizer, AnyBytesComeBack) {
  Rng rng(1);
  for (const std::string_view family : tokenizer_families()) {
    const Tokenizer& tokenizer = family_tokenizer(family);
    const bool nfc = family.find("qwen") != std::string_view::npos;
    for (int i = 0; i < 1'000; ++i) {
      std::string text = random_bytes(rng, random_below(rng, 100));
      // Those that no UTF-8 holds have no piece in all of these vocabularies.
      std::erase_if(text, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte == 0xC0 || byte == 0xC1 || byte >= 0xF5;
      });
      const Ids ids = tokenizer.encode(text);
      ASSERT_TRUE(nfc || tokenizer.decode(ids) == text) << family;
      ASSERT_EQ(tokenizer.encode(text, {.parse_special = true}), ids) << family;
    }
  }
}

// Words of a text are encoded one by one, so the ids of a text are those of its lines.
TEST(Tokenizer, LinesThatNothingJoinsAreEncodedAsIfAlone) {
  const Tokenizer& tokenizer = family_tokenizer("deepseek-v3");
  const std::string text = read_tokenizer_data("text/english.txt.zst").substr(0, 200'000);
  Ids expected;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find("\n", begin), text.size() - 1) + 1;
    const Ids line = tokenizer.encode(std::string_view(text).substr(begin, end - begin));
    expected.insert(expected.end(), line.begin(), line.end());
    begin = end;
  }
  EXPECT_EQ(tokenizer.encode(text), expected);
  EXPECT_EQ(tokenizer.decode(expected), text);
}

TEST(Tokenizer, ManyThreadsMayUseOne) {
  const Tokenizer& tokenizer = family_tokenizer("qwen2.5");
  const auto vectors = load_encode_vectors("qwen2.5");
  std::vector<int> n_wrong(4);
  std::vector<std::thread> threads;
  for (int& wrong : n_wrong) {
    threads.emplace_back([&] {
      for (const EncodeVector& vector : vectors) {
        wrong += tokenizer.encode(vector.text, {.parse_special = true}) != vector.ids;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(n_wrong, std::vector<int>(4));
}

// What takes quadratic time somewhere takes minutes here.
TEST(Tokenizer, AMegabyteOfOneLetterIsNoTrouble) {
  const Tokenizer& tokenizer = family_tokenizer("deepseek-v3");
  for (const std::string_view unit : {"a", " ", "\n", "<", "\u4f60", "'", "\u0301"}) {
    std::string text;
    while (text.size() < 1'000'000) text += unit;
    ASSERT_EQ(tokenizer.decode(tokenizer.encode(text)), text) << unit;
  }
}

TEST(Tokenizer, RefusesSpecificationsThatContradictThemselves) {
  const auto with_added = [](AddedToken token) {
    TokenizerSpec spec = sample_spec();
    spec.added_tokens.push_back(std::move(token));
    return error_of(std::move(spec));
  };
  EXPECT_EQ(error_of(sample_spec()), "");
  EXPECT_EQ(with_added(added_token(300, "")), "added token 300 is empty");
  EXPECT_EQ(with_added(added_token(300, std::string(2000, 'x'))),
            "added token 300 has 2000 bytes, at most 1024 are possible");
  EXPECT_EQ(with_added(added_token(256, "xy")), "the id 256 belongs to \"ab\" and to \"xy\"");
  EXPECT_EQ(with_added(added_token(300, "<think>")), "the token \"<think>\" is added twice");
  EXPECT_EQ(with_added(added_token(kThink, "<other>")), "the id 258 is added twice");
  EXPECT_EQ(with_added(added_token(1'000'000'000, "<x>")),
            "the added token \"<x>\" has the id 1000000000, but there are only 262 tokens");
  EXPECT_EQ(with_added(added_token(-1, "<x>")),
            "the added token \"<x>\" has the id -1, but there are only 262 tokens");

  TokenizerSpec spec = sample_spec();
  for (std::int32_t id = 261; id < 1400; ++id) {
    spec.added_tokens.push_back(added_token(id, std::string(1000, 'x') + std::to_string(id)));
  }
  EXPECT_EQ(error_of(spec), "the added tokens have more than 1048576 bytes together");

  spec = sample_spec();
  spec.bos_id = 261;
  EXPECT_EQ(error_of(spec), "BOS is 261, but there are 261 tokens");
  spec = sample_spec();
  spec.end_ids = {-7};
  EXPECT_EQ(error_of(spec), "an end token is -7, but there are 261 tokens");
  spec = sample_spec();
  spec.pieces.push_back("ab");
  EXPECT_EQ(error_of(spec), "the id 257 belongs to \"ab\" and to \"<|eot_id|>\"");
  spec.added_tokens.clear();
  EXPECT_EQ(error_of(spec), "the pieces 256 and 257 are the same: \"ab\"");
}

TEST(Tokenizer, AddedTokensThatLookLikeOtherBytesLeaveThoseAlone) {
  // "ø" spells the byte 0xF8 in the alphabet, and is two other bytes as text.
  TokenizerSpec spec = byte_level_spec({{"\xC3", "\xB8"}});
  spec.pieces[0xF8] = "";
  AddedToken token = added_token(257, "ø", false);
  spec.added_tokens = {token};
  const Tokenizer tokenizer = Tokenizer::from_spec(spec).value();
  EXPECT_EQ(tokenizer.encode("ø"), Ids{257});
  EXPECT_EQ(tokenizer.decode(Ids{257, 256}), "øø");
}

}  // namespace
}  // namespace sputnik
