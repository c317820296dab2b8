#include "train/packer.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include <algorithm>
#include <set>

#include "formats/gguf_testing.h"
#include "tokenizer/bpe_trainer.h"
#include "tokenizer/tokenizer_testing.h"
#include "train/text_file.h"

namespace sputnik {
namespace {

Tokenizer sample_tokenizer() {
  auto trainer = std::move(BpeTrainer::create({512, ControlTokens::all(), 2})).value();
  trainer.add("What is 12 plus 30? It is 42. Wait, let me check. The answer is what it is.");
  trainer.add("the cat and the dog sat on the mat; the answer is here, and there it is");
  return Tokenizer::from_spec(parse_tokenizer_json(tokenizer_json_of(trainer.train())).value())
      .value();
}

std::int32_t id(const Tokenizer& tokenizer, std::string_view token) {
  return tokenizer.id_of(token).value();
}

class PackerTest : public testing::Test {
 protected:
  std::unique_ptr<DocumentSource> texts(const std::string& content, std::uint64_t seed = 1) {
    return std::move(open_text_source(folder_.write("texts.txt", content), seed)).value();
  }
  static std::unique_ptr<DocumentSource> tasks(double long_share, double corrected_share,
                                               bool learn_prompts = true) {
    TaskSourceOptions options;
    options.families = {tasks::find_family("addition").value(),
                        tasks::find_family("countdown").value()};
    options.max_level = 2;
    options.long_share = long_share;
    options.corrected_share = corrected_share;
    options.learn_prompts = learn_prompts;
    return make_task_source(options);
  }
  std::string text_of(const Document& document) const {
    return tokenizer_.decode(tokenize_document(tokenizer_, document).tokens);
  }

