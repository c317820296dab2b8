#include "tokenizer/bpe.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "formats/printable.h"

namespace sputnik {
namespace {

constexpr std::uint32_t kNoRank = 0xFFFFFFFF;
constexpr std::uint32_t kNowhere = 0xFFFFFFFF;
constexpr std::size_t kMaxIdsOfByte = 3;  // of one that has no piece
// Up to this many bytes it is quicker to look at all neighbours again than to keep a heap of them.
constexpr std::size_t kShortWord = 48;
// Beyond this many the heap falls out of the caches; what replaces it is worth its set-up.
constexpr std::size_t kLongWord = 4096;
// Positions are 32-bit numbers. A longer word, which takes a text of a gigabyte without a space, is
// cut.
constexpr std::size_t kMaxWord = std::size_t{1} << 30;

constexpr std::uint32_t kFirstLetter = 0x100;  // of the bytes that do not stand for themselves
constexpr std::size_t kNumLetters = 0x144;

bool stands_for_itself(int byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

// Letter -> byte, -1 for what is no letter.
std::array<int, kNumLetters> make_alphabet() {
  std::array<int, kNumLetters> byte_of;
  byte_of.fill(-1);
  std::uint32_t next = kFirstLetter;
  for (int byte = 0; byte < 256; ++byte) {
    byte_of[stands_for_itself(byte) ? static_cast<std::uint32_t>(byte) : next++] = byte;
  }
  return byte_of;
}

using Nodes = std::vector<BpeScratch::Node>;

// The pair at a position becomes one token.
void merge_with_next(Nodes& nodes, std::uint32_t position, std::uint32_t merged) {
  BpeScratch::Node& left = nodes[position];
  BpeScratch::Node& right = nodes[left.next];
  left.id = merged;
  left.next = right.next;
  right.rank = kNoRank;  // its token is gone
  if (left.next != kNowhere) nodes[left.next].previous = position;
}

void append_ids(const Nodes& nodes, std::vector<std::int32_t>& out) {
  for (std::uint32_t i = 0; i != kNowhere; i = nodes[i].next) {
    out.push_back(static_cast<std::int32_t>(nodes[i].id));
  }
}

// Bytes that never occur in UTF-8.
bool is_impossible_byte(int byte) {
  return byte == 0xC0 || byte == 0xC1 || byte >= 0xF5;
}

}  // namespace

std::optional<std::string> bytes_of_letters(std::string_view letters) {
  static const std::array<int, kNumLetters> byte_of = make_alphabet();
  std::string bytes;
  bytes.reserve(letters.size());
  while (!letters.empty()) {
    const DecodedCodePoint c = decode_utf8(letters);
    if (!c.valid || c.code_point >= kNumLetters || byte_of[c.code_point] < 0) return std::nullopt;
    bytes += static_cast<char>(byte_of[c.code_point]);
    letters.remove_prefix(c.n_bytes);
  }
  return bytes;
}

Result<BytePairEncoder> BytePairEncoder::create(const PieceTable& pieces,
                                                const std::vector<TokenizerMerge>& merges,
                                                bool ignore_merges) {
  BytePairEncoder encoder;
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    encoder.byte_ids_[static_cast<std::size_t>(byte)] = pieces.find({&c, 1});
    if (encoder.byte_ids_[static_cast<std::size_t>(byte)] == PieceTable::kNone &&
        !is_impossible_byte(byte)) {
      return corrupt("vocab has no piece for the byte 0x{:02X}", byte);
    }
  }
  encoder.merges_ = PairMap(merges.size());
  std::vector<bool> is_used(pieces.size());  // by a merge so far
  std::string joined;
  for (std::size_t rank = 0; rank < merges.size(); ++rank) {
    const auto find = [&](const std::string& letters) {
      const auto bytes = bytes_of_letters(letters);
      if (!bytes) return PieceTable::kNone;
      joined += *bytes;
      return pieces.find(*bytes);
    };
    joined.clear();
    const std::int32_t left = find(merges[rank].left), right = find(merges[rank].right);
    const std::int32_t both = pieces.find(joined);
    if (left == PieceTable::kNone || right == PieceTable::kNone || both == PieceTable::kNone) {
      return corrupt(
          "merges[{}], \"{}\" and \"{}\": one of them or the two together are not in vocab", rank,
          printable(merges[rank].left), printable(merges[rank].right));
    }
    is_used[static_cast<std::size_t>(left)] = is_used[static_cast<std::size_t>(right)] = true;
    if (is_used[static_cast<std::size_t>(both)]) encoder.in_order_ = false;
    encoder.merged_.push_back(static_cast<std::uint32_t>(both));
    encoder.merges_.insert(static_cast<std::uint32_t>(left), static_cast<std::uint32_t>(right),
                           static_cast<std::uint32_t>(rank), static_cast<std::uint32_t>(both));
  }

