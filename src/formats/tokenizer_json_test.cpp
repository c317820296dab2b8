#include "formats/tokenizer_json.h"

#include <gtest/gtest.h>

namespace sputnik {
namespace {

constexpr std::string_view kByteLevel =
    R"({"type": "ByteLevel", "add_prefix_space": false, "use_regex": true})";

// A file with these members; what is not given is as simple as it may be.
struct Members {
  std::string model = R"({"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]})";
  std::string added_tokens = "[]";
  std::string normalizer = "null";
  std::string pre_tokenizer{kByteLevel};
  std::string post_processor = "null";
};

std::string json_of(const Members& m) {
  return fmt::format(
      R"({{"version": "1.0", "added_tokens": {}, "normalizer": {}, "pre_tokenizer": {},
                         "post_processor": {}, "model": {}}})",
      m.added_tokens, m.normalizer, m.pre_tokenizer, m.post_processor, m.model);
}

TokenizerSpec parse(const Members& members) {
  auto spec = parse_tokenizer_json(json_of(members));
  EXPECT_TRUE(spec.ok()) << (spec.ok() ? "" : spec.error().message);
  return std::move(spec).value();
}

std::string error_of(std::string_view json) {
  const auto spec = parse_tokenizer_json(json);
  return spec.ok() ? "" : spec.error().message;
}

std::string model_error(std::string_view vocab, std::string_view merges,
                        std::string_view more = "") {
  Members members;
  members.model = fmt::format(R"({{"vocab": {}, "merges": {}{}}})", vocab, merges, more);
  return error_of(json_of(members));
}

std::string added_error(std::string_view tokens) {
  Members members;
  members.added_tokens = std::string(tokens);
  return error_of(json_of(members));
}

std::string pre_tokenizer_error(std::string_view pre_tokenizer) {
  Members members;
  members.pre_tokenizer = std::string(pre_tokenizer);
  return error_of(json_of(members));
}

TEST(TokenizerJson, ReadsPiecesAndMergesOfBothSpellings) {
  for (const char* merges : {R"(["a b", "ab c"])", R"([["a", "b"], ["ab", "c"]])"}) {
    Members members;
    members.model = fmt::format(
        R"({{"vocab": {{"ab": 3, "a": 0, "b": 1}}, "merges": {}, "ignore_merges": true}})", merges);
    const TokenizerSpec spec = parse(members);
    EXPECT_EQ(spec.pieces, (std::vector<std::string>{"a", "b", "", "ab"}));
    ASSERT_EQ(spec.merges.size(), 2u);
    EXPECT_EQ(spec.merges[1].left, "ab");
    EXPECT_EQ(spec.merges[1].right, "c");
    EXPECT_TRUE(spec.ignore_merges);
  }
}

TEST(TokenizerJson, ReadsAddedTokensWithTheirFlags) {
  Members members;
  members.added_tokens = R"([{"id": 7, "content": "<s>", "special": true, "lstrip": true},
                             {"id": 8, "content": "word", "single_word": true, "rstrip": true}])";
  const TokenizerSpec spec = parse(members);
  ASSERT_EQ(spec.added_tokens.size(), 2u);
  const AddedToken &s = spec.added_tokens[0], &word = spec.added_tokens[1];
  EXPECT_EQ(s.id, 7);
  EXPECT_EQ(s.content, "<s>");
  EXPECT_TRUE(s.special && s.lstrip && !s.rstrip && !s.single_word);
  EXPECT_TRUE(!word.special && !word.lstrip && word.rstrip && word.single_word);
  // Unless it says otherwise, a special token is matched before normalisation, another after.
  EXPECT_TRUE(!s.normalized && word.normalized);
}

TEST(TokenizerJson, ReadsPreTokenizersAloneAndInSequence) {
  EXPECT_EQ(parse({}).pre_tokenizer.size(), 1u);
  Members members;
  members.pre_tokenizer = fmt::format(
      R"({{"type": "Sequence", "pretokenizers": [
           {{"type": "Split", "pattern": {{"Regex": "\\p{{N}}"}}, "behavior": "Isolated"}},
           {{"type": "Digits", "individual_digits": true}}, {}]}})",
      kByteLevel);
  const auto steps = parse(members).pre_tokenizer;
  ASSERT_EQ(steps.size(), 3u);
  EXPECT_EQ(steps[0].pattern, "\\p{N}");
  EXPECT_TRUE(steps[1].individual_digits);
  EXPECT_TRUE(steps[2].use_regex);
}

TEST(TokenizerJson, ReadsNfcAloneAndInSequence) {
  EXPECT_FALSE(parse({}).nfc);
  Members members;
  for (const char* normalizer :
       {R"({"type": "NFC"})", R"({"type": "Sequence", "normalizers": [{"type": "NFC"}]})"}) {
    members.normalizer = normalizer;
    EXPECT_TRUE(parse(members).nfc);
  }
  members.normalizer = R"({"type": "Sequence", "normalizers": []})";
  EXPECT_FALSE(parse(members).nfc);
}

