// Memory for intermediate results: taken bit by bit, given back all at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

namespace sputnik {

// A bump allocator. allocate() moves a position through one block of memory; reset() moves it back.
// When a pass needs more than the block holds, further blocks are taken for the rest of that pass
// and the next reset() replaces them all by one block that would have held everything. A loop of
// equal passes therefore allocates nothing after the first.
//
// Owns its memory; what allocate() returned is valid until a reset() to before it. One thread at a
// time.
class Arena {
 public:
  static constexpr std::int64_t kAlignment = 64;  // a cache line, and the widest vector

  // A place to return to. Valid until a reset() to an earlier place.
  struct Mark {
    std::size_t block = 0;
    std::int64_t used_bytes = 0;
  };

  explicit Arena(std::int64_t initial_bytes = 0);

  // n_bytes >= 0 uninitialised bytes, aligned to kAlignment. Throws std::bad_alloc when the system
  // has no more.
  void* allocate(std::int64_t n_bytes);

  template <class T>
  std::span<T> allocate_span(std::int64_t n) {
    static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);
    static_assert(alignof(T) <= kAlignment);
    return {static_cast<T*>(allocate(n * static_cast<std::int64_t>(sizeof(T)))),
            static_cast<std::size_t>(n)};
  }

  Mark mark() const { return position_; }
  void reset(Mark mark);  // frees what was allocated since; keeps the blocks
  void reset();           // frees everything; the only call that replaces blocks

  std::int64_t capacity_bytes() const;
  std::int64_t peak_bytes() const {
    return peak_bytes_;
  }  // most in use at once, rounded up to kAlignment each

 private:
  struct Free {
    std::int64_t alignment;
    void operator()(std::byte* p) const;
  };
  struct Block {
    std::unique_ptr<std::byte, Free> data{nullptr, Free{kAlignment}};
    std::int64_t size_bytes = 0;
    std::int64_t before_bytes = 0;  // sum of the sizes of earlier blocks
  };

  void add_block(std::int64_t at_least_bytes);

  std::vector<Block> blocks_;
  Mark position_;
  std::int64_t peak_bytes_ = 0;
};

}  // namespace sputnik
