// What the published tokenizers make of texts: every vector of tests/tokenizers, to the id.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/utf8.h"
#include "tokenizer/decoder.h"
#include "tokenizer/tokenizer_testing.h"

namespace sputnik {
namespace {

std::string streamed(const Tokenizer& tokenizer, const std::vector<std::int32_t>& ids) {
  StreamDecoder decoder(tokenizer, {.at_start = true});
  std::string text;
  for (const std::int32_t id : ids) {
    const std::string more = decoder.push(id);
    EXPECT_TRUE(is_valid_utf8(more));
    text += more;
  }
  return text + decoder.flush();
}

void expect_vectors(const Tokenizer& tokenizer, const std::vector<EncodeVector>& vectors) {
  std::size_t n_special = 0;
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    const EncodeVector& vector = vectors[i];
    SCOPED_TRACE(fmt::format("vector {} ({}): \"{}\"", i, vector.category, vector.text));
    EXPECT_EQ(tokenizer.encode(vector.text, {.parse_special = true}), vector.ids);
    EXPECT_EQ(tokenizer.decode(vector.ids), vector.decoded);
    EXPECT_EQ(tokenizer.decode(vector.ids, {.skip_special = true}), vector.decoded_skip_special);
    EXPECT_EQ(streamed(tokenizer, vector.ids), vector.decoded);
    // Text alone must not become a control token; where there is none, nothing else may change.
    const auto plain = tokenizer.encode(vector.text);
    const auto is_control = [&](std::int32_t id) { return tokenizer.is_control(id); };
    EXPECT_TRUE(std::none_of(plain.begin(), plain.end(), is_control));
    EXPECT_EQ(tokenizer.decode(plain), vector.decoded);
    if (std::none_of(vector.ids.begin(), vector.ids.end(), is_control)) {
      EXPECT_EQ(plain, vector.ids);
    } else {
      ++n_special;
    }
  }
  EXPECT_GT(n_special, 10u);
}

// GoogleTest wants letters, digits and underscores.
std::string test_name(const testing::TestParamInfo<std::string_view>& param) {
  std::string name(param.param);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '-' || c == '.'; }, '_');
  return name;
}

class Vectors : public testing::TestWithParam<std::string_view> {};

TEST_P(Vectors, OfTokenizerJsonMatch) {
  const auto vectors = load_encode_vectors(GetParam());
  ASSERT_EQ(vectors.size(), 731u);
  expect_vectors(family_tokenizer(GetParam()), vectors);
}

// What a GGUF file holds of a tokenizer is less than tokenizer.json, and must be enough.
TEST_P(Vectors, OfTokenizerJsonMatchThroughGguf) {
  const std::string_view family = GetParam();
  const std::string_view pre = family.starts_with("deepseek") ? "deepseek-v3"
                               : family == "r1-distill-qwen"  ? "deepseek-r1-qwen"
                               : family == "qwen2.5"          ? "qwen2"
                                                              : "llama-bpe";
  const Bytes bytes = gguf_of_spec(load_family_spec(family), pre);
  const auto file = GgufFile::parse(bytes);
  ASSERT_TRUE(file.ok()) << file.error().message;
  const auto tokenizer = Tokenizer::from_gguf(file.value());
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
  expect_vectors(tokenizer.value(), load_encode_vectors(family));
}

INSTANTIATE_TEST_SUITE_P(Families, Vectors, testing::ValuesIn(tokenizer_families()), test_name);

void expect_llama_cpp_vectors(const Tokenizer& tokenizer, std::string_view name) {
  const auto vectors = load_llama_cpp_vectors(name);
  ASSERT_EQ(vectors.size(), 46u);
  for (const auto& [text, ids] : vectors) {
    SCOPED_TRACE(fmt::format("\"{}\"", text));
    EXPECT_EQ(tokenizer.encode(text), ids);
    EXPECT_EQ(tokenizer.decode(ids), text);
  }
}

class LlamaCppVectors : public testing::TestWithParam<std::string_view> {};

TEST_P(LlamaCppVectors, MatchWithTheGgufVocabulary) {
  expect_llama_cpp_vectors(load_llama_cpp_tokenizer(GetParam()), GetParam());
}

INSTANTIATE_TEST_SUITE_P(Vocabularies, LlamaCppVectors,
                         testing::Values("deepseek-llm", "deepseek-coder", "gpt-2", "llama-spm"),
                         test_name);

TEST(LlamaCppTexts, MatchWithTheTokenizersOfTheSameVocabularies) {
  expect_llama_cpp_vectors(family_tokenizer("r1-distill-qwen"), "deepseek-r1-qwen");
  expect_llama_cpp_vectors(family_tokenizer("qwen2.5"), "qwen2");
  expect_llama_cpp_vectors(family_tokenizer("llama-3.1"), "llama-bpe");
}

}  // namespace
}  // namespace sputnik
