// What the engine keeps in its cache, in memory and on disk, and how it finds it again.
#include <algorithm>
#include <cstring>

#include "engine/sequence.h"

namespace sputnik {
namespace {

// From disk in one step, while others wait for their next token.
constexpr std::int64_t kLoadBytesPerStep = std::int64_t{16} << 20;

}  // namespace

std::int64_t Engine::n_free_blocks() const {
  return blocks_.n_free() + cache_.n_evictable();
}

// Appends one block. False: all are in use.
bool Engine::allocate_block(std::vector<std::int32_t>& block_table) {
  if (blocks_.n_free() == 0 && !cache_.evict_one()) return false;
  return blocks_.allocate(1, block_table).ok();
}

// Gives a sequence that begins to run what is cached of its tokens; at least the last token is left
// to compute: its logits are wanted. False: there is no block for what is cached in part.
bool Engine::find_cached(Sequence& sequence) {
  const auto wanted = std::span(sequence.tokens).first(sequence.tokens.size() - 1);
  const PrefixCache::Match match = cache_.match(sequence.salt, wanted, sequence.block_table);
  sequence.n_computed = sequence.n_published = match.n_full;
  if (match.n_partial > 0) {
    // Held while a block is looked for, which might otherwise be this one.
    blocks_.retain(match.partial);
    const bool found = allocate_block(sequence.block_table);
    if (found) {
      const KvCache& cache = blocks_.view();
      std::memcpy(cache.blocks + sequence.block_table.back() * cache.block_bytes(),
                  cache.blocks + match.partial * cache.block_bytes(),
                  static_cast<std::size_t>(cache.block_bytes()));
      sequence.n_computed += match.n_partial;
    }
    blocks_.release(match.partial);
    if (!found) return false;
  }
  sequence.loading = disk_ != nullptr;
  return true;
}

// Some of what disk has beyond memory. False when there is no more.
bool Engine::load_from_disk(Sequence& sequence) {
  const KvCache& cache = blocks_.view();
  const std::int64_t wanted = sequence.size() - 1;
  std::int64_t n_bytes = 0;
  while (n_bytes < kLoadBytesPerStep || running_.size() == 1) {
    const std::int64_t begin = sequence.n_published;
    const std::int32_t node = sequence.last_node();
    const BlockHash parent =
        node == PrefixCache::kRoot ? first_block_parent(sequence.salt) : cache_.hash(node);
    const auto rest =
        std::span(sequence.tokens)
            .subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(wanted - begin));
    const auto found = disk_->find(parent, rest);
    if (!found || begin + found->n_equal <= sequence.n_computed) return false;
    // The block that was copied from memory, if there is one, holds less than this file.
    const auto table_size = static_cast<std::int64_t>(sequence.block_table.size());
    if (table_size == begin / kBlockTokens && !allocate_block(sequence.block_table)) return false;
    const std::int32_t block = sequence.block_table.back();
    if (!disk_->read(found->hash, {cache.blocks + block * cache.block_bytes(),
                                   static_cast<std::size_t>(cache.block_bytes())})) {
      // Whatever was in the block is lost; the file is gone, so that the next look finds another.
      sequence.n_computed = begin;
      continue;
    }
    ++stats_.n_disk_hits;
    n_bytes += cache.block_bytes();
    sequence.n_computed = begin + found->n_equal;
    publish(sequence);
    if (found->n_equal < kBlockTokens) return false;
  }
  return true;
}

// Full blocks become known to the prefix cache. Where another sequence has computed the same tokens
// before, its block is used from now on.
void Engine::publish(Sequence& sequence) {
  while (sequence.n_published + kBlockTokens <= sequence.n_computed) {
    const std::int64_t index = sequence.n_published / kBlockTokens;
    const auto tokens = std::span(sequence.tokens)
                            .subspan(static_cast<std::size_t>(sequence.n_published),
                                     static_cast<std::size_t>(kBlockTokens));
    std::int32_t& block = sequence.block_table[index];
    const std::int32_t node = cache_.insert(sequence.salt, sequence.last_node(), tokens, block);
    if (node != block) {
      blocks_.retain(node);
      blocks_.release(block);
      block = node;
    }
    sequence.n_published += kBlockTokens;
    if (sequence.n_published <= sequence.n_worth_storing())
      store_on_disk(sequence, index, kBlockTokens);
  }
}

// What a sequence that stops running has computed beyond its full blocks.
void Engine::keep_partial(Sequence& sequence) {
  publish(sequence);
  const std::int64_t n = sequence.n_computed - sequence.n_published;
  if (n <= 0) return;
  const std::int64_t index = sequence.n_published / kBlockTokens;
  const auto tokens =
      std::span(sequence.tokens)
          .subspan(static_cast<std::size_t>(sequence.n_published), static_cast<std::size_t>(n));
  store_on_disk(sequence, index, std::min(n, sequence.n_worth_storing() - sequence.n_published));
  cache_.insert(sequence.salt, sequence.last_node(), tokens, sequence.block_table[index]);
}

// The first n_tokens of a block.
void Engine::store_on_disk(const Sequence& sequence, std::int64_t block_index,
                           std::int64_t n_tokens) {
  if (disk_ == nullptr || n_tokens <= 0 || sequence.keep_off_disk) return;
  const KvCache& cache = blocks_.view();
  const BlockHash parent = block_index == 0 ? first_block_parent(sequence.salt)
                                            : cache_.hash(sequence.block_table[block_index - 1]);
  const auto tokens = std::span(sequence.tokens)
                          .subspan(static_cast<std::size_t>(block_index * kBlockTokens),
                                   static_cast<std::size_t>(n_tokens));
  disk_->store(parent, block_hash(parent, tokens), tokens,
               {cache.blocks + sequence.block_table[block_index] * cache.block_bytes(),
                static_cast<std::size_t>(cache.block_bytes())});
}

void Engine::release(Sequence& sequence) {
  blocks_.release_all(sequence.block_table);
  sequence.n_computed = sequence.n_published = 0;
  sequence.module_draft = -1;
  sequence.loading = false;
}

}  // namespace sputnik
