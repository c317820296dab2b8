#include "tokenizer/pre_tokenizer.h"

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "tokenizer/pcre2_testing.h"
#include "tokenizer/tokenizer_testing.h"

namespace sputnik {
namespace {

std::vector<std::string> split(const PreTokenizer& pre_tokenizer, std::string_view text) {
  std::vector<std::string> words;
  pre_tokenizer.split(text, [&](std::string_view word) { words.emplace_back(word); });
  return words;
}

PreTokenizer named(std::string_view name) {
  auto known = named_pre_tokenizer(name);
  return PreTokenizer::create(std::move(known).value().steps).value();
}

PreTokenizerStep step_of(std::string_view pattern) {
  PreTokenizerStep step;
  step.pattern = std::string(pattern);
  return step;
}

std::string error_of(std::string_view pattern) {
  const PreTokenizerStep step = step_of(pattern);
  const auto result = PreTokenizer::create({&step, 1});
  return result.ok() ? "" : result.error().message;
}

// The patterns as they stand in the models' tokenizer.json, and for the first three models in
// llama.cpp's list. Written out here once more, to be compared with and not shared.
using Patterns = std::vector<std::string_view>;
constexpr std::string_view kTail = R"( ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

Patterns published_patterns(std::string_view name) {
  static const std::string kLlama3 =
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|)" + std::string(kTail);
  static const std::string kQwen2 =
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|)" + std::string(kTail);
  if (name == "gpt-2") {
    return {R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)"};
  }
  if (name == "llama-bpe") return {kLlama3};
  if (name == "qwen2") return {kQwen2};
  if (name == "deepseek-v3") {
    return {R"(\p{N}{1,3})", "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
            R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|)"
            R"([^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|)"
            R"(\s+(?!\S)|\s+)"};
  }
  if (name == "deepseek-coder") {
    return {"[\r\n]", R"(\s?\p{L}+)", R"(\s?\p{P}+)", "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+",
            R"(\p{N})"};
  }
  EXPECT_EQ(name, "deepseek-llm");
  return {"[\r\n]",
          "\\s?[A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-\u01bf\u01c4-\u0293"
          "\u0295-\u02af\u0370-\u0373\u0376\u0377\u037b-\u037d\u037f\u0386\u0388-\u038a\u038c"
          "\u038e-\u03a1\u03a3-\u03f5\u03f7-\u0481\u048a-\u052f\u0531-\u0556\u10a0-\u10c5"
          "\u13a0-\u13f5\u13f8-\u13fd\u1c90-\u1cba\u1cbd-\u1cbf\u1d00-\u1d2b\u1d6b-\u1d77"
          "\u1d79-\u1d9a\u1e00-\u1f15\u1f18-\u1f1d\u1f20-\u1f45\u1f48-\u1f4d\u1f50-\u1f57\u1f59"
          "\u1f5b\u1f5d\u1f5f-\u1f7d\u1f80-\u1fb4\u1fb6-\u1fbc\u1fbe\u1fc2-\u1fc4\u1fc6-\u1fcc"
          "\u1fd0-\u1fd3\u1fd6-\u1fdb\u1fe0-\u1fec\u1ff2-\u1ff4\u1ff6-\u1ffc\u2102\u2107"
          "\u210a-\u2113\u2115\u2119-\u211d\u2124\u2126\u2128\u212a-\u212d\u212f-\u2134\u2139"
          "\u213c-\u213f\u2145-\u2149\u214e\u2183\u2184\u2c00-\u2c7b\u2c7e-\u2ce4\u2ceb-\u2cee"
          "\u2cf2\u2cf3\ua640-\ua66d\ua680-\ua69b\ua722-\ua76f\ua771-\ua787\ua78b-\ua78e"
          "\uab70-\uabbf\ufb00-\ufb06\ufb13-\ufb17\uff21-\uff3a\uff41-\uff5a"
          "\U00010400-\U0001044f\U000104b0-\U000104d3\U000104d8-\U000104fb\U00010c80-\U00010cb2"
          "\U00010cc0-\U00010cf2\U000118a0-\U000118df\U0001e900-\U0001e943]+",
          "\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+",
          "\\s+$",
          "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+",
          "\\p{N}+"};
}

// Which code points are letters differs between versions of Unicode, and whether U+180E is a space.
std::string without_what_engines_disagree_about(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const DecodedCodePoint c = decode_utf8(text);
    const std::string_view bytes = text.substr(0, c.n_bytes);
    text.remove_prefix(c.n_bytes);
    if (c.code_point != 0x180E && !find_all(R"(\P{Cn})", bytes).empty()) out += bytes;
  }
  return out;
}

class Patterned : public testing::TestWithParam<std::string_view> {};

TEST_P(Patterned, PreTokenizersCutTextAsTheirPatternsDo) {
  const PreTokenizer pre_tokenizer = named(GetParam());
  const Patterns patterns = published_patterns(GetParam());
  Rng rng(1);
  for (int i = 0; i < 20'000; ++i) {
    const std::string text =
        without_what_engines_disagree_about(random_text(rng, 1 + random_below(rng, 24)));
    ASSERT_EQ(split(pre_tokenizer, text), split_by_patterns(patterns, text)) << text;
  }
}

