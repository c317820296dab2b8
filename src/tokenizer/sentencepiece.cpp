#include "tokenizer/sentencepiece.h"

#include <algorithm>

#include "base/utf8.h"

namespace sputnik {
namespace {

constexpr std::string_view kShownSpace = "\u2581";
constexpr std::size_t kNowhere = ~std::size_t{0};

std::size_t index_of_bytes(char a, char b) {
  return std::size_t{static_cast<unsigned char>(a)} << 8 | static_cast<unsigned char>(b);
}

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

// A part of the text that is one token, or one character that has none. Empty once merged into its
// left neighbour.
struct SentencePieceEncoder::Symbol {
  std::string_view text;
  std::size_t previous, next;
};

// Symbol `left` and the one after it would form a piece, as long as together they have n_bytes.
struct SentencePieceEncoder::Candidate {
  float score;
  std::size_t left, n_bytes;

  bool operator<(const Candidate& other) const {  // the greatest merges first
    return score != other.score ? score < other.score : left > other.left;
  }
};

struct SentencePieceEncoder::Scratch {
  std::vector<Symbol> symbols;
  std::vector<Candidate> heap;
};

SentencePieceEncoder::SentencePieceEncoder(const PieceTable& pieces, std::vector<float> scores,
                                           const std::array<std::int32_t, 256>& byte_ids,
                                           std::int32_t unknown_id)
    : scores_(std::move(scores)),
      byte_ids_(byte_ids),
      unknown_id_(unknown_id),
      joins_(std::size_t{256} * 256) {
  for (std::size_t id = 0; id < pieces.size(); ++id) {
    const std::string_view piece = pieces.bytes(id);
    if (pieces.find(piece) != static_cast<std::int32_t>(id)) continue;
    for (std::size_t i = 1; i < piece.size(); ++i) {
      joins_[index_of_bytes(piece[i - 1], piece[i])] = true;
    }
  }
}

void SentencePieceEncoder::encode(const PieceTable& pieces, std::string_view text,
                                  std::vector<std::int32_t>& out) const {
  Scratch scratch;
  std::vector<Symbol>& symbols = scratch.symbols;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t n_bytes = decode_utf8(text.substr(begin)).n_bytes;
    if (begin > 0 && !joins_[index_of_bytes(text[begin - 1], text[begin])]) {
      encode_stretch(pieces, scratch, out);
      symbols.clear();
    }
    const std::size_t i = symbols.size();
    symbols.push_back({text.substr(begin, n_bytes), i == 0 ? kNowhere : i - 1, i + 1});
    begin += n_bytes;
  }
  encode_stretch(pieces, scratch, out);
}

void SentencePieceEncoder::encode_stretch(const PieceTable& pieces, Scratch& scratch,
                                          std::vector<std::int32_t>& out) const {
  auto& [symbols, heap] = scratch;
  if (symbols.empty()) return;
  symbols.back().next = kNowhere;
  heap.clear();
  for (std::size_t i = 0; i + 1 < symbols.size(); ++i) push_pair(pieces, scratch, i);
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end());
    const Candidate best = heap.back();
    heap.pop_back();
    Symbol& left = symbols[best.left];
    if (left.text.empty() || left.next == kNowhere) continue;
    Symbol& right = symbols[left.next];
    if (left.text.size() + right.text.size() != best.n_bytes) continue;  // one has grown since
    left.text = {left.text.data(), best.n_bytes};
    right.text = {};
    left.next = right.next;
    if (left.next != kNowhere) symbols[left.next].previous = best.left;
    push_pair(pieces, scratch, left.previous);
    push_pair(pieces, scratch, best.left);
  }
  for (std::size_t i = 0; i != kNowhere; i = symbols[i].next) {
    append_symbol(pieces, symbols[i].text, out);
  }
}

void SentencePieceEncoder::push_pair(const PieceTable& pieces, Scratch& scratch,
                                     std::size_t left) const {
  const auto& symbols = scratch.symbols;
  const std::size_t right = left == kNowhere ? kNowhere : symbols[left].next;
  if (right == kNowhere) return;
  const std::size_t n_bytes = symbols[left].text.size() + symbols[right].text.size();
  if (n_bytes > pieces.max_bytes()) return;
  const std::int32_t id = pieces.find({symbols[left].text.data(), n_bytes});
  if (id == PieceTable::kNone) return;
  scratch.heap.push_back({scores_[static_cast<std::size_t>(id)], left, n_bytes});
  std::push_heap(scratch.heap.begin(), scratch.heap.end());
}

void SentencePieceEncoder::append_symbol(const PieceTable& pieces, std::string_view symbol,
                                         std::vector<std::int32_t>& out) const {
  const std::int32_t id = pieces.find(symbol);
  if (id != PieceTable::kNone) {
    out.push_back(id);
    return;
  }
  for (const char c : symbol) {
    const std::int32_t byte_id = byte_ids_[static_cast<unsigned char>(c)];
    const std::int32_t token = byte_id >= 0 ? byte_id : unknown_id_;
    if (token >= 0) out.push_back(token);
  }
}

}  // namespace sputnik
