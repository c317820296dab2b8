#include "engine/prefix_cache.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/rng.h"

namespace sputnik {
namespace {

BlockPool small_pool(std::int64_t n) {
  return BlockPool::create({1, 1, 4, 4}, DType::kF32, n).value();
}

std::vector<std::int32_t> counting(std::int64_t n, std::int32_t first = 0) {
  std::vector<std::int32_t> tokens(static_cast<std::size_t>(n));
  std::iota(tokens.begin(), tokens.end(), first);
  return tokens;
}

// As a sequence does that has computed all its tokens and ended.
void add_text(BlockPool& pool, PrefixCache& cache, std::uint64_t salt,
              std::span<const std::int32_t> tokens) {
  std::vector<std::int32_t> table;
  ASSERT_TRUE(pool.allocate(blocks_for(static_cast<std::int64_t>(tokens.size())), table).ok());
  std::int32_t node = PrefixCache::kRoot;
  for (std::size_t i = 0; i < table.size(); ++i) {
    const auto part = tokens.subspan(i * 64, std::min<std::size_t>(64, tokens.size() - i * 64));
    node = cache.insert(salt, node, part, table[i]);
  }
  pool.release_all(table);
}

TEST(PrefixCache, FindsTheLongestBeginningToTheToken) {
  BlockPool pool = small_pool(16);
  PrefixCache cache(pool);
  const auto text = counting(200);
  add_text(pool, cache, 0, text);
  EXPECT_EQ(cache.n_blocks(), 4);
  EXPECT_EQ(pool.n_free(), 12);
  for (const std::int64_t n : {0, 1, 63, 64, 65, 127, 128, 150, 192, 199, 200}) {
    std::vector<std::int32_t> tokens(text.begin(), text.begin() + n);
    tokens.push_back(-7);  // and then something else
    std::vector<std::int32_t> table;
    const auto match = cache.match(0, tokens, table);
    EXPECT_EQ(match.n_full, n / 64 * 64);
    EXPECT_EQ(match.n_full + match.n_partial, n);
    EXPECT_EQ(match.partial >= 0, n % 64 != 0);
    EXPECT_EQ(cache.match_length(0, tokens), n);
    EXPECT_EQ(static_cast<std::int64_t>(table.size()), n / 64);
    pool.release_all(table);
  }
}

TEST(PrefixCache, TextsOfDifferentSaltsShareNothing) {
  BlockPool pool = small_pool(16);
  PrefixCache cache(pool);
  const auto text = counting(100);
  add_text(pool, cache, 1, text);
  EXPECT_EQ(cache.match_length(1, text), 100);
  EXPECT_EQ(cache.match_length(2, text), 0);
  add_text(pool, cache, 2, text);
  EXPECT_EQ(cache.n_blocks(), 4);
  EXPECT_NE(block_hash(first_block_parent(1), std::span(text).first(64)),
            block_hash(first_block_parent(2), std::span(text).first(64)));
}

TEST(PrefixCache, ATextThatIsThereAlreadyTakesNoMoreRoom) {
  BlockPool pool = small_pool(16);
  PrefixCache cache(pool);
  add_text(pool, cache, 0, counting(200));
  add_text(pool, cache, 0, counting(200));
  add_text(pool, cache, 0, counting(150));  // its last block is the beginning of one that is there
  EXPECT_EQ(cache.n_blocks(), 4);
  EXPECT_EQ(pool.n_free(), 12);
}

TEST(PrefixCache, GivesUpWhatWasUsedLongestAgoAndNothingThatIsInUse) {
  BlockPool pool = small_pool(8);
  PrefixCache cache(pool);
  const auto a = counting(128), b = counting(128, 1000);
  add_text(pool, cache, 0, a);
  add_text(pool, cache, 0, b);
  std::vector<std::int32_t> table;
  (void)cache.match(0, a, table);  // a is in use, and used last
  EXPECT_EQ(cache.n_evictable(), 2);
  EXPECT_TRUE(cache.evict_one());
  EXPECT_EQ(cache.match_length(0, b), 64);  // its end first
  EXPECT_TRUE(cache.evict_one());
  EXPECT_FALSE(cache.evict_one());
  EXPECT_EQ(cache.match_length(0, a), 128);
  pool.release_all(table);
  EXPECT_TRUE(cache.evict_one());
  EXPECT_TRUE(cache.evict_one());
  EXPECT_EQ(pool.n_free(), 8);
}

// Against a list of texts: whatever is inserted and evicted, what matches was inserted, and every
// block is accounted for.
TEST(PrefixCache, AgreesWithAListOfTexts) {
  BlockPool pool = small_pool(32);
  Rng rng(1);
  {
    PrefixCache cache(pool);
    std::vector<std::vector<std::int32_t>> texts;
    for (int round = 0; round < 2000; ++round) {
      std::vector<std::int32_t> text;
      if (!texts.empty() && rng.uniform() < 0.7) {  // goes on from an old one
        text = texts[static_cast<std::size_t>(rng.uniform() * static_cast<double>(texts.size()))];
        text.resize(static_cast<std::size_t>(rng.uniform() * static_cast<double>(text.size())));
      }
      const auto n = static_cast<std::int64_t>(rng.uniform() * 150) + 1;
      for (std::int64_t i = 0; i < n; ++i)
        text.push_back(static_cast<std::int32_t>(rng.uniform() * 3));
      if (text.size() > 400) text.resize(400);
      std::size_t longest = 0;
      for (const auto& old : texts) {
        const auto end = std::mismatch(old.begin(), old.end(), text.begin(), text.end()).first;
        longest = std::max(longest, static_cast<std::size_t>(end - old.begin()));
      }
      EXPECT_LE(cache.match_length(0, text), static_cast<std::int64_t>(longest));
      while (pool.n_free() < 8) ASSERT_TRUE(cache.evict_one());
      add_text(pool, cache, 0, text);
      EXPECT_EQ(cache.match_length(0, text), static_cast<std::int64_t>(text.size()));
      EXPECT_EQ(pool.n_free() + cache.n_blocks(), 32);
      EXPECT_EQ(cache.n_evictable(), cache.n_blocks());
      texts.push_back(text);
    }
  }
  EXPECT_EQ(pool.n_free(), 32);
}

}  // namespace
}  // namespace sputnik