  TestFolder folder_;
  Tokenizer tokenizer_ = sample_tokenizer();
};

TEST_F(PackerTest, EveryDocumentIsASequenceAndEveryTargetTheNextToken) {
  PackedBatch batch;
  pack_document({{5, 6, 7, 8}, {1, 1, 0, 1}}, 16, true, batch);
  pack_document({{1, 2, 3}, {1, 1, 1}}, 16, true, batch);
  EXPECT_EQ(batch.batch.tokens, (std::vector<std::int32_t>{5, 6, 7, 1, 2}));
  EXPECT_EQ(batch.batch.positions, (std::vector<std::int64_t>{0, 1, 2, 0, 1}));
  EXPECT_EQ(batch.targets, (std::vector<std::int32_t>{6, 7, 8, 2, 3}));
  EXPECT_EQ(batch.counts, (std::vector<float>{1, 0, 1, 1, 1}));
  EXPECT_EQ(batch.next.tokens, (std::vector<std::int32_t>{6, 7, 8, 2, 3}));
  EXPECT_EQ(batch.targets_after, (std::vector<std::int32_t>{7, 8, 0, 3, 0}));
  EXPECT_EQ(batch.counts_after, (std::vector<float>{0, 1, 0, 1, 0}));
  ASSERT_EQ(batch.batch.sequences.size(), 2u);
  EXPECT_EQ(batch.batch.sequences[1].first_row, 3);
}

TEST_F(PackerTest, ALongDocumentIsCutAtTheContext) {
  PackedBatch batch;
  pack_document({{1, 2, 3, 4, 5, 6}, {1, 1, 1, 1, 1, 1}}, 2, true, batch);
  EXPECT_EQ(batch.batch.positions, (std::vector<std::int64_t>{0, 1, 0, 1, 0}));
  EXPECT_EQ(batch.targets, (std::vector<std::int32_t>{2, 3, 4, 5, 6}));
  EXPECT_EQ(batch.targets_after, (std::vector<std::int32_t>{3, 0, 5, 0, 0}));
}

TEST_F(PackerTest, TextsComeOncePerPassInAnOrderOfItsOwn) {
  std::string content;
  for (int i = 0; i < 50; ++i) content += fmt::format("text {}\nline\n<|doc|>\n", i);
  const auto source = texts(content);
  std::vector<std::string> passes[2];
  for (std::uint64_t i = 0; i < 100; ++i) passes[i / 50].push_back(text_of(source->document(i)));
  for (const auto& pass : passes) EXPECT_EQ(std::set(pass.begin(), pass.end()).size(), 50u);
  EXPECT_NE(passes[0], passes[1]);
  std::sort(passes[0].begin(), passes[0].end());
  std::sort(passes[1].begin(), passes[1].end());
  EXPECT_EQ(passes[0], passes[1]);
  EXPECT_EQ(passes[0][0],
            std::string(ControlTokens::kBos) + "text 0\nline" + std::string(ControlTokens::kEos));
  EXPECT_FALSE(open_text_source(folder_.write("none.txt", "\n<|doc|>\n"), 1).ok());
}

TEST_F(PackerTest, ThePredictionModuleLearnsFromAShareOfTheDocuments) {
  Packer::Source source{tasks(0, 0), 1};
  std::vector<Packer::Source> sources;
  sources.push_back(std::move(source));
  Packer packer(tokenizer_, std::move(sources), {128, 0, 0.25, 0, 3});
  const PackedBatch batch = packer.next(20000);
  const auto n = static_cast<double>(batch.batch.sequences.size());
  EXPECT_NEAR(static_cast<double>(batch.next.sequences.size()) / n, 0.25, 0.05);
  ASSERT_EQ(batch.rows_before.size(), static_cast<std::size_t>(batch.next.n_tokens()));
  for (std::size_t i = 0; i < batch.rows_before.size(); ++i) {
    const auto row = static_cast<std::size_t>(batch.rows_before[i]);
    EXPECT_EQ(batch.next.tokens[i], batch.targets[row]);
    EXPECT_EQ(batch.next.positions[i], batch.batch.positions[row]);
  }
}

TEST_F(PackerTest, TokensOfPunctuationAndLineBreaksAreSplitInTheAskedShare) {
  const Tokenizer& tokenizer = family_tokenizer("deepseek-v3");
  const NewlineSplitter splitter(tokenizer);
  Document document;
  for (int i = 0; i < 500; ++i)
    document.parts.push_back({"Two.\n\nThree:\nfour\n", false, true, {}});
  const TokenDocument whole = tokenize_document(tokenizer, document);
  Rng rng(1);
  TokenDocument none = whole, half = whole, all = whole;
  splitter.split(none, 0, rng);
  splitter.split(half, 0.5, rng);
  splitter.split(all, 1, rng);
  EXPECT_EQ(none.tokens, whole.tokens);
  const auto added = static_cast<double>(all.tokens.size() - whole.tokens.size());
  EXPECT_GT(added, 0);
  EXPECT_NEAR(static_cast<double>(half.tokens.size() - whole.tokens.size()) / added, 0.5, 0.07);
  EXPECT_EQ(all.counts.size(), all.tokens.size());
  EXPECT_EQ(tokenizer.decode(all.tokens), tokenizer.decode(whole.tokens));
  for (const std::int32_t token : all.tokens) {
    const std::string bytes(tokenizer.token_bytes(token));
    const std::size_t at = bytes.find('\n');
    EXPECT_TRUE(at == 0 || at == std::string::npos) << bytes;
  }
}

TEST_F(PackerTest, DialoguesTeachTheAssistantsTurns) {
  const auto path = folder_.write(
      "talk.jsonl",
      "{\"turns\": [[\"user\", \"Hi.\"], [\"assistant\", \"Hello.\"], [\"user\", \"Bye.\"], "
      "[\"assistant\", \"See you.\"]]}\n");
  const auto source = std::move(open_dialogue_source(path, 1, /*learn_prompts=*/false)).value();
  const Document document = source->document(7);
  std::string text, learned;
  for (const Document::Part& part : document.parts) {
    text += part.text;
    if (part.counts) learned += part.text;
  }
  const std::string bos(ControlTokens::kBos), eos(ControlTokens::kEos);
  const std::string user(ControlTokens::kUser), assistant(ControlTokens::kAssistant);
  EXPECT_EQ(text, bos + user + "Hi." + assistant + "Hello." + eos + user + "Bye." + assistant +
                      "See you." + eos);
  EXPECT_EQ(learned, "Hello." + eos + "See you." + eos);
}

TEST_F(PackerTest, ABadDialogueIsNamedByItsLine) {
  const std::string good = "{\"turns\": [[\"user\", \"a\"], [\"assistant\", \"b\"]]}\n";
  for (const std::string& bad :
       {std::string("{"), std::string("[]"), std::string("{\"turns\": []}"),
        std::string("{\"turns\": [[\"assistant\", \"a\"], [\"user\", \"b\"]]}"),
        std::string("{\"turns\": [[\"user\", \"a\"], [\"user\", \"b\"]]}"),
        std::string("{\"turns\": [[\"user\", \"a\"], [\"assistant\", 1]]}")}) {
    const auto path = folder_.write("bad.jsonl", good + bad + "\n");
    const auto source = open_dialogue_source(path, 1, true);
    ASSERT_FALSE(source.ok()) << bad;
    EXPECT_NE(source.error().message.find("line 2 is not"), std::string::npos);
  }
}

TEST_F(PackerTest, PackedTextIsReadAsItsContent) {
  const std::string text = "one\n<|doc|>\ntwo\n";
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3));
  EXPECT_EQ(read_text_file(folder_.write("a.txt.zst", packed)).value(), text);
  EXPECT_EQ(read_text_file(folder_.write("two.txt.zst", packed + packed)).value(), text + text);
  for (const std::string& bad : {packed.substr(0, packed.size() - 2), std::string("no zstd")}) {
    const auto result = read_text_file(folder_.write("bad.txt.zst", bad));
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code, ErrorCode::kCorrupt);
  }
}

