// Tokenizer::load and what it says of files that are not as they should be.
#include <gtest/gtest.h>

#include "tokenizer/tokenizer_testing.h"

namespace sputnik {
namespace {

using Ids = std::vector<std::int32_t>;

TokenizerSpec sample_spec() {
  TokenizerSpec spec = byte_level_spec({{"a", "b"}, {"ab", "c"}});
  spec.added_tokens = {added_token(258, "<s>"), added_token(259, "</s>"),
                       added_token(260, "<think>", false)};
  return spec;
}

std::string error_of(const Result<Tokenizer>& tokenizer) {
  return tokenizer.ok() ? "" : tokenizer.error().message;
}

// Whatever was made of a broken file must be usable.
void use(const Tokenizer& tokenizer) {
  const Ids ids =
      tokenizer.encode("abc <s> \xFF\u4f60 123", {.parse_special = true, .add_bos = true});
  for (const std::int32_t id : ids) ASSERT_LT(id, tokenizer.vocab_size());
  (void)tokenizer.decode(ids);
}

TEST(TokenizerLoad, ReadsATokenizerJsonOrItsFolder) {
  const TestFolder folder;
  const auto path = folder.write("tokenizer.json", tokenizer_json_of(sample_spec()));
  for (const auto& given : {path, folder.path()}) {
    const auto tokenizer = Tokenizer::load(given);
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
    EXPECT_EQ(tokenizer.value().encode("abcab"), (Ids{257, 256}));
    EXPECT_EQ(tokenizer.value().bos_id(), 258);  // by name
  }
}

TEST(TokenizerLoad, ReadsWhatStandsBesideIt) {
  const TestFolder folder;
  folder.write("tokenizer.json", tokenizer_json_of(sample_spec()));
  folder.write("tokenizer_config.json",
               R"({"bos_token": {"content": "<think>"}, "eos_token": "<s>", "add_bos_token": true,
                   "chat_template": "{{ messages }}"})");
  folder.write("generation_config.json", R"({"eos_token_id": [258, 3]})");
  const auto tokenizer = Tokenizer::load(folder.path());
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
  EXPECT_EQ(tokenizer.value().bos_id(), 260);
  EXPECT_EQ(tokenizer.value().eos_id(), 258);
  EXPECT_TRUE(tokenizer.value().add_bos_by_default());
  const auto ends = tokenizer.value().end_ids();
  EXPECT_EQ(Ids(ends.begin(), ends.end()), (Ids{3, 258, 259}));
  EXPECT_EQ(tokenizer.value().chat_template(), "{{ messages }}");
}

TEST(TokenizerLoad, ReadsATemplateFromAFileOfItsOwn) {
  const TestFolder folder;
  folder.write("tokenizer.json", tokenizer_json_of(sample_spec()));
  folder.write("chat_template.jinja", "{{ bos_token }}");
  EXPECT_EQ(Tokenizer::load(folder.path()).value().chat_template(), "{{ bos_token }}");
}

TEST(TokenizerLoad, NamesTheFileThatIsWrong) {
  const TestFolder folder;
  const std::string missing = (folder.path() / "tokenizer.json").string();
  EXPECT_TRUE(error_of(Tokenizer::load(folder.path())).starts_with(missing + ": "));
  EXPECT_EQ(Tokenizer::load(missing).error().code, ErrorCode::kNotFound);

  folder.write("tokenizer.json", "");
  EXPECT_EQ(error_of(Tokenizer::load(folder.path())), missing + ": not JSON: error at byte 1");
  folder.write("tokenizer.json", "{}");
  EXPECT_EQ(error_of(Tokenizer::load(folder.path())), missing + ": model is missing");
  TokenizerSpec spec = sample_spec();
  spec.merges.push_back({"a", "z"});
  folder.write("tokenizer.json", tokenizer_json_of(spec));
  EXPECT_EQ(
      error_of(Tokenizer::load(folder.path())),
      missing + ": merges[2], \"a\" and \"z\": one of them or the two together are not in vocab");

  folder.write("tokenizer.json", tokenizer_json_of(sample_spec()));
  const std::string config = (folder.path() / "tokenizer_config.json").string();
  folder.write("tokenizer_config.json", "{\"bos_token\": ");
  EXPECT_TRUE(error_of(Tokenizer::load(folder.path())).starts_with(config + ": "));
  folder.write("tokenizer_config.json", "{\"add_bos_token\": 1}");
  EXPECT_EQ(error_of(Tokenizer::load(folder.path())),
            config + ": add_bos_token is an integer, not a boolean");
  folder.write("tokenizer_config.json", "{}");
  folder.write("generation_config.json", "{\"eos_token_id\": -2}");
  EXPECT_EQ(error_of(Tokenizer::load(folder.path())),
            (folder.path() / "generation_config.json").string() + ": eos_token_id is -2");
  folder.write("generation_config.json", "{\"eos_token_id\": 261}");
  EXPECT_EQ(error_of(Tokenizer::load(folder.path())),
            missing + ": an end token is 261, but there are 261 tokens");
}

TEST(TokenizerLoad, EveryCutOfAFileIsOneError) {
  const std::string json = tokenizer_json_of(sample_spec());
  for (std::size_t n = 0; n < json.size(); ++n) {
    const auto spec = parse_tokenizer_json(std::string_view(json).substr(0, n));
    ASSERT_FALSE(spec.ok());
    ASSERT_EQ(spec.error().code, ErrorCode::kCorrupt);
    ASSERT_TRUE(spec.error().message.starts_with("not JSON: error at byte "))
        << spec.error().message;
  }
}

TEST(TokenizerLoad, ARealFileCutAnywhereIsOneError) {
  const std::string json = read_tokenizer_data("deepseek-v3/tokenizer.json.zst");
  Rng rng(1);
  for (int i = 0; i < 10; ++i) {
    const auto spec = parse_tokenizer_json(json.substr(0, random_below(rng, json.size())));
    ASSERT_FALSE(spec.ok());
  }
}

TEST(TokenizerLoad, AnyByteMayBeWrong) {
  const std::string json = tokenizer_json_of(sample_spec());
  Rng rng(2);
  int n_ok = 0;
  for (int i = 0; i < 3'000; ++i) {
    std::string broken = json;
    for (std::size_t n = 1 + random_below(rng, 3); n > 0; --n) {
      char& c = broken[random_below(rng, broken.size())];
      c = static_cast<char>(c ^ (1 << random_below(rng, 8)));
    }
    auto spec = parse_tokenizer_json(broken);
    if (!spec.ok()) continue;
    const auto tokenizer = Tokenizer::from_spec(std::move(spec).value());
    if (!tokenizer.ok()) continue;
    use(tokenizer.value());
    ++n_ok;
  }
  EXPECT_GT(n_ok, 0);
}

TEST(TokenizerLoad, AGgufFileIsReadFromItsMetadata) {
  const TestFolder folder;
  const auto path = folder.write("model.gguf", gguf_of_spec(sample_spec(), "gpt-2"));
  const auto tokenizer = Tokenizer::load(path);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
  EXPECT_EQ(tokenizer.value().encode("abc<s>", {.parse_special = true}), (Ids{257, 258}));
  EXPECT_EQ(tokenizer.value().encode("<s>"), (Ids{'<', 's', '>'}));
}

TEST(TokenizerLoad, AnyByteOfAGgufMayBeWrongOrMissing) {
  const Bytes bytes = gguf_of_spec(sample_spec(), "deepseek-v3");
  Rng rng(3);
  for (int i = 0; i < 3'000; ++i) {
    Bytes broken = bytes;
    if (i % 4 == 0) broken.resize(random_below(rng, broken.size()));
    for (std::size_t n = i % 4; n > 0; --n) {
      broken[random_below(rng, broken.size())] ^= std::byte(1 << random_below(rng, 8));
    }
    const auto file = GgufFile::parse(broken);
    if (!file.ok()) continue;
    const auto tokenizer = Tokenizer::from_gguf(file.value());
    if (tokenizer.ok()) use(tokenizer.value());
  }
}

TEST(TokenizerLoad, AGgufWithoutATokenizerSaysWhatIsMissing) {
  const TestFolder folder;
  const auto message = [&](const GgufWriter& writer) {
    const auto path = folder.write("model.gguf", writer.bytes());
    const std::string error = error_of(Tokenizer::load(path));
    EXPECT_TRUE(error.starts_with(path.string() + ": ")) << error;
    return error.substr(std::min(error.size(), path.string().size() + 2));
  };
  const auto base = [](std::string_view model) {
    GgufWriter writer;
    writer.add_string("tokenizer.ggml.model", model);
    return writer;
  };
  EXPECT_EQ(message(GgufWriter()), "tokenizer.ggml.model is missing");
  EXPECT_EQ(message(base("bert")), "tokenizer.ggml.model is \"bert\": gpt2 and llama are read");
  EXPECT_EQ(message(base("gpt2")), "tokenizer.ggml.tokens is missing");
  EXPECT_EQ(message(base("llama")), "tokenizer.ggml.tokens is missing");
  EXPECT_TRUE(message(base("gpt2").add_string("tokenizer.ggml.pre", "mine"))
                  .starts_with("tokenizer.ggml.pre: \"mine\" is not a known pre-tokenizer"));
  EXPECT_EQ(message(base("gpt2").add_string_array("tokenizer.ggml.tokens", {"a"})),
            "tokenizer.ggml.merges is missing");
  EXPECT_EQ(
      message(base("gpt2")
                  .add_string_array("tokenizer.ggml.tokens", {"a"})
                  .add_array<std::int32_t>("tokenizer.ggml.token_type", GgufType::kInt32, {1, 1})),
      "tokenizer.ggml.token_type has 2 elements for 1 tokens");
  EXPECT_EQ(message(base("gpt2")
                        .add_string_array("tokenizer.ggml.tokens", {"a"})
                        .add_string_array("tokenizer.ggml.merges", {"ab"})),
            "tokenizer.ggml.merges[0] is not two pieces with a space between them");
  EXPECT_EQ(message(base("llama").add_string_array("tokenizer.ggml.tokens", {"a"})),
            "tokenizer.ggml.scores is missing");
  EXPECT_EQ(
      message(base("llama")
                  .add_string_array("tokenizer.ggml.tokens", {"a", "<0xZZ>"})
                  .add_array<std::int32_t>("tokenizer.ggml.token_type", GgufType::kInt32, {1, 6})),
      "tokenizer.ggml.tokens[1]: \"<0xZZ>\" is marked as a byte, but is not written <0x00>");
  EXPECT_EQ(message(base("llama")
                        .add_string_array("tokenizer.ggml.tokens", {"a"})
                        .add_array<float>("tokenizer.ggml.scores", GgufType::kFloat32, {0})
                        .add_i32("tokenizer.ggml.bos_token_id", -5)),
            "tokenizer.ggml.bos_token_id is -5");
}

TEST(TokenizerLoad, AGgufFileSaysWhichTokensBeginAndEnd) {
  const auto tokenizer_of = [](const GgufWriter& writer) {
    const Bytes bytes = writer.bytes();
    return Tokenizer::from_gguf(GgufFile::parse(bytes).value());
  };
  GgufWriter writer;
  writer.add_string("tokenizer.ggml.model", "llama");
  writer.add_string_array("tokenizer.ggml.tokens",
                          {"<unk>", "<s>", "</s>", "\u2581a", "\u2581\u2581"});
  writer.add_array<float>("tokenizer.ggml.scores", GgufType::kFloat32, {0, 0, 0, -1, 0});
  writer.add_array<std::int32_t>("tokenizer.ggml.token_type", GgufType::kInt32, {2, 3, 3, 1, 4});
  writer.add_u32("tokenizer.ggml.bos_token_id", 1).add_u32("tokenizer.ggml.eos_token_id", 2);
  writer.add_u32("tokenizer.ggml.eot_token_id", 0xFFFFFFFF);  // "none", as some files have it
  writer.add_u32("tokenizer.ggml.unknown_token_id", 0);
  const auto tokenizer = tokenizer_of(writer);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
  EXPECT_EQ(tokenizer.value().bos_id(), 1);
  EXPECT_EQ(tokenizer.value().eos_id(), 2);
  EXPECT_EQ(tokenizer.value().end_ids().size(), 1u);
  EXPECT_TRUE(tokenizer.value().add_bos_by_default());
  EXPECT_TRUE(tokenizer.value().is_special(0));
  // User-defined spaces are found as text has them.
  EXPECT_EQ(tokenizer.value().encode("  "), Ids{4});
  EXPECT_EQ(tokenizer.value().token_bytes(4), "  ");
}

}  // namespace
}  // namespace sputnik
