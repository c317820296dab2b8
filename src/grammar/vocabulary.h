// The vocabulary as masks need it: its bytes as tries, in parts that can be decided as a whole.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "grammar/constraint.h"

namespace sputnik::grammar {

// Plain characters are those that stand for themselves in a JSON string: no quote, backslash or
// control character. Tokens of whole plain characters are parted by how many they have: a state
// that takes any n plain characters takes every token of at most n.
constexpr std::array<int, 4> kPlainLengths = {4, 8, 16, 1 << 30};

struct TrieNode {
  std::uint32_t next;   // the node after all below this one
  std::int32_t token;   // -1: none ends here
  std::uint16_t depth;  // bytes before this one
  std::uint8_t byte;
};
using Trie = std::vector<TrieNode>;  // depth first; tokens of equal bytes are neighbours

struct VocabularyData : Vocabulary {
  struct Part {
    Trie trie;
    std::vector<std::uint64_t> mask;  // all its tokens
  };

  std::int64_t vocab_size = 0;
  std::vector<std::int32_t> end_ids;     // sorted
  std::vector<std::string> token_bytes;  // "": a control token, or none
  std::vector<bool> exists;              // control tokens included
  std::array<Part, kPlainLengths.size()> plain;
  Part other;
  Trie single_bytes;
  int max_depth = 0;

  bool is_end(std::int32_t id) const;
};

const VocabularyData& data_of(const Vocabulary& vocabulary);

}  // namespace sputnik::grammar