TEST(TokenizerJson, FindsBosInTheTemplateThatPutsItThere) {
  Members members;
  members.added_tokens = R"([{"id": 7, "content": "<s>", "special": true}])";
  const std::string single =
      R"({"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {}}]})";
  for (const auto& processor :
       {single, fmt::format(R"({{"type": "Sequence", "processors": [{{}}, {}]}})", single)}) {
    members.post_processor = processor;
    EXPECT_EQ(parse(members).bos_id, 7);
    EXPECT_TRUE(parse(members).add_bos);
  }
  for (const char* processor :
       {"null", "[]", "{}", R"({"single": []})", R"({"single": [1]})", R"({"single": [{}]})",
        R"({"single": [{"SpecialToken": 1}]})", R"({"processors": [1, null, {"single": 2}]})",
        R"({"single": [{"SpecialToken": {"id": "<nobody>"}}]})"}) {
    members.post_processor = processor;
    EXPECT_EQ(parse(members).bos_id, std::nullopt) << processor;
  }
}

TEST(TokenizerJson, RefusesWhatIsNotATokenizer) {
  EXPECT_EQ(error_of(""), "not JSON: error at byte 1");
  EXPECT_EQ(error_of("{\"model\": "), "not JSON: error at byte 11");
  EXPECT_EQ(error_of("{} {}"), "not JSON: error at byte 4");
  EXPECT_EQ(error_of("[1]"), "not an object");
  EXPECT_EQ(error_of("null"), "not an object");
  EXPECT_EQ(error_of("{}"), "model is missing");
  EXPECT_EQ(error_of(R"({"model": 1})"), "model is missing");
  EXPECT_EQ(error_of(R"({"model": {}})"), "model.vocab is missing, or is not an object");
  EXPECT_EQ(error_of(R"({"model": {"vocab": {}}})"), "model.merges is missing, or is not an array");
  EXPECT_EQ(error_of(R"({"model": {"vocab": []}})"), "model.vocab is missing, or is not an object");
}

TEST(TokenizerJson, NamesThePieceOrMergeThatIsWrong) {
  EXPECT_EQ(model_error(R"({"a": -1})", "[]"), "model.vocab[\"a\"] is not an id");
  EXPECT_EQ(model_error(R"({"a": 1.5})", "[]"), "model.vocab[\"a\"] is not an id");
  EXPECT_EQ(model_error(R"({"a": "0"})", "[]"), "model.vocab[\"a\"] is not an id");
  EXPECT_EQ(model_error(R"({"a": {"b": 1}})", "[]"), "model.vocab[\"a\"] is not an id");
  EXPECT_EQ(model_error(R"({"a": 4294967296})", "[]"), "model.vocab[\"a\"] is not an id");
  EXPECT_EQ(model_error(R"({"a": 2147483647})", "[]"),
            "model: vocab[\"a\"] is 2147483647, but there are only 1 pieces");
  EXPECT_EQ(model_error(R"({"": 0})", "[]"), "model: vocab holds an empty piece, id 0");
  EXPECT_EQ(model_error(R"({"a": 0, "b": 0})", "[]"),
            "model: vocab[\"a\"] and vocab[\"b\"] are both 0");
  EXPECT_EQ(model_error("{}", R"(["a b", "ab"])"),
            "model.merges[1] is not two pieces with a space between them");
  EXPECT_EQ(model_error("{}", R"([" b"])"),
            "model.merges[0] is not two pieces with a space between them");
  EXPECT_EQ(model_error("{}", R"([["a"]])"), "model.merges[0] is not a pair of pieces");
  EXPECT_EQ(model_error("{}", R"([["a", ""]])"), "model.merges[0] is not a pair of pieces");
  EXPECT_EQ(model_error("{}", R"([["a", "b", "c"]])"), "model.merges[0] is not a pair of pieces");
  EXPECT_EQ(model_error("{}", R"([[["a", "b"]]])"), "model.merges[0] is not a pair of pieces");
  EXPECT_EQ(model_error("{}", R"([1])"), "model.merges[0] is not a pair of pieces");
  EXPECT_EQ(model_error("{}", "[]", R"(, "vocab": {})"), "model.vocab appears twice");
  EXPECT_EQ(model_error("{}", "[]", R"(, "merges": [])"), "model.merges appears twice");
}

