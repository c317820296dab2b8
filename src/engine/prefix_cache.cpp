#include "engine/prefix_cache.h"

#include <sodium.h>

#include <algorithm>
#include <cstring>

namespace sputnik {
namespace {

std::int64_t n_common(std::span<const std::int32_t> a, std::span<const std::int32_t> b) {
  const std::size_t n = std::min(a.size(), b.size());
  return std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(n), b.begin()).first -
         a.begin();
}

}  // namespace

BlockHash first_block_parent(std::uint64_t salt) {
  BlockHash hash{};
  std::memcpy(hash.data(), &salt, sizeof salt);
  return hash;
}

BlockHash block_hash(const BlockHash& parent, std::span<const std::int32_t> tokens) {
  SPUTNIK_ASSERT(tokens.size() <= static_cast<std::size_t>(kBlockTokens));
  std::array<std::uint8_t, sizeof(BlockHash) + kBlockTokens * sizeof(std::int32_t)> bytes;
  std::memcpy(bytes.data(), parent.data(), parent.size());
  std::memcpy(bytes.data() + parent.size(), tokens.data(), tokens.size_bytes());
  BlockHash hash;
  crypto_generichash(hash.data(), hash.size(), bytes.data(), parent.size() + tokens.size_bytes(),
                     nullptr, 0);
  return hash;
}

PrefixCache::PrefixCache(BlockPool& pool)
    : pool_(pool), nodes_(static_cast<std::size_t>(pool.n_blocks())) {}

std::int32_t PrefixCache::best_child(std::uint64_t salt, std::int32_t parent,
                                     std::span<const std::int32_t> tokens,
                                     std::int64_t& n_equal) const {
  std::int32_t best = -1;
  n_equal = 0;
  for (std::int32_t child = children_of(parent); child >= 0; child = nodes_[child].next_sibling) {
    if (nodes_[child].salt != salt) continue;
    const std::int64_t n = n_common(tokens_of(nodes_[child]), tokens);
    if (n > n_equal) {
      n_equal = n;
      best = child;
    }
  }
  return best;
}

PrefixCache::Match PrefixCache::match(std::uint64_t salt, std::span<const std::int32_t> tokens,
                                      std::vector<std::int32_t>& block_table) {
  Match match;
  ++clock_;
  while (!tokens.empty()) {
    std::int64_t n_equal = 0;
    const std::int32_t child = best_child(salt, match.node, tokens, n_equal);
    if (child < 0) break;
    nodes_[child].last_used = clock_;
    if (n_equal < kBlockTokens) {
      match.partial = child;
      match.n_partial = n_equal;
      break;
    }
    pool_.retain(child);
    block_table.push_back(child);
    match.node = child;
    match.n_full += kBlockTokens;
    tokens = tokens.subspan(static_cast<std::size_t>(kBlockTokens));
  }
  return match;
}

std::int64_t PrefixCache::match_length(std::uint64_t salt,
                                       std::span<const std::int32_t> tokens) const {
  std::int64_t length = 0;
  std::int32_t node = kRoot;
  for (;;) {
    std::int64_t n_equal = 0;
    const std::int32_t child =
        best_child(salt, node, tokens.subspan(static_cast<std::size_t>(length)), n_equal);
    length += n_equal;
    if (child < 0 || n_equal < kBlockTokens) return length;
    node = child;
  }
}

std::int32_t PrefixCache::insert(std::uint64_t salt, std::int32_t parent,
                                 std::span<const std::int32_t> tokens, std::int32_t block) {
  SPUTNIK_ASSERT(!tokens.empty() && tokens.size() <= static_cast<std::size_t>(kBlockTokens));
  std::int64_t n_equal = 0;
  const std::int32_t existing = best_child(salt, parent, tokens, n_equal);
  ++clock_;
  if (existing >= 0 && n_equal == static_cast<std::int64_t>(tokens.size())) {
    nodes_[existing].last_used = clock_;
    return existing;
  }
  Node& node = nodes_[block];
  SPUTNIK_ASSERT(node.n_tokens == 0);
  pool_.retain(block);
  node.hash = block_hash(parent == kRoot ? first_block_parent(salt) : nodes_[parent].hash, tokens);
  node.salt = salt;
  node.last_used = clock_;
  node.parent = parent;
  node.n_tokens = static_cast<std::int32_t>(tokens.size());
  std::copy(tokens.begin(), tokens.end(), node.tokens.begin());
  std::int32_t& head = parent == kRoot ? first_root_ : nodes_[parent].first_child;
  node.first_child = -1;
  node.previous_sibling = -1;
  node.next_sibling = head;
  if (head >= 0) nodes_[head].previous_sibling = block;
  head = block;
  ++n_nodes_;
  return block;
}

void PrefixCache::remove(std::int32_t index) {
  Node& node = nodes_[index];
  SPUTNIK_ASSERT(node.n_tokens > 0 && node.first_child < 0);
  if (node.previous_sibling >= 0) {
    nodes_[node.previous_sibling].next_sibling = node.next_sibling;
  } else {
    (node.parent == kRoot ? first_root_ : nodes_[node.parent].first_child) = node.next_sibling;
  }
  if (node.next_sibling >= 0) nodes_[node.next_sibling].previous_sibling = node.previous_sibling;
  node.n_tokens = 0;
  --n_nodes_;
  pool_.release(index);
}

bool PrefixCache::evict_one() {
  std::int32_t oldest = -1;
  for (std::int32_t i = 0; i < static_cast<std::int32_t>(nodes_.size()); ++i) {
    const Node& node = nodes_[i];
    if (node.n_tokens == 0 || node.first_child >= 0 || pool_.n_references(i) > 1) continue;
    if (oldest < 0 || node.last_used < nodes_[oldest].last_used) oldest = i;
  }
  if (oldest < 0) return false;
  remove(oldest);
  return true;
}

void PrefixCache::clear() {
  // Children before their parents.
  while (first_root_ >= 0) {
    std::int32_t node = first_root_;
    while (nodes_[node].first_child >= 0) node = nodes_[node].first_child;
    remove(node);
  }
}

std::int64_t PrefixCache::n_evictable() const {
  // Whoever holds a block holds all blocks before it: one that only the tree holds has no child
  // that anybody else holds.
  std::int64_t n = 0;
  for (std::int32_t i = 0; i < static_cast<std::int32_t>(nodes_.size()); ++i)
    n += nodes_[i].n_tokens > 0 && pool_.n_references(i) == 1 ? 1 : 0;
  return n;
}

}  // namespace sputnik
