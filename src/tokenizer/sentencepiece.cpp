#include "tokenizer/sentencepiece.h"

#include <algorithm>

#include "base/utf8.h"

namespace sputnik {
namespace {

constexpr std::string_view kShownSpace = "\u2581";
constexpr std::size_t kNowhere = ~std::size_t{0};

// A stretch of text that is one token, or one character that has none. Empty once merged into its
// left neighbour.
struct Symbol {
  std::size_t begin, n_bytes;
  std::size_t previous, next;
};

// Symbol `left` and the one after it would form a piece, as long as together they have n_bytes.
struct Candidate {
  float score;
  std::size_t left, n_bytes;

  bool operator<(const Candidate& other) const {  // the greatest merges first
    return score != other.score ? score < other.score : left > other.left;
  }
};

}  // namespace

void append_with_plain_spaces(std::string_view text, std::string& out) {
  for (;;) {
    const std::size_t space = text.find(kShownSpace);
    out += text.substr(0, space);
    if (space == std::string_view::npos) return;
    out += ' ';
    text.remove_prefix(space + kShownSpace.size());
  }
}

void SentencePieceEncoder::encode(const PieceTable& pieces, std::string_view text,
                                  std::vector<std::int32_t>& out) const {
  std::vector<Symbol> symbols;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t n_bytes = decode_utf8(text.substr(begin)).n_bytes;
    const std::size_t i = symbols.size();
    symbols.push_back({begin, n_bytes, i == 0 ? kNowhere : i - 1, i + 1});
    begin += n_bytes;
  }
  if (symbols.empty()) return;
  symbols.back().next = kNowhere;

  std::vector<Candidate> heap;
  const auto push_pair = [&](std::size_t left) {
    const std::size_t right = left == kNowhere ? kNowhere : symbols[left].next;
    if (right == kNowhere) return;
    const std::size_t n_bytes = symbols[left].n_bytes + symbols[right].n_bytes;
    if (n_bytes > pieces.max_bytes()) return;
    const std::int32_t id = pieces.find(text.substr(symbols[left].begin, n_bytes));
    if (id == PieceTable::kNone) return;
    heap.push_back({scores_[static_cast<std::size_t>(id)], left, n_bytes});
    std::push_heap(heap.begin(), heap.end());
  };
  for (std::size_t i = 0; i + 1 < symbols.size(); ++i) push_pair(i);
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end());
    const Candidate best = heap.back();
    heap.pop_back();
    Symbol& left = symbols[best.left];
    if (left.n_bytes == 0 || left.next == kNowhere) continue;
    Symbol& right = symbols[left.next];
    if (left.n_bytes + right.n_bytes != best.n_bytes) continue;  // one of them has grown since
    left.n_bytes += right.n_bytes;
    right.n_bytes = 0;
    left.next = right.next;
    if (left.next != kNowhere) symbols[left.next].previous = best.left;
    push_pair(left.previous);
    push_pair(best.left);
  }

  for (std::size_t i = 0; i != kNowhere; i = symbols[i].next) {
    const std::string_view piece = text.substr(symbols[i].begin, symbols[i].n_bytes);
    const std::int32_t id = pieces.find(piece);
    if (id != PieceTable::kNone) {
      out.push_back(id);
      continue;
    }
    for (const char c : piece) {
      const std::int32_t byte_id = byte_ids_[static_cast<unsigned char>(c)];
      const std::int32_t token = byte_id >= 0 ? byte_id : unknown_id_;
      if (token >= 0) out.push_back(token);
    }
  }
}

}  // namespace sputnik
