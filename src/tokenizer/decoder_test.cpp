#include "tokenizer/decoder.h"

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "tokenizer/tokenizer_testing.h"

namespace sputnik {
namespace {

using Ids = std::vector<std::int32_t>;

// A tokenizer whose tokens are these parts of text, whatever bytes they hold, after the 256 bytes.
Tokenizer tokenizer_of(const std::vector<std::string>& parts) {
  TokenizerSpec spec = byte_level_spec({});
  for (const std::string& part : parts) spec.pieces.push_back(letters_of_bytes(part));
  spec.added_tokens.push_back(
      added_token(static_cast<std::int32_t>(spec.pieces.size()), "<|end|>"));
  auto tokenizer = Tokenizer::from_spec(std::move(spec));
  return std::move(tokenizer).value();
}

// Two, three and four bytes a character; a family of four joined to one; malformed bytes.
const std::string kTexts[] = {"a\u00e9z",
                              "\u4f60\u597d, \u4e16\u754c!",
                              "\U0001F999.cpp",
                              "\U0001F468\u200d\U0001F469\u200d\U0001F467",
                              "x\xFFy\xE4\xB8z\xF0\x9F",
                              "\xED\xA0\x80",
                              "\xC3\xC3\xA9"};

TEST(StreamDecoder, NeverEmitsHalfACharacterWhereverTextIsCut) {
  for (const std::string& text : kTexts) {
    for (std::size_t i = 0; i <= text.size(); ++i) {
      for (std::size_t j = i; j <= text.size(); ++j) {
        std::vector<std::string> parts;
        for (const auto& part : {text.substr(0, i), text.substr(i, j - i), text.substr(j)}) {
          if (part.size() > 1 && std::find(parts.begin(), parts.end(), part) == parts.end()) {
            parts.push_back(part);
          }
        }
        const Tokenizer tokenizer = tokenizer_of(parts);
        StreamDecoder decoder(tokenizer);
        std::string decoded;
        for (const auto& part : {text.substr(0, i), text.substr(i, j - i), text.substr(j)}) {
          if (part.empty()) continue;
          const std::string more = decoder.push(*tokenizer.id_of(part));
          ASSERT_TRUE(is_valid_utf8(more)) << i << " " << j;
          decoded += more;
        }
        decoded += decoder.flush();
        ASSERT_EQ(decoded, sanitize_utf8(text)) << i << " " << j;
      }
    }
  }
}

TEST(StreamDecoder, EmitsACharacterWithTheByteThatCompletesIt) {
  const Tokenizer tokenizer = tokenizer_of({});
  StreamDecoder decoder(tokenizer);
  EXPECT_EQ(decoder.push(0xF0), "");
  EXPECT_EQ(decoder.push(0x9F), "");
  EXPECT_EQ(decoder.push(0xA6), "");
  EXPECT_EQ(decoder.push(0x99), "\U0001F999");
  EXPECT_EQ(decoder.push('a'), "a");
  EXPECT_EQ(decoder.flush(), "");
}

TEST(StreamDecoder, ReplacesWhatIsNeverCompleted) {
  const Tokenizer tokenizer = tokenizer_of({});
  StreamDecoder decoder(tokenizer);
  EXPECT_EQ(decoder.push(0xE4), "");
  EXPECT_EQ(decoder.push('a'), "\uFFFDa");
  EXPECT_EQ(decoder.push(0xE4), "");
  EXPECT_EQ(decoder.flush(), "\uFFFD");
  EXPECT_EQ(decoder.push('b'), "b");  // as new
}

TEST(StreamDecoder, SpecialTokensAreLeftOutOnRequest) {
  const Tokenizer tokenizer = tokenizer_of({});
  const std::int32_t end = *tokenizer.id_of("<|end|>");
  StreamDecoder all(tokenizer), some(tokenizer, {.skip_special = true});
  EXPECT_EQ(all.push(end), "<|end|>");
  EXPECT_EQ(some.push(end), "");
  EXPECT_EQ(some.push('a'), "a");
}

TEST(StreamDecoder, IdsWithoutATokenAreNothing) {
  const Tokenizer tokenizer = tokenizer_of({});
  StreamDecoder decoder(tokenizer);
  EXPECT_EQ(decoder.push(-1), "");
  EXPECT_EQ(decoder.push(1'000'000), "");
}

TEST(StreamDecoder, TakesTheSpaceOffTheBeginningThatEncodingPutThere) {
  TokenizerSpec spec;
  spec.model = TokenizerModel::kSentencePieceBpe;
  spec.byte_ids.fill(-1);
  spec.pieces = {"", "\u2581a", "b"};
  spec.scores = {0, -1, -2};
  spec.added_tokens.push_back(added_token(0, "<s>"));
  const Tokenizer tokenizer = Tokenizer::from_spec(std::move(spec)).value();
  StreamDecoder beginning(tokenizer, {.skip_special = true, .at_start = true});
  for (int i = 0; i < 2; ++i) {  // after flush() once more
    EXPECT_EQ(beginning.push(0), "");
    EXPECT_EQ(beginning.push(1), "a");
    EXPECT_EQ(beginning.push(1), " a");
    EXPECT_EQ(beginning.flush(), "");
  }
  StreamDecoder continuation(tokenizer);
  EXPECT_EQ(continuation.push(1), " a");
  EXPECT_EQ(tokenizer.decode(Ids{0, 1, 1}), "<s>a a");
}

TEST(StreamDecoder, GivesWhatDecodeGives) {
  Rng rng(1);
  const Tokenizer& tokenizer = family_tokenizer("deepseek-v3");
  for (int i = 0; i < 2'000; ++i) {
    Ids ids;
    for (std::size_t n = random_below(rng, 12); n > 0; --n) {
      ids.push_back(static_cast<std::int32_t>(
          random_below(rng, static_cast<std::size_t>(tokenizer.vocab_size()))));
    }
    for (const bool skip : {false, true}) {
      StreamDecoder decoder(tokenizer, {.skip_special = skip, .at_start = true});
      std::string text;
      for (const std::int32_t id : ids) text += decoder.push(id);
      text += decoder.flush();
      ASSERT_EQ(text, sanitize_utf8(tokenizer.decode(ids, {.skip_special = skip})));
    }
  }
}

}  // namespace
}  // namespace sputnik
