// Byte-pair encoding of one word: Sennrich et al. 2016 (arXiv:1508.07909), over bytes as in GPT-2.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "formats/tokenizer_json.h"
#include "tokenizer/flat_hash.h"
#include "tokenizer/piece_table.h"

namespace sputnik {

// What encode() needs beside the text; reused from word to word, one per thread.
struct BpeScratch {
  // A token of the word so far, at the position of its first byte.
  struct Node {
    std::uint32_t id;
    std::uint32_t previous, next;  // positions of its neighbours
    std::uint32_t rank;            // of the merge with the next one
  };
  // Positions where one merge was possible; a cache line full. Those of one merge are a list.
  struct Places {
    std::uint32_t next;  // in the list: the ones before these
    std::uint32_t n;
    std::array<std::uint32_t, 14> positions;
  };

  std::vector<Node> nodes;
  std::vector<std::uint64_t> heap;
  std::vector<Places> places;
  std::vector<std::uint32_t> last_places;  // by rank: the head of its list in places
  std::vector<std::uint32_t> ranks;        // a heap of those that have a list
  std::vector<std::uint32_t> positions;
};

// Immutable after create(). Ids are those of the pieces.
class BytePairEncoder {
 public:
  // pieces: the bytes of every token; findable: those that merging may make. kCorrupt: a byte that
  // UTF-8 text can hold has no piece, or a merge names or makes a piece that is not there.
  static Result<BytePairEncoder> create(const PieceTable& pieces,
                                        const std::vector<TokenizerMerge>& merges,
                                        bool ignore_merges);

  // Appends the tokens of a word, not empty. Of all neighbours that can merge, those whose merge
  // stands first in the list do, from left to right, until none can. O(n log n). Bytes that no
  // valid text holds, and that have no piece, become those of U+FFFD.
  void encode(const PieceTable& pieces, std::string_view word, BpeScratch& scratch,
              std::vector<std::int32_t>& out) const;

 private:
  BytePairEncoder() = default;

  // Three ways to the same tokens, for words of growing length. The last needs in_order_.
  void merge_short(std::string_view word, std::vector<std::int32_t>& out) const;
  void merge_long(std::string_view word, BpeScratch& scratch, std::vector<std::int32_t>& out) const;
  void merge_huge(std::string_view word, BpeScratch& scratch, std::vector<std::int32_t>& out) const;

  template <class OnId>
  void for_each_byte(std::string_view word, const OnId& on_id) const;
  void make_nodes(std::string_view word, std::vector<BpeScratch::Node>& nodes) const;
  std::uint32_t rank_of_pair(const std::vector<BpeScratch::Node>& nodes, std::uint32_t i) const;

  std::array<std::int32_t, 256> byte_ids_{};
  PairMap merges_;                     // (left id, right id) -> rank, id of both together
  std::vector<std::uint32_t> merged_;  // by rank: the id of both together
  // Every merge that makes a piece stands before those that use it, as training leaves them.
  bool in_order_ = true;
  std::vector<bool> is_whole_;  // by id: encoding the piece as a word gives the piece itself
};

// GPT-2's alphabet: a printable letter for each byte. Vocabularies are spelled in it.
// nullopt: the text has a letter that is not of the alphabet.
std::optional<std::string> bytes_of_letters(std::string_view letters);

}  // namespace sputnik