TEST(TokenizerJson, RefusesModelsThatWouldGiveOtherTokens) {
  EXPECT_EQ(model_error("{}", "[]", R"(, "type": "Unigram")"),
            "model: type \"Unigram\": only BPE is read");
  EXPECT_EQ(model_error("{}", "[]", R"(, "unk_token": "<unk>")"), "model: unk_token is set");
  EXPECT_EQ(model_error("{}", "[]", R"(, "continuing_subword_prefix": "##")"),
            "model: continuing_subword_prefix is set");
  EXPECT_EQ(model_error("{}", "[]", R"(, "dropout": 0.1)"), "model: dropout is set");
  EXPECT_EQ(model_error("{}", "[]", R"(, "byte_fallback": true)"),
            "model: byte_fallback: only byte-level BPE is read");
  EXPECT_EQ(model_error("{}", "[]", R"(, "ignore_merges": 1)"),
            "model: ignore_merges is not true or false");
  EXPECT_EQ(model_error("{}", "[]", R"(, "dropout": null, "unk_token": null)"), "");
}

TEST(TokenizerJson, NamesTheAddedTokenThatIsWrong) {
  EXPECT_EQ(added_error("{}"), "added_tokens is not an array");
  EXPECT_EQ(added_error("[1]"), "added_tokens[0]: not an object");
  EXPECT_EQ(added_error(R"([{"content": "a"}])"), "added_tokens[0]: id is missing");
  EXPECT_EQ(added_error(R"([{"id": -1, "content": "a"}])"), "added_tokens[0]: id is not an id");
  EXPECT_EQ(added_error(R"([{"id": 2147483648, "content": "a"}])"),
            "added_tokens[0]: id is not an id");
  EXPECT_EQ(added_error(R"([{"id": 1}])"), "added_tokens[0]: content is missing");
  EXPECT_EQ(added_error(R"([{"id": 1, "content": ""}])"), "added_tokens[0]: content is empty");
  EXPECT_EQ(added_error(R"([{"id": 1, "content": "a", "special": 1}])"),
            "added_tokens[0]: special is not true or false");
}

TEST(TokenizerJson, NamesThePreTokenizerThatIsWrong) {
  EXPECT_EQ(
      pre_tokenizer_error("null"),
      "pre_tokenizer: does not end in ByteLevel: only byte-level BPE is read from tokenizer.json");
  EXPECT_EQ(pre_tokenizer_error("1"), "pre_tokenizer: not an object");
  EXPECT_EQ(pre_tokenizer_error("{}"), "pre_tokenizer: type is missing");
  EXPECT_EQ(pre_tokenizer_error(R"({"type": "Metaspace"})"),
            "pre_tokenizer: pretokenizers[0]: type \"Metaspace\": only Split, Digits and ByteLevel "
            "are read");
  EXPECT_EQ(pre_tokenizer_error(R"({"type": "Sequence"})"),
            "pre_tokenizer: pretokenizers is not an array");
  EXPECT_EQ(pre_tokenizer_error(R"({"type": "Split", "pattern": {"String": " "}})"),
            "pre_tokenizer: pretokenizers[0]: pattern is not a Regex");
  EXPECT_EQ(
      pre_tokenizer_error(R"({"type": "Split", "pattern": {"Regex": " "}, "behavior": "Removed"})"),
      "pre_tokenizer: pretokenizers[0]: behavior \"Removed\": only Isolated is done");
  EXPECT_EQ(
      pre_tokenizer_error(
          R"({"type": "Split", "pattern": {"Regex": " "}, "behavior": "Isolated", "invert": true})"),
      "pre_tokenizer: pretokenizers[0]: invert is true");
  std::string many = "{\"type\": \"Sequence\", \"pretokenizers\": [";
  for (int i = 0; i < 17; ++i) many += std::string(i > 0 ? "," : "") + std::string(kByteLevel);
  EXPECT_EQ(pre_tokenizer_error(many + "]}"), "pre_tokenizer: pretokenizers has 17 members");
}

TEST(TokenizerJson, RefusesNormalizersThatItDoesNotApply) {
  Members members;
  members.normalizer = R"({"type": "Lowercase"})";
  EXPECT_EQ(error_of(json_of(members)), "normalizer: type \"Lowercase\": only NFC is applied");
}

TEST(TokenizerJson, BoundsDepthAndSizeOfWhatItKeeps) {
  EXPECT_EQ(error_of(std::string(100'000, '[')), "nested deeper than 64");
  std::string objects;
  for (int i = 0; i < 1000; ++i) objects += "{\"a\":";
  EXPECT_EQ(error_of(objects), "nested deeper than 64");
  std::string many = "[";
  for (int i = 0; i < 1'100'000; ++i) many += "0,";
  EXPECT_EQ(error_of(many), "more than 1048576 values beside vocab and merges");
}

TEST(TokenizerJson, MessagesShowLittleOfALongName) {
  const std::string name(1'000'000, 'x');
  EXPECT_LT(model_error("{\"" + name + "\": -1}", "[]").size(), 300u);
  EXPECT_LT(model_error("{}", "[]", ", \"type\": \"" + name + "\"").size(), 300u);
}

}  // namespace
}  // namespace sputnik
