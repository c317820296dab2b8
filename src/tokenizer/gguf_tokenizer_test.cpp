#include "tokenizer/gguf_tokenizer.h"

#include <gtest/gtest.h>

#include "formats/gguf.h"
#include "tokenizer/bpe_trainer.h"
#include "tokenizer/pre_tokenizer.h"
#include "tokenizer/tokenizer_testing.h"

namespace sputnik {
namespace {

// A GGUF file that holds a tokenizer and nothing else.
Bytes file_of(const GgufKeys& keys) {
  Bytes bytes;
  append_text(bytes, "GGUF");
  append(bytes, std::uint32_t{3});
  append(bytes, std::uint64_t{0});
  append(bytes, std::uint64_t{keys.size()});
  append_text(bytes, keys.bytes());
  return bytes;
}

Bytes written(const TokenizerSpec& spec, std::int64_t vocab_size) {
  GgufKeys keys;
  const auto result = tokenizer_to_gguf(spec, vocab_size, keys);
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
  return file_of(keys);
}

TokenizerSpec trained_spec() {
  auto trainer = std::move(
      BpeTrainer::create({320, {"<s>", "</s>", "<pad>", "<think>", "</think>"}, 2, {"<think>"}}));
  for (int i = 0; i < 3; ++i)
    trainer.value().add("the cat's 1234 hats\n\n  are the cats' 77 hats, aren't they?");
  TokenizerSpec spec = trainer.value().train();
  spec.bos_id = 0;
  spec.eos_id = 1;
  spec.pad_id = 2;
  spec.add_bos = true;
  spec.chat_template = "{{ messages }}";
  return spec;
}

TEST(TokenizerToGguf, EveryPublishedTokenizerComesBackWithTheSameTokens) {
  std::size_t n_vectors = 0;
  // One of each pre-tokenizer.
  for (const std::string_view family : {"deepseek-r1", "qwen2.5", "llama-3.1"}) {
    const Bytes bytes = written(load_family_spec(family), 200000);
    const auto file = GgufFile::parse(bytes);
    ASSERT_TRUE(file.ok()) << file.error().message;
    const auto tokenizer = Tokenizer::from_gguf(file.value());
    ASSERT_TRUE(tokenizer.ok()) << family << ": " << tokenizer.error().message;
    EXPECT_TRUE(tokenizer.value().eos_id().has_value()) << family;  // found by its name
    for (const EncodeVector& vector : load_encode_vectors(family)) {
      ASSERT_EQ(tokenizer.value().encode(vector.text, {.parse_special = true}), vector.ids)
          << family << " " << vector.category;
      ++n_vectors;
    }
  }
  EXPECT_GT(n_vectors, 500u);
}

TEST(TokenizerToGguf, ATokenizerOfOursIsCutByTheNameThatOthersKnow) {
  const TokenizerSpec spec = trained_spec();
  const Bytes bytes = written(spec, 320);
  const GgufFile file = std::move(GgufFile::parse(bytes)).value();
  EXPECT_EQ(file.metadata().get_string("tokenizer.ggml.pre").value(), "smollm");
  const Tokenizer ours = std::move(Tokenizer::from_spec(spec)).value();
  const Tokenizer read = std::move(Tokenizer::from_gguf(file)).value();
  Rng rng(7);
  for (int i = 0; i < 2000; ++i) {
    const std::string text = random_text(rng, 1 + rng.next() % 40);
    ASSERT_EQ(read.encode(text), ours.encode(text)) << text;
  }
}

TEST(TokenizerToGguf, TokensHaveTheTypesThatProgramsActOn) {
  const Bytes bytes = written(trained_spec(), 330);
  const GgufFile file = std::move(GgufFile::parse(bytes)).value();
  const auto types = file.metadata().get_i64_array("tokenizer.ggml.token_type").value();
  const auto tokens = file.metadata().get_string_array("tokenizer.ggml.tokens").value();
  ASSERT_EQ(types.size(), 330u);
  ASSERT_EQ(tokens.size(), 330u);
  EXPECT_EQ(types[0], 3);  // control
  EXPECT_EQ(types[2], 3);
  EXPECT_EQ(types[3], 4);    // user-defined: <think> is not marked special
  EXPECT_EQ(types[4], 4);    // </think> is, and is to be seen all the same
  EXPECT_EQ(types[5], 1);    // a byte
  EXPECT_EQ(types[329], 5);  // unused
  EXPECT_EQ(tokens[329], "[PAD329]");
  EXPECT_EQ(tokens[0], "<s>");
}

TEST(TokenizerToGguf, SaysWhatBeginsAndEndsTexts) {
  TokenizerSpec spec = trained_spec();
  spec.end_ids = {1, 4, 5};
  const Bytes bytes = written(spec, 320);
  const GgufFile file = std::move(GgufFile::parse(bytes)).value();
  const GgufMetadata& metadata = file.metadata();
  EXPECT_EQ(metadata.get_i64("tokenizer.ggml.bos_token_id").value(), 0);
  EXPECT_EQ(metadata.get_i64("tokenizer.ggml.eos_token_id").value(), 1);
  EXPECT_EQ(metadata.get_i64("tokenizer.ggml.padding_token_id").value(), 2);
  EXPECT_EQ(metadata.get_i64("tokenizer.ggml.eot_token_id").value(), 4);
  EXPECT_EQ(metadata.get_i64("tokenizer.ggml.eom_token_id").value(), 5);
  EXPECT_TRUE(metadata.get_bool("tokenizer.ggml.add_bos_token").value());
  EXPECT_FALSE(metadata.get_bool("tokenizer.ggml.add_eos_token").value());
  EXPECT_EQ(metadata.get_string("tokenizer.chat_template").value(), "{{ messages }}");
  const TokenizerSpec read = std::move(tokenizer_spec_from_gguf(metadata)).value();
  EXPECT_EQ(read.bos_id, spec.bos_id);
  EXPECT_EQ(read.pad_id, spec.pad_id);
  EXPECT_EQ(read.add_bos, spec.add_bos);
  EXPECT_EQ(read.end_ids, (std::vector<std::int32_t>{4, 5}));
}

TEST(TokenizerToGguf, RefusesWhatGgufCannotSay) {
  const std::size_t n = trained_spec().pieces.size();
  const auto error_of = [](const TokenizerSpec& spec, std::size_t vocab_size = 320) {
    GgufKeys keys;
    const auto result = tokenizer_to_gguf(spec, static_cast<std::int64_t>(vocab_size), keys);
    return result.ok() ? std::string("none") : result.error().message;
  };
  EXPECT_EQ(error_of(trained_spec(), n), "none");
  EXPECT_EQ(error_of(trained_spec(), n - 1),
            fmt::format("the tokenizer has {} tokens, the model has {}", n, n - 1));
  TokenizerSpec spec = trained_spec();
  spec.nfc = true;
  EXPECT_NE(error_of(spec).find("no name in GGUF means this pre-tokenizer"), std::string::npos);
  spec = trained_spec();
  spec.pre_tokenizer[0].individual_digits = false;
  EXPECT_NE(error_of(spec).find("no name in GGUF"), std::string::npos);
  spec = trained_spec();
  spec.added_tokens[0].lstrip = true;
  EXPECT_EQ(error_of(spec), "added token \"<s>\" swallows what stands beside it");
  spec = trained_spec();
  spec.end_ids = {4, 5, 6};
  EXPECT_EQ(error_of(spec), "4 tokens that end an answer");
  spec = trained_spec();
  spec.merges.push_back({"nothing", "known"});
  EXPECT_NE(error_of(spec), "none");
  spec = trained_spec();
  spec.model = TokenizerModel::kSentencePieceBpe;
  EXPECT_EQ(error_of(spec), "only byte-level BPE is written");
}

TEST(PreTokenizerName, EveryNameThatIsWrittenMeansWhatItWasWrittenFor) {
  for (const std::string_view name :
       {"deepseek-v3", "deepseek-llm", "deepseek-coder", "qwen2", "llama-bpe", "smollm", "gpt-2"}) {
    const NamedPreTokenizer steps = std::move(named_pre_tokenizer(name)).value();
    const auto found = pre_tokenizer_name(steps);
    ASSERT_TRUE(found.ok()) << found.error().message;
    EXPECT_EQ(found.value(), name);
  }
}

}  // namespace
}  // namespace sputnik