  // Most words of a text are pieces. What merging makes of each is found out here, once, so that
  // encode() can answer with a look-up.
  encoder.is_whole_.resize(pieces.size(), ignore_merges);
  BpeScratch scratch;
  std::vector<std::int32_t> tokens;
  for (std::size_t id = 0; id < pieces.size() && !ignore_merges; ++id) {
    const std::string_view piece = pieces.bytes(id);
    if (pieces.find(piece) != static_cast<std::int32_t>(id)) continue;
    tokens.clear();
    encoder.encode(pieces, piece, scratch, tokens);
    encoder.is_whole_[id] = tokens.size() == 1;
  }
  return encoder;
}

// Calls on_id with the token of each byte: one, or three for a byte without.
template <class OnId>
void BytePairEncoder::for_each_byte(std::string_view word, const OnId& on_id) const {
  for (const char c : word) {
    const std::int32_t id = byte_ids_[static_cast<unsigned char>(c)];
    if (id != PieceTable::kNone) {
      on_id(static_cast<std::uint32_t>(id));
      continue;
    }
    for (const std::size_t byte : {0xEF, 0xBF, 0xBD}) {
      on_id(static_cast<std::uint32_t>(byte_ids_[byte]));
    }
  }
}

void BytePairEncoder::encode(const PieceTable& pieces, std::string_view word, BpeScratch& scratch,
                             std::vector<std::int32_t>& out) const {
  if (word.size() <= pieces.max_bytes()) {
    const std::int32_t id = pieces.find(word);
    if (id != PieceTable::kNone && is_whole_[static_cast<std::size_t>(id)]) {
      out.push_back(id);
      return;
    }
  }
  for (; word.size() > kMaxWord; word.remove_prefix(kMaxWord)) {
    encode(pieces, word.substr(0, kMaxWord), scratch, out);
  }
  if (word.size() <= kShortWord) {
    merge_short(word, out);
  } else if (word.size() <= kLongWord || !in_order_) {
    merge_long(word, scratch, out);
  } else {
    merge_huge(word, scratch, out);
  }
}

void BytePairEncoder::merge_short(std::string_view word, std::vector<std::int32_t>& out) const {
  // ids[0 .. n) are the tokens so far; rank[i] and merged[i] are those of the pair (i, i + 1).
  constexpr std::size_t kMaxIds = kMaxIdsOfByte * kShortWord;
  std::uint32_t ids[kMaxIds], rank[kMaxIds], merged[kMaxIds];
  std::size_t n = 0;
  for_each_byte(word, [&](std::uint32_t id) { ids[n++] = id; });
  const auto look_up = [&](std::size_t i) {
    const PairMap::Entry* merge = merges_.find(ids[i], ids[i + 1]);
    rank[i] = merge ? merge->first : kNoRank;
    merged[i] = merge ? merge->second : 0;
  };
  for (std::size_t i = 0; i + 1 < n; ++i) look_up(i);
  while (n > 1) {
    const std::size_t best = static_cast<std::size_t>(std::min_element(rank, rank + n - 1) - rank);
    if (rank[best] == kNoRank) break;
    ids[best] = merged[best];
    // The right half leaves the list, and the pair that it began.
    for (std::size_t i = best + 1; i + 1 < n; ++i) ids[i] = ids[i + 1];
    for (std::size_t i = best + 1; i + 2 < n; ++i) {
      rank[i] = rank[i + 1];
      merged[i] = merged[i + 1];
    }
    --n;
    if (best + 1 < n) look_up(best);
    if (best > 0) look_up(best - 1);
  }
  for (std::size_t i = 0; i < n; ++i) out.push_back(static_cast<std::int32_t>(ids[i]));
}

std::uint32_t BytePairEncoder::rank_of_pair(const Nodes& nodes, std::uint32_t i) const {
  const std::uint32_t next = nodes[i].next;
  if (next == kNowhere) return kNoRank;
  const PairMap::Entry* merge = merges_.find(nodes[i].id, nodes[next].id);
  return merge ? merge->first : kNoRank;
}

void BytePairEncoder::make_nodes(std::string_view word, Nodes& nodes) const {
  nodes.clear();
  nodes.reserve(word.size());
  for_each_byte(word, [&](std::uint32_t id) {
    const auto i = static_cast<std::uint32_t>(nodes.size());
    nodes.push_back({id, i > 0 ? i - 1 : kNowhere, i + 1, kNoRank});
  });
  nodes.back().next = kNowhere;
  for (std::uint32_t i = 0; i < nodes.size(); ++i) nodes[i].rank = rank_of_pair(nodes, i);
}

void BytePairEncoder::merge_long(std::string_view word, BpeScratch& scratch,
                                 std::vector<std::int32_t>& out) const {
  // A heap of (rank, position). An entry whose pair has changed since is recognised by its rank and
  // dropped.
  Nodes& nodes = scratch.nodes;
  make_nodes(word, nodes);
  std::vector<std::uint64_t>& heap = scratch.heap;
  const auto smallest_first = std::greater<std::uint64_t>();
  heap.clear();
  for (std::uint32_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].rank != kNoRank) heap.push_back(std::uint64_t{nodes[i].rank} << 32 | i);
  }
  std::make_heap(heap.begin(), heap.end(), smallest_first);
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), smallest_first);
    const auto rank = static_cast<std::uint32_t>(heap.back() >> 32);
    const auto position = static_cast<std::uint32_t>(heap.back());
    heap.pop_back();
    if (nodes[position].rank != rank) continue;
    merge_with_next(nodes, position, merged_[rank]);
    for (const std::uint32_t i : {position, nodes[position].previous}) {
      if (i == kNowhere) continue;
      nodes[i].rank = rank_of_pair(nodes, i);
      if (nodes[i].rank == kNoRank) continue;
      heap.push_back(std::uint64_t{nodes[i].rank} << 32 | i);
      std::push_heap(heap.begin(), heap.end(), smallest_first);
    }
  }
  append_ids(nodes, out);
}