TEST_F(PackerTest, PromptsAndMistakesAreNotLearnedWhenMasked) {
  const auto source = tasks(0, 1, /*learn_prompts=*/false);
  std::int64_t n_masked = 0;
  for (std::uint64_t i = 0; i < 30; ++i) {
    const Document document = source->document(i);
    const TokenDocument tokens = tokenize_document(tokenizer_, document);
    const auto think = static_cast<std::size_t>(
        std::find(tokens.tokens.begin(), tokens.tokens.end(), id(tokenizer_, "<think>")) -
        tokens.tokens.begin());
    ASSERT_LT(think, tokens.tokens.size());
    for (std::size_t t = 0; t < think; ++t) EXPECT_EQ(tokens.counts[t], 0);
    EXPECT_EQ(tokens.counts[think], 1);
    EXPECT_EQ(tokens.counts.back(), 1);
    // What does not count covers the mistakes and little else.
    const auto& thought = document.parts[5];
    std::string masked;
    for (std::size_t t = think; t < tokens.tokens.size(); ++t) {
      if (tokens.counts[t] == 0) masked += tokenizer_.token_bytes(tokens.tokens[t]);
    }
    std::size_t n_mistaken = 0;
    for (const auto& range : thought.mistakes) {
      n_mistaken += range.end - range.begin;
      EXPECT_NE(masked.find(thought.text.substr(range.begin, range.end - range.begin)),
                std::string::npos);
    }
    EXPECT_GT(n_mistaken, 0u);
    EXPECT_LE(masked.size(), n_mistaken + 16 * thought.mistakes.size());
    n_masked += static_cast<std::int64_t>(masked.size());
  }
  EXPECT_GT(n_masked, 0);
}

