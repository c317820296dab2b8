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
  // scores: by id. byte_ids: the token of each byte, -1 for none; unknown_id stands for bytes that
  // have none, and if it is -1 too they are left out.
  SentencePieceEncoder(std::vector<float> scores, const std::array<std::int32_t, 256>& byte_ids,
                       std::int32_t unknown_id)
      : scores_(std::move(scores)), byte_ids_(byte_ids), unknown_id_(unknown_id) {}
  SentencePieceEncoder() = default;

  // Appends the tokens of text. Starting from characters, the two neighbours whose joint piece has
  // the highest score merge, the leftmost first, until no neighbours form a piece. O(n log n).
  // pieces finds those that merging may make; in both, spaces are plain.
  void encode(const PieceTable& pieces, std::string_view text,
              std::vector<std::int32_t>& out) const;

 private:
  std::vector<float> scores_;
  std::array<std::int32_t, 256> byte_ids_{};
  std::int32_t unknown_id_ = -1;
};

}  // namespace sputnik