void BytePairEncoder::merge_huge(std::string_view word, BpeScratch& scratch,
                                 std::vector<std::int32_t>& out) const {
  // One list of places for each merge, and a heap of the merges: all places of one are worked off
  // from left to right, so memory is passed over in order, where a heap of places would jump about.
  // New pairs only go to lists that are still to come, because merges are in order.
  Nodes& nodes = scratch.nodes;
  make_nodes(word, nodes);
  std::vector<BpeScratch::Places>& places = scratch.places;
  std::vector<std::uint32_t>&last_places = scratch.last_places, &ranks = scratch.ranks;
  const auto smallest_first = std::greater<std::uint32_t>();
  places.clear();
  ranks.clear();
  last_places.resize(merged_.size(), kNowhere);  // all lists are empty between words
  std::uint32_t free_places = kNowhere;          // a list of those to be used again
  const auto add_place = [&](std::uint32_t i) {
    const std::uint32_t rank = nodes[i].rank;
    if (rank == kNoRank) return;
    std::uint32_t& last = last_places[rank];
    if (last == kNowhere) {
      ranks.push_back(rank);
      std::push_heap(ranks.begin(), ranks.end(), smallest_first);
    }
    if (last == kNowhere || places[last].n == places[last].positions.size()) {
      std::uint32_t empty = free_places;
      if (empty == kNowhere) {
        empty = static_cast<std::uint32_t>(places.size());
        places.emplace_back();
      } else {
        free_places = places[empty].next;
      }
      places[empty].n = 0;
      places[empty].next = std::exchange(last, empty);
    }
    places[last].positions[places[last].n++] = i;
  };
  for (std::uint32_t i = 0; i < nodes.size(); ++i) add_place(i);
  while (!ranks.empty()) {
    const std::uint32_t rank = ranks.front();
    std::pop_heap(ranks.begin(), ranks.end(), smallest_first);
    ranks.pop_back();
    std::vector<std::uint32_t>& positions = scratch.positions;
    positions.clear();
    for (std::uint32_t some = std::exchange(last_places[rank], kNowhere); some != kNowhere;) {
      const auto begin = places[some].positions.begin();
      positions.insert(positions.end(), std::make_reverse_iterator(begin + places[some].n),
                       std::make_reverse_iterator(begin));
      const std::uint32_t next = std::exchange(places[some].next, free_places);
      free_places = std::exchange(some, next);
    }
    // From the last to the first so far, but for some that are out of order.
    std::reverse(positions.begin(), positions.end());
    if (!std::is_sorted(positions.begin(), positions.end())) {
      std::sort(positions.begin(), positions.end());
    }
    for (const std::uint32_t position : positions) {
      if (nodes[position].rank != rank) continue;  // the pair has changed since
      merge_with_next(nodes, position, merged_[rank]);
      for (const std::uint32_t i : {nodes[position].previous, position}) {
        if (i == kNowhere) continue;
        nodes[i].rank = rank_of_pair(nodes, i);
        add_place(i);
      }
    }
  }
  append_ids(nodes, out);
}

}  // namespace sputnik
