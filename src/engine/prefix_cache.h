// Cached keys and values of prompts that were computed before, found by the tokens they belong to.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/block_pool.h"

namespace sputnik {

// Names a block by all tokens from the beginning of the text to its end: BLAKE2b-256 of the name of
// the block before and the block's own tokens. Different tokens have different names, for all that
// anybody can do, so that files may carry them too.
using BlockHash = std::array<std::uint8_t, 32>;

// salt: texts with different salts share nothing.
BlockHash first_block_parent(std::uint64_t salt);
BlockHash block_hash(const BlockHash& parent, std::span<const std::int32_t> tokens);

// A tree of blocks: the path from a root to a block is a text. A block that is not full is a leaf;
// a text that goes on differently copies it. Holds one reference to each of its blocks, and gives
// up those that nobody else holds, least recently used first. Node i is the pool's block i: no
// memory is allocated after construction. One thread at a time.
class PrefixCache {
 public:
  static constexpr std::int32_t kRoot = -1;

  // The pool must outlive it.
  explicit PrefixCache(BlockPool& pool);
  PrefixCache(const PrefixCache&) = delete;
  PrefixCache& operator=(const PrefixCache&) = delete;
  ~PrefixCache() { clear(); }

  struct Match {
    std::int64_t n_full = 0;    // tokens in full blocks, which were appended to the table
    std::int32_t node = kRoot;  // the last of these
    std::int32_t partial = -1;  // a block whose first n_partial tokens go on from there, or -1
    std::int64_t n_partial = 0;
  };
  // The longest beginning of tokens that is cached. Full blocks are appended to block_table with a
  // reference each; the partial one gets none: copy it before anything else happens.
  Match match(std::uint64_t salt, std::span<const std::int32_t> tokens,
              std::vector<std::int32_t>& block_table);
  // How long that match would be, without taking or touching anything.
  std::int64_t match_length(std::uint64_t salt, std::span<const std::int32_t> tokens) const;

  // Adds a block that holds tokens (at most kBlockTokens) behind `parent`. The caller keeps its own
  // reference. Returns the node that stands for them now: `block`, or one that was there already;
  // then the caller may take that one instead. A block that is not full and whose tokens are the
  // beginning of one that is there is not added: returns that one.
  std::int32_t insert(std::uint64_t salt, std::int32_t parent, std::span<const std::int32_t> tokens,
                      std::int32_t block);

  const BlockHash& hash(std::int32_t node) const { return nodes_[node].hash; }

  // Gives up one block. False: every block is in use.
  bool evict_one();
  void clear();

  // Blocks that eviction could free, those whose children could be freed before them included.
  std::int64_t n_evictable() const;
  std::int64_t n_blocks() const { return n_nodes_; }

 private:
  struct Node {
    BlockHash hash;
    std::uint64_t salt = 0;
    std::uint64_t last_used = 0;
    std::int32_t parent = kRoot;
    std::int32_t first_child = -1, next_sibling = -1, previous_sibling = -1;
    std::int32_t n_tokens = 0;  // 0: not in the tree
    std::array<std::int32_t, kBlockTokens> tokens;
  };

  std::int32_t children_of(std::int32_t parent) const {
    return parent == kRoot ? first_root_ : nodes_[parent].first_child;
  }
  std::span<const std::int32_t> tokens_of(const Node& node) const {
    return std::span(node.tokens).first(static_cast<std::size_t>(node.n_tokens));
  }
  // The child whose tokens agree longest with these, and how many do.
  std::int32_t best_child(std::uint64_t salt, std::int32_t parent,
                          std::span<const std::int32_t> tokens, std::int64_t& n_equal) const;
  void remove(std::int32_t node);

  BlockPool& pool_;
  std::vector<Node> nodes_;
  std::int32_t first_root_ = -1;
  std::int64_t n_nodes_ = 0;
  std::uint64_t clock_ = 0;
};

}  // namespace sputnik
