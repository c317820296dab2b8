#include "grammar/matcher.h"

#include <gtest/gtest.h>

#include "grammar/grammar_testing.h"
#include "grammar/rules_grammar.h"
#include "tokenizer/tokenizer_testing.h"

namespace sputnik::grammar {
namespace {

std::shared_ptr<Matcher> matcher_of(const GrammarPtr& grammar,
                                    const std::shared_ptr<const Vocabulary>& vocabulary) {
  return static_cast<const RulesGrammar&>(*grammar).matcher(vocabulary).value();
}

bool has(const std::vector<std::uint64_t>& mask, std::int64_t id) {
  return (mask[id / 64] >> (id % 64) & 1) != 0;
}

// Masks take short cuts: parts of the vocabulary are allowed without looking at their tokens.
void check_masks(const GrammarPtr& grammar, const Tokenizer& tokenizer,
                 const std::shared_ptr<const Vocabulary>& vocabulary, std::int64_t vocab_size,
                 std::string_view text) {
  const auto matcher = matcher_of(grammar, vocabulary);
  const auto place = matcher->begin(), tried = matcher->begin();
  std::vector<std::uint64_t> mask(mask_words(vocab_size));
  const auto ids = tokenizer.encode(text);
  for (std::size_t i = 0; i <= ids.size(); ++i) {
    matcher->allowed(*place, mask);
    for (std::int32_t id = 0; id < vocab_size; ++id) {
      *tried = *place;
      ASSERT_EQ(has(mask, id), matcher->accept(*tried, id))
          << "after " << i << " tokens: \"" << tokenizer.token_bytes(id) << '"';
    }
    if (i < ids.size()) {
      ASSERT_TRUE(matcher->accept(*place, ids[i])) << i;
    }
  }
}

TEST(Matcher, AMaskAllowsExactlyWhatIsAccepted) {
  const std::pair<GrammarPtr, std::string_view> cases[] = {
      {json_object().value(), R"({"a\n": ["x", {"日本": -1.5e3}]})"},
      {json_schema(R"({"type":"string","maxLength":21})").value(), R"("ab cd 日本 \" x")"},
      {json_schema(R"({"enum":["red","green","grey"]})").value(), R"("gre)"},
      {text_without({}, {"<tool_call>", "x y"}), "so <tool x"},
      {regex("[^\"]{3,40}|\"a*").value(), "some text"},
  };
  for (const auto& [grammar, text] : cases) {
    SCOPED_TRACE(text);
    check_masks(grammar, tiny_tokenizer(), tiny_vocabulary(), tiny_tokenizer().vocab_size() + 5,
                text);
    const Tokenizer& qwen = family_tokenizer("qwen2.5");
    check_masks(grammar, qwen, family_vocabulary("qwen2.5"), qwen.vocab_size(), text);
  }
}

TEST(Matcher, ForgetsWithoutLosingItsPlace) {
  // Every text of the last 31 letters is another set of stacks.
  const auto grammar = regex("(?:a|b)*a(?:a|b){30}").value();
  const auto used = matcher_of(grammar, tiny_vocabulary());
  const std::int64_t vocab_size = tiny_tokenizer().vocab_size() + 5;
  std::vector<std::uint64_t> mask(mask_words(vocab_size)), expected = mask;
  const auto place = used->begin();
  Rng rng(9);
  std::vector<std::int32_t> ids;
  std::size_t largest = 0;
  bool has_forgotten = false;
  for (int i = 0; i < 60'000; ++i) {
    used->allowed(*place, mask);
    const std::int32_t id = rng.uniform() < 0.5 ? 'a' : 'b';
    ASSERT_TRUE(used->accept(*place, id));
    ids.push_back(id);
    const std::size_t bytes = used->memory_bytes();
    has_forgotten |= bytes < largest / 2;
    largest = std::max(largest, bytes);
  }
  EXPECT_TRUE(has_forgotten);
  EXPECT_LT(largest, std::size_t{20} << 20);
  Matcher fresh(std::make_shared<const Program>(compile(rule_set(*grammar)).value()),
                tiny_vocabulary());
  const auto again = fresh.begin();
  for (const std::int32_t id : ids) ASSERT_TRUE(fresh.accept(*again, id));
  used->allowed(*place, mask);
  fresh.allowed(*again, expected);
  EXPECT_EQ(mask, expected);
  EXPECT_EQ(used->complete(*place), fresh.complete(*again));
}

TEST(Matcher, SpellsWithByteTokensOfSentencePiece) {
  const Tokenizer tokenizer = load_llama_cpp_tokenizer("llama-spm");
  const auto ends = tokenizer.end_ids();
  const auto vocabulary =
      Vocabulary::create(tokenizer, {ends.begin(), ends.end()}, tokenizer.vocab_size());
  Rng rng(4);
  const auto schema = json_schema(R"({"type":"array","items":{"type":"string","minLength":1}})");
  for (int i = 0; i < 5; ++i) {
    const Walk walk = random_walk(schema.value(), tokenizer, vocabulary, rng, 30);
    EXPECT_TRUE(walk.complete);
    EXPECT_TRUE(nlohmann::json::accept(walk.text)) << walk.text;
  }
}

}  // namespace
}  // namespace sputnik::grammar
