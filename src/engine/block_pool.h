// The memory of the key/value cache, in blocks of kBlockTokens tokens.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "ops/kv_cache.h"

namespace sputnik {

// Owns the memory of all blocks. Address space is reserved at once; physical memory is taken when a
// block is first written. Blocks are counted, so that sequences may share them. One thread at a
// time.
class BlockPool {
 public:
  // kInvalidArgument: no blocks or an empty shape. kExhausted: more address space than the system
  // has.
  static Result<BlockPool> create(const CacheShape& shape, DType dtype, std::int64_t n_blocks);

  BlockPool(BlockPool&& other) noexcept;
  BlockPool& operator=(BlockPool&& other) noexcept;
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;
  ~BlockPool();

  const KvCache& view() const { return view_; }
  std::int64_t n_blocks() const { return static_cast<std::int64_t>(references_.size()); }
  std::int64_t n_free() const { return static_cast<std::int64_t>(free_.size()); }
  std::int64_t reserved_bytes() const { return reserved_bytes_; }

  // Appends n blocks with one reference each to block_table, or none and kExhausted.
  Result<void> allocate(std::int64_t n, std::vector<std::int32_t>& block_table);
  void retain(std::int32_t block);  // one reference more
  std::int32_t n_references(std::int32_t block) const { return references_[block]; }
  void release(std::int32_t block);                          // one less; without any it is free
  void release_all(std::vector<std::int32_t>& block_table);  // and empties the table

 private:
  BlockPool() = default;

  KvCache view_;
  std::int64_t reserved_bytes_ = 0;
  std::vector<std::int32_t> references_;
  std::vector<std::int32_t> free_;  // the block to hand out next is at the back
};

// Blocks that n tokens need.
constexpr std::int64_t blocks_for(std::int64_t n_tokens) {
  return (n_tokens + kBlockTokens - 1) / kBlockTokens;
}

}  // namespace sputnik
