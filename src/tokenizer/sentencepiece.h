// SentencePiece's BPE (Kudo & Richardson 2018, arXiv:1808.06226), as in Llama 2 and in GGUF files
// of tokenizer model "llama": no words, merges by score, bytes for what has no piece.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/piece_table.h"

namespace sputnik {

// Appends text with spaces for the U+2581 that vocabularies show them as.
void append_with_plain_spaces(std::string_view text, std::string& out);

// Immutable. Ids are those of the pieces.
class SentencePieceEncoder {
 public:
  // pieces: finds those that merging may make; in them, spaces are plain. scores: by id. byte_ids:
  // the token of each byte, -1 for none; unknown_id stands for bytes that have none, and if it is
  // -1 too they are left out.
  SentencePieceEncoder(const PieceTable& pieces, std::vector<float> scores,
                       const std::array<std::int32_t, 256>& byte_ids, std::int32_t unknown_id);

  // Appends the tokens of text, in which spaces are plain. Starting from characters, the two
  // neighbours whose joint piece has the highest score merge, the leftmost first, until no
  // neighbours form a piece. O(n log n) in stretches that pieces could span, O(n) beyond them.
  void encode(const PieceTable& pieces, std::string_view text,
              std::vector<std::int32_t>& out) const;

 private:
  struct Symbol;
  struct Candidate;
  struct Scratch;

  void encode_stretch(const PieceTable& pieces, Scratch& scratch,
                      std::vector<std::int32_t>& out) const;
  void push_pair(const PieceTable& pieces, Scratch& scratch, std::size_t left) const;
  void append_symbol(const PieceTable& pieces, std::string_view symbol,
                     std::vector<std::int32_t>& out) const;

  std::vector<float> scores_;
  std::array<std::int32_t, 256> byte_ids_;
  std::int32_t unknown_id_;
  // [256 * a + b]: whether some piece holds the bytes a and b side by side. Where none does,
  // nothing can merge, and text can be cut.
  std::vector<bool> joins_;
};

}  // namespace sputnik
