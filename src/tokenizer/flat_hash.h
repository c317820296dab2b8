// Hash tables for the inner loops of tokenizers: open addressing in one array, filled once, then
// only read.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/assert.h"

namespace sputnik {

// Different in every process, so that no file can be made whose keys all collide.
std::uint64_t hash_seed();

// The two halves of the 128-bit product, folded: every bit of a and b reaches every bit of the
// result.
inline std::uint64_t hash_mix(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{a} * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

inline std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed) {
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15u, kOther = 0xbf58476d1ce4e5b9u;
  const auto read = [](const char* p, std::size_t n) {
    std::uint64_t word = 0;
    std::memcpy(&word, p, n);
    return word;
  };
  const char* p = bytes.data();
  std::size_t n = bytes.size();
  std::uint64_t hash = seed ^ (n * kOdd);
  for (; n > 16; n -= 16, p += 16) hash = hash_mix(read(p, 8) ^ kOther, read(p + 8, 8) ^ hash);
  // The last 16 bytes or fewer, as two words that may overlap: no branch per byte.
  std::uint64_t low = 0, high = 0;
  if (n >= 8) {
    low = read(p, 8);
    high = read(p + n - 8, 8);
  } else if (n >= 4) {
    low = read(p, 4);
    high = read(p + n - 4, 4);
  } else if (n > 0) {
    low = static_cast<unsigned char>(p[0]) |
          std::uint64_t{static_cast<unsigned char>(p[n / 2])} << 8 |
          std::uint64_t{static_cast<unsigned char>(p[n - 1])} << 16;
  }
  return hash_mix(hash_mix(low ^ kOther, high ^ hash), kOdd);
}

// For unordered containers of strings.
struct SeededHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return hash_bytes(text, hash_seed()); }
};

// (left, right) -> two numbers. Keys may be anything but (2^32-1, 2^32-1).
class PairMap {
 public:
  struct Entry {
    std::uint64_t key = kEmpty;
    std::uint32_t first = 0, second = 0;
  };

  explicit PairMap(std::size_t n_keys = 0)
      : slots_(std::bit_ceil(n_keys * 2 + 1)), mask_(slots_.size() - 1), seed_(hash_seed() | 1) {}

  // Replaces what the key had. At most n_keys different keys.
  void insert(std::uint32_t left, std::uint32_t right, std::uint32_t first, std::uint32_t second) {
    const std::uint64_t key = key_of(left, right);
    SPUTNIK_DASSERT(key != kEmpty);
    std::size_t i = slot_of(key);
    while (slots_[i].key != kEmpty && slots_[i].key != key) i = (i + 1) & mask_;
    slots_[i] = {key, first, second};
  }

  const Entry* find(std::uint32_t left, std::uint32_t right) const {
    const std::uint64_t key = key_of(left, right);
    for (std::size_t i = slot_of(key);; i = (i + 1) & mask_) {
      if (slots_[i].key == key) return &slots_[i];
      if (slots_[i].key == kEmpty) return nullptr;
    }
  }

 private:
  static constexpr std::uint64_t kEmpty = ~std::uint64_t{0};

  static std::uint64_t key_of(std::uint32_t left, std::uint32_t right) {
    return std::uint64_t{left} << 32 | right;
  }
  std::size_t slot_of(std::uint64_t key) const {
    return static_cast<std::size_t>(hash_mix(key ^ seed_, 0x9e3779b97f4a7c15u)) & mask_;
  }

  std::vector<Entry> slots_;
  std::size_t mask_;
  std::uint64_t seed_;
};

}  // namespace sputnik