TEST_P(Patterned, PreTokenizersCoverAnyBytesWithoutGap) {
  const PreTokenizer pre_tokenizer = named(GetParam());
  Rng rng(2);
  for (int i = 0; i < 5'000; ++i) {
    const std::string text = random_bytes(rng, random_below(rng, 64));
    std::size_t end = 0;
    pre_tokenizer.split(text, [&](std::string_view word) {
      ASSERT_FALSE(word.empty());
      ASSERT_EQ(word.data(), text.data() + end);
      end += word.size();
    });
    ASSERT_EQ(end, text.size());
  }
}

INSTANTIATE_TEST_SUITE_P(Names, Patterned,
                         testing::Values("gpt-2", "llama-bpe", "qwen2", "deepseek-v3",
                                         "deepseek-coder", "deepseek-llm"));

TEST(PreTokenizer, CutsEnglishIntoWords) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(split(named("gpt-2"), "I'll pay  $12.50, I'LL!"),
            (Words{"I", "'ll", " pay", " ", " $", "12", ".", "50", ",", " I", "'", "LL", "!"}));
  EXPECT_EQ(split(named("llama-bpe"), "I'LL pay 12345\n\n  x"),
            (Words{"I", "'LL", " pay", " ", "123", "45", "\n\n", " ", " x"}));
  EXPECT_EQ(split(named("qwen2"), "a 123"), (Words{"a", " ", "1", "2", "3"}));
  EXPECT_EQ(split(named("deepseek-v3"), "if(x==1234)你好 ok"),
            (Words{"if", "(x", "==", "123", "4", ")", "你好", " ok"}));
}

TEST(PreTokenizer, StagesLookAtNothingOutsideOfTheirPiece) {
  // The spaces before a number end their piece, so they stay together; before a letter one of them
  // goes with it.
  using Words = std::vector<std::string>;
  EXPECT_EQ(split(named("deepseek-v3"), "a   1"), (Words{"a", "   ", "1"}));
  EXPECT_EQ(split(named("deepseek-v3"), "a   b"), (Words{"a", "  ", " b"}));
}

TEST(PreTokenizer, RefusesPatternsThatItDoesNotKnowAndShowsThem) {
  EXPECT_EQ(error_of("(a+)+$"),
            "pre-tokenizer pattern \"(a+)+$\": the pattern is not one that is known");
  EXPECT_EQ(error_of(""), "pre-tokenizer pattern \"\": the pattern is not one that is known");
  EXPECT_LT(error_of(std::string(100'000, 'x')).size(), 200u);
  const auto named_nothing = named_pre_tokenizer("mine");
  ASSERT_FALSE(named_nothing.ok());
  EXPECT_EQ(named_nothing.error().code, ErrorCode::kUnsupported);
  EXPECT_TRUE(named_nothing.error().message.starts_with("\"mine\" is not a known pre-tokenizer"));
}

TEST(PreTokenizer, ReadsNewlinesInPatternsEscapedOrNot) {
  EXPECT_EQ(error_of("[\r\n]"), "");
  EXPECT_EQ(error_of("[\\r\\n]"), "");
}

TEST(PreTokenizer, PutsASpaceBeforeTextOnlyWhereItIsAlone) {
  PreTokenizerStep byte_level;
  byte_level.kind = PreTokenizerStep::Kind::kByteLevel;
  byte_level.add_prefix_space = true;
  EXPECT_TRUE(PreTokenizer::create({&byte_level, 1}).value().add_prefix_space());
  const PreTokenizerStep both[] = {step_of("\\p{N}"), byte_level};
  EXPECT_FALSE(PreTokenizer::create(both).ok());
}

TEST(RunPattern, ReadsItsGrammarAndNothingElse) {
  for (const char* pattern : {"\\p{N}{1,3}", "[\\r\\n]", "\\s?\\p{L}+", "\\s+$", "[a-zA-Z]+",
                              "[\\p{L}\\p{M}]", "[!-/:-~]+", "[\\-\\]]+"}) {
    EXPECT_TRUE(RunPattern::parse(pattern).ok()) << pattern;
  }
  for (const char* pattern : {"",
                              "a",
                              "[]",
                              "[^a]",
                              "[a",
                              "[a-]",
                              "[z-a]",
                              "\\p{L}*",
                              "\\p{L}++",
                              "\\p{N}{2,3}",
                              "\\p{N}{1,}",
                              "\\p{N}{3,1}",
                              "\\p{N}{1,99999999999}",
                              "\\s?\\s+$",
                              "\\p{N}{1,3}$",
                              "\\d+",
                              "[\\d]",
                              "\\s?",
                              "[\xff]",
                              "\\p{L}|\\p{N}"}) {
    EXPECT_FALSE(RunPattern::parse(pattern).ok()) << pattern;
  }
}

TEST(RunPattern, CutsAsTheEngineDoes) {
  Rng rng(3);
  for (const char* pattern : {"\\p{N}{1,3}", "[\\r\\n]", "\\s?\\p{L}+", "\\s+$", "[a-mA-M0-5]+",
                              "[\\p{L}\\p{M}]{1,2}", "\\s?[!-/:-~\u3000-\u3002]+", "\\p{S}"}) {
    const PreTokenizerStep step = step_of(pattern);
    const auto pre_tokenizer = PreTokenizer::create({&step, 1}).value();
    for (int i = 0; i < 1'000; ++i) {
      const std::string text =
          without_what_engines_disagree_about(random_text(rng, random_below(rng, 20)));
      ASSERT_EQ(split(pre_tokenizer, text), split_by_pattern(pattern, text)) << pattern << text;
    }
  }
}

}  // namespace
}  // namespace sputnik