TEST_F(PackerTest, TasksTakeTheirFormsInTheAskedShares) {
  const auto source = tasks(0.3, 0.2);
  int n_long = 0, n_corrected = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const Document document = source->document(i);
    if (document.parts.size() < 7) continue;
    (document.parts[5].mistakes.empty() ? n_long : n_corrected) += 1;
  }
  EXPECT_NEAR(n_long, 300, 60);
  EXPECT_NEAR(n_corrected, 200, 60);
}

TEST_F(PackerTest, FillInTheMiddleKeepsTheTextAndItsCharacters) {
  Document plain = texts("Fluß 深度求索 ends here")->document(0);
  const std::string text = plain.parts[1].text;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const Document document = with_middle_at_end(plain, seed);
    ASSERT_EQ(document.parts.size(), 8u);
    EXPECT_EQ(document.parts[2].text + document.parts[6].text + document.parts[4].text, text);
    for (const int part : {2, 4, 6}) {
      const std::string& piece = document.parts[static_cast<std::size_t>(part)].text;
      EXPECT_TRUE(piece.empty() || (static_cast<unsigned char>(piece[0]) & 0xC0) != 0x80);
    }
  }
}

TEST_F(PackerTest, FillInTheMiddleComesAtItsRate) {
  std::string content;
  for (int i = 0; i < 400; ++i) content += fmt::format("text {} here\n<|doc|>\n", i);
  std::vector<Packer::Source> sources;
  sources.push_back({texts(content), 1});
  Packer packer(tokenizer_, std::move(sources), {64, 0.25, 9});
  PackedBatch batch;
  while (packer.cursors()[0].next_document < 400) {
    const PackedBatch next = packer.next(1);
    batch.batch.tokens.insert(batch.batch.tokens.end(), next.batch.tokens.begin(),
                              next.batch.tokens.end());
  }
  const auto& tokens = batch.batch.tokens;
  const auto n_holes =
      std::count(tokens.begin(), tokens.end(), id(tokenizer_, ControlTokens::kFimHole));
  EXPECT_NEAR(static_cast<double>(n_holes), 100, 35);
}

TEST_F(PackerTest, StartsAgainWhereItsCursorsStandAndKeepsShares) {
  const std::string content = "the cat sat on the mat\n<|doc|>\nthe dog\n<|doc|>\nand the answer\n";
  const auto make = [&] {
    std::vector<Packer::Source> sources;
    sources.push_back({texts(content), 0.25});
    sources.push_back({tasks(0.2, 0.1), 0.75});
    return Packer(tokenizer_, std::move(sources), {64, 0.5, 3});
  };
  Packer whole = make();
  std::vector<PackedBatch> batches;
  std::vector<std::vector<DataCursor>> cursors;
  for (int i = 0; i < 12; ++i) {
    cursors.push_back(whole.cursors());
    batches.push_back(whole.next(200));
    EXPECT_GE(batches.back().batch.n_tokens(), 200);
  }
  for (const std::size_t i : {std::size_t{3}, std::size_t{11}}) {
    Packer again = make();
    again.set_cursors(cursors[i]);
    const PackedBatch batch = again.next(200);
    EXPECT_EQ(batch.batch.tokens, batches[i].batch.tokens);
    EXPECT_EQ(batch.counts, batches[i].counts);
  }
  const auto& end = whole.cursors();
  EXPECT_NEAR(
      static_cast<double>(end[0].n_tokens) / static_cast<double>(end[0].n_tokens + end[1].n_tokens),
      0.25, 0.1);
}

TEST_F(PackerTest, AShuffleIsAPermutation) {
  for (const std::uint64_t n : {1u, 2u, 3u, 17u, 64u, 1000u}) {
    std::set<std::uint64_t> seen;
    for (std::uint64_t i = 0; i < n; ++i) seen.insert(shuffled(i, n, 5));
    EXPECT_EQ(seen.size(), n);
    EXPECT_EQ(*seen.rbegin(), n - 1);
  }
}

}  // namespace
}  // namespace sputnik
