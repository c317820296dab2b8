#include "grammar/matcher.h"

#include <algorithm>
#include <utility>

namespace sputnik::grammar {
namespace {

// Stacks of a set. An ambiguous grammar has as many as it likes; leaving the last ones out makes
// the language smaller, never larger.
constexpr std::size_t kMaxTops = 256;
// Steps of finding out what is in a set, for the same reason.
constexpr std::size_t kMaxClosure = 16'384;
// Different sets that the walk of one mask may meet, and what they may cost. Ordinary grammars need
// some dozens.
constexpr std::int64_t kWalkBudget = 8'192;
constexpr std::size_t kMaxMasks = 128;
constexpr std::size_t kMaxBytes = std::size_t{16} << 20;  // of what is remembered, masks aside

std::uint64_t key_of(std::int32_t state, std::int32_t parent) {
  return (std::uint64_t{static_cast<std::uint32_t>(state)} << 32) |
         static_cast<std::uint32_t>(parent);
}

void set_bit(std::span<std::uint64_t> mask, std::int32_t id) {
  mask[static_cast<std::size_t>(id) / 64] |= std::uint64_t{1} << (id % 64);
}

void add_mask(std::span<std::uint64_t> mask, const std::vector<std::uint64_t>& more) {
  for (std::size_t i = 0; i < mask.size(); ++i) mask[i] |= more[i];
}

}  // namespace

Matcher::Matcher(std::shared_ptr<const Program> program,
                 std::shared_ptr<const Vocabulary> vocabulary)
    : program_(std::move(program)),
      vocabulary_owner_(std::move(vocabulary)),
      vocabulary_(data_of(*vocabulary_owner_)),
      n_classes_(program_->class_byte.size()),
      path_(vocabulary_.max_depth + 1) {
  reset();
}

void Matcher::reset() {
  frames_.clear();
  frame_numbers_.clear();
  sets_.clear();
  tops_.clear();
  transitions_.clear();
  walked_.clear();
  for (Mask& mask : masks_) mask.set = -1;
  hash_table_.assign(1024, -1);
  clear_closure();
  const std::int32_t dead = number_closure();
  SPUTNIK_ASSERT(dead == kDead);
  std::fill(transitions_.begin(), transitions_.end(), kDead);
}

Matcher::PlacePtr Matcher::begin() {
  const std::lock_guard lock(mutex_);
  std::erase_if(places_, [](const auto& place) { return place.expired(); });
  clear_closure();
  close(program_->start, -1);
  auto place = std::make_shared<Place>(Place{number_closure(), false});
  places_.push_back(place);
  return place;
}

Matcher::PlacePtr Matcher::copy(const Place& place) {
  const std::lock_guard lock(mutex_);
  if (places_.size() % 64 == 0)
    std::erase_if(places_, [](const auto& other) { return other.expired(); });
  auto result = std::make_shared<Place>(place);
  places_.push_back(result);
  return result;
}

bool Matcher::complete(const Place& place) {
  const std::lock_guard lock(mutex_);
  return place.ended || sets_[place.set].complete;
}

void Matcher::allowed(const Place& place, std::span<std::uint64_t> mask) {
  const std::lock_guard lock(mutex_);
  SPUTNIK_ASSERT(static_cast<std::int64_t>(mask.size()) == mask_words(vocabulary_.vocab_size));
  if (place.ended) {
    std::fill(mask.begin(), mask.end(), 0);
    for (const std::int32_t id : vocabulary_.end_ids) set_bit(mask, id);
    return;
  }
  forget_if_large();
  const auto& words = mask_of(place.set);
  std::copy(words.begin(), words.end(), mask.begin());
}

bool Matcher::accept(Place& place, std::int32_t id) {
  const std::lock_guard lock(mutex_);
  if (id < 0 || id >= vocabulary_.vocab_size) return false;
  if (vocabulary_.is_end(id) && (place.ended || sets_[place.set].complete)) {
    place.ended = true;
    return true;
  }
  if (place.ended) return false;
  forget_if_large();
  std::int32_t set = kDead;
  if (const std::string& bytes = vocabulary_.token_bytes[id]; !bytes.empty()) {
    set = place.set;
    for (const char byte : bytes) set = next(set, static_cast<std::uint8_t>(byte));
  }
  // A grammar may name a token that spells something as well.
  set = either(set, after_token(place.set, id));
  if (set == kDead) return false;
  place.set = set;
  return true;
}

std::int32_t Matcher::frame(std::int32_t state, std::int32_t parent) {
  const auto [at, is_new] =
      frame_numbers_.try_emplace(key_of(state, parent), static_cast<std::int32_t>(frames_.size()));
  if (is_new) frames_.push_back({state, parent, depth(parent) + 1});
  return at->second;
}

void Matcher::clear_closure() {
  found_.clear();
  seen_.clear();
  seen_many_.clear();
  found_complete_ = false;
}

// Adds what can be reached from a state without reading anything.
void Matcher::close(std::int32_t first_state, std::int32_t first_parent) {
  const auto is_new = [&](Top top) {
    constexpr std::size_t kFew = 24;
    if (seen_.size() < kFew) {
      if (std::find(seen_.begin(), seen_.end(), top) != seen_.end()) return false;
    } else {
      if (seen_many_.empty()) {
        for (const Top& seen : seen_) seen_many_.emplace(key_of(seen.state, seen.parent), true);
      }
      if (!seen_many_.emplace(key_of(top.state, top.parent), true).second) return false;
    }
    seen_.push_back(top);
    return true;
  };
  work_.assign(1, {first_state, first_parent});
  while (!work_.empty()) {
    const Top top = work_.back();
    work_.pop_back();
    if (seen_.size() >= kMaxClosure || found_.size() >= kMaxTops) return;
    const Program::State& state = program_->states[top.state];
    const std::int32_t below = depth(top.parent);
    if (below + state.need > kMaxCallDepth || !is_new(top)) continue;
    if (state.bytes_begin < state.bytes_end || state.tokens_begin < state.tokens_end)
      found_.push_back(top);
    if (state.is_end) {
      if (top.parent < 0) {
        found_complete_ = true;
      } else {
        work_.push_back({frames_[top.parent].state, frames_[top.parent].parent});
      }
    }
    for (std::int32_t i = state.calls_begin; i < state.calls_end; ++i) {
      const Program::CallStep& call = program_->call_steps[i];
      const Program::State& back = program_->states[call.to];
      if (back.is_last) {
        work_.push_back({call.start, top.parent});
      } else if (below + 1 + program_->states[call.start].need <= kMaxCallDepth &&
                 below + back.need <= kMaxCallDepth) {
        work_.push_back({call.start, frame(call.to, top.parent)});
      }
    }
    for (std::int32_t i = state.free_begin; i < state.free_end; ++i)
      work_.push_back({program_->free_steps[i], top.parent});
  }
}

// The number of the set that close() has found. Its order is how it was found: the same whenever
// the same bytes have led there.
std::int32_t Matcher::number_closure() {
  std::uint64_t hash = found_complete_ ? 1 : 0;
  for (const Top& top : found_)
    hash = (hash ^ key_of(top.state, top.parent)) * 0x9e3779b97f4a7c15u + (hash >> 31);
  hash ^= hash >> 29;
  std::size_t at = hash & (hash_table_.size() - 1);
  for (; hash_table_[at] >= 0; at = (at + 1) & (hash_table_.size() - 1)) {
    const Set& set = sets_[hash_table_[at]];
    if (set.complete == found_complete_ && set.n == found_.size() &&
        std::equal(found_.begin(), found_.end(), tops_.begin() + set.first)) {
      return hash_table_[at];
    }
  }
  const auto number = static_cast<std::int32_t>(sets_.size());
  hash_table_[at] = number;
  sets_.push_back({static_cast<std::uint32_t>(tops_.size()),
                   static_cast<std::uint32_t>(found_.size()),
                   static_cast<std::int32_t>(1 + seen_.size() / 16), -1, found_complete_});
  tops_.insert(tops_.end(), found_.begin(), found_.end());
  transitions_.resize(transitions_.size() + n_classes_, kUnknown);
  walked_.push_back(0);
  if (2 * sets_.size() > hash_table_.size()) rehash();
  return number;
}

void Matcher::rehash() {
  std::vector<std::int32_t> table(2 * hash_table_.size(), -1);
  for (std::size_t number = 0; number < sets_.size(); ++number) {
    const Set& set = sets_[number];
    std::uint64_t hash = set.complete ? 1 : 0;
    for (std::uint32_t i = set.first; i < set.first + set.n; ++i)
      hash = (hash ^ key_of(tops_[i].state, tops_[i].parent)) * 0x9e3779b97f4a7c15u + (hash >> 31);
    hash ^= hash >> 29;
    std::size_t at = hash & (table.size() - 1);
    while (table[at] >= 0) at = (at + 1) & (table.size() - 1);
    table[at] = static_cast<std::int32_t>(number);
  }
  hash_table_ = std::move(table);
}

inline std::int32_t Matcher::next(std::int32_t set, std::uint8_t byte) {
  const std::uint8_t byte_class = program_->byte_class[byte];
  const std::int32_t known = transitions_[set * n_classes_ + byte_class];
  return known != kUnknown ? known : compute_next(set, byte_class);
}

std::int32_t Matcher::compute_next(std::int32_t set, std::uint8_t byte_class) {
  const std::uint8_t byte = program_->class_byte[byte_class];
  clear_closure();
  const std::uint32_t first = sets_[set].first, n = sets_[set].n;
  for (std::uint32_t i = first; i < first + n; ++i) {
    const Top top = tops_[i];
    const Program::State& state = program_->states[top.state];
    for (std::int32_t s = state.bytes_begin; s < state.bytes_end; ++s) {
      const Program::ByteStep& step = program_->byte_steps[s];
      if (step.lo <= byte && byte <= step.hi) close(step.to, top.parent);
    }
  }
  const std::int32_t to = found_.empty() && !found_complete_ ? kDead : number_closure();
  transitions_[set * n_classes_ + byte_class] = to;
  return to;
}

std::int32_t Matcher::after_token(std::int32_t set, std::int32_t id) {
  if (program_->token_steps.empty()) return kDead;
  clear_closure();
  const std::uint32_t first = sets_[set].first, n = sets_[set].n;
  for (std::uint32_t i = first; i < first + n; ++i) {
    const Top top = tops_[i];
    const Program::State& state = program_->states[top.state];
    for (std::int32_t s = state.tokens_begin; s < state.tokens_end; ++s) {
      if (program_->token_steps[s].id == id) close(program_->token_steps[s].to, top.parent);
    }
  }
  return found_.empty() && !found_complete_ ? kDead : number_closure();
}

std::int32_t Matcher::either(std::int32_t a, std::int32_t b) {
  if (a == kDead || a == b) return b;
  if (b == kDead) return a;
  clear_closure();
  for (const std::int32_t set : {a, b}) {
    found_complete_ |= sets_[set].complete;
    for (std::uint32_t i = sets_[set].first; i < sets_[set].first + sets_[set].n; ++i) {
      if (std::find(found_.begin(), found_.end(), tops_[i]) == found_.end())
        found_.push_back(tops_[i]);
    }
  }
  return number_closure();
}

const std::vector<std::uint64_t>& Matcher::mask_of(std::int32_t set) {
  if (const std::int32_t known = sets_[set].mask; known >= 0) {
    masks_[known].used = true;
    return masks_[known].words;
  }
  // The oldest that was not asked for since the hand of the clock came by.
  if (masks_.size() < kMaxMasks) {
    next_mask_ = masks_.size();
    masks_.emplace_back();
  } else {
    while (masks_[next_mask_].used) {
      masks_[next_mask_].used = false;
      next_mask_ = (next_mask_ + 1) % kMaxMasks;
    }
  }
  Mask& mask = masks_[next_mask_];
  if (mask.set >= 0) sets_[mask.set].mask = -1;
  mask.set = -1;
  mask.words.assign(mask_words(vocabulary_.vocab_size), 0);
  make_mask(set, mask.words);
  mask.set = set;
  mask.used = false;
  sets_[set].mask = static_cast<std::int32_t>(next_mask_);
  next_mask_ = (next_mask_ + 1) % kMaxMasks;
  return mask.words;
}

void Matcher::make_mask(std::int32_t set, std::span<std::uint64_t> mask) {
  if (sets_[set].complete) {
    for (const std::int32_t id : vocabulary_.end_ids) set_bit(mask, id);
  }
  const std::uint32_t first = sets_[set].first, n = sets_[set].n;
  for (std::uint32_t i = first; i < first + n; ++i) {
    const Program::State& state = program_->states[tops_[i].state];
    for (std::int32_t s = state.tokens_begin; s < state.tokens_end; ++s) {
      const auto& [id, to] = program_->token_steps[s];
      const bool fits = depth(tops_[i].parent) + program_->states[to].need <= kMaxCallDepth;
      if (fits && id >= 0 && id < vocabulary_.vocab_size && vocabulary_.exists[id])
        set_bit(mask, id);
    }
  }
  const int run = plain_run(set);
  ++walk_number_;
  walk_budget_ = kWalkBudget;
  for (std::size_t part = 0; part < kPlainLengths.size(); ++part) {
    if (kPlainLengths[part] <= run) {
      add_mask(mask, vocabulary_.plain[part].mask);
    } else {
      walk(vocabulary_.plain[part].trie, set, mask, true);
    }
  }
  walk(vocabulary_.other.trie, set, mask, true);
  const auto is_empty = [&] {
    return std::all_of(mask.begin(), mask.end(), [](std::uint64_t word) { return word == 0; });
  };
  // The bound on the walk may have struck before anything was found. Every byte that may come next
  // is a token of its own in a vocabulary that can spell all texts.
  if (is_empty()) walk(vocabulary_.single_bytes, set, mask, false);
  // A vocabulary that cannot spell what the grammar wants: the answer ends, and is not complete.
  if (is_empty()) {
    for (const std::int32_t id : vocabulary_.end_ids) set_bit(mask, id);
  }
}

void Matcher::walk(const Trie& trie, std::int32_t set, std::span<std::uint64_t> mask,
                   bool bounded) {
  path_[0] = set;
  const std::size_t size = trie.size();
  for (std::size_t i = 0; i < size;) {
    const TrieNode& node = trie[i];
    const std::int32_t from = path_[node.depth];
    const std::int32_t to = next(from, node.byte);
    if (to == kDead) {
      i = node.next;
      continue;
    }
    if (to != from && walked_[to] != walk_number_) {
      if (bounded && walk_budget_ <= 0) {
        i = node.next;
        continue;
      }
      walked_[to] = walk_number_;
      walk_budget_ -= sets_[to].cost;
    }
    path_[node.depth + 1] = to;
    if (node.token >= 0) set_bit(mask, node.token);
    ++i;
  }
}

// Where bytes lo to hi lead from all of these sets. False: to nowhere from one of them, or to more
// sets than are worth following.
bool Matcher::targets(const std::vector<std::int32_t>& from, int lo, int hi,
                      std::vector<std::int32_t>& out) {
  constexpr std::size_t kMaxTargets = 12;
  out.clear();
  const int first = program_->byte_class[lo], last = program_->byte_class[hi];
  for (const std::int32_t set : from) {
    for (int c = first; c <= last; ++c) {
      const std::int32_t to = next(set, program_->class_byte[c]);
      if (to == kDead) return false;
      if (std::find(out.begin(), out.end(), to) == out.end()) out.push_back(to);
    }
    if (out.size() > kMaxTargets) return false;
  }
  return true;
}

// One plain character, any of them (the encodings are those of Unicode 15, table 3-7).
bool Matcher::plain_step(const std::vector<std::int32_t>& from, std::vector<std::int32_t>& out) {
  static constexpr std::uint8_t kSequences[][8] = {
      {0x20, 0x21},
      {0x23, 0x5B},
      {0x5D, 0x7F},
      {0xC2, 0xDF, 0x80, 0xBF},
      {0xE0, 0xE0, 0xA0, 0xBF, 0x80, 0xBF},
      {0xE1, 0xEC, 0x80, 0xBF, 0x80, 0xBF},
      {0xED, 0xED, 0x80, 0x9F, 0x80, 0xBF},
      {0xEE, 0xEF, 0x80, 0xBF, 0x80, 0xBF},
      {0xF0, 0xF0, 0x90, 0xBF, 0x80, 0xBF, 0x80, 0xBF},
      {0xF1, 0xF3, 0x80, 0xBF, 0x80, 0xBF, 0x80, 0xBF},
      {0xF4, 0xF4, 0x80, 0x8F, 0x80, 0xBF, 0x80, 0xBF},
  };
  out.clear();
  std::vector<std::int32_t> at, to;
  for (const auto& sequence : kSequences) {
    at = from;
    for (int i = 0; i < 8 && sequence[i + 1] != 0; i += 2) {
      if (!targets(at, sequence[i], sequence[i + 1], to)) return false;
      std::swap(at, to);
    }
    for (const std::int32_t set : at) {
      if (std::find(out.begin(), out.end(), set) == out.end()) out.push_back(set);
    }
  }
  return true;
}

// How many plain characters, whichever they are, may certainly follow: enough to know which parts
// of the vocabulary are allowed as a whole.
int Matcher::plain_run(std::int32_t set) {
  const int longest = kPlainLengths[kPlainLengths.size() - 2];
  std::vector<std::int32_t> frontier = {set}, reached, met;
  for (int n = 0; n < longest; ++n) {
    if (!plain_step(frontier, reached)) return n;
    met.insert(met.end(), frontier.begin(), frontier.end());
    std::erase_if(reached, [&](std::int32_t to) {
      return std::find(met.begin(), met.end(), to) != met.end();
    });
    if (reached.empty()) return kPlainLengths.back();  // nowhere new: it goes on for ever
    std::swap(frontier, reached);
  }
  return longest;
}

std::size_t Matcher::used_bytes() const {
  return frames_.size() * (sizeof(Frame) + 48) + sets_.size() * (sizeof(Set) + 12) +
         tops_.size() * sizeof(Top) + transitions_.size() * sizeof(std::int32_t);
}

std::size_t Matcher::memory_bytes() {
  const std::lock_guard lock(mutex_);
  std::size_t bytes = used_bytes();
  for (const Mask& mask : masks_) bytes += mask.words.size() * sizeof(std::uint64_t);
  return bytes;
}

// Begins anew with nothing but where the sequences are.
void Matcher::forget_if_large() {
  if (used_bytes() <= kMaxBytes) return;
  const auto frames = std::move(frames_);
  const auto sets = std::move(sets_);
  const auto tops = std::move(tops_);
  reset();
  std::unordered_map<std::int32_t, std::int32_t> moved = {{-1, -1}};
  std::vector<std::int32_t> chain;
  const auto move = [&](std::int32_t old) {
    for (; !moved.contains(old); old = frames[old].parent) chain.push_back(old);
    std::int32_t result = moved[old];
    for (; !chain.empty(); chain.pop_back())
      result = moved[chain.back()] = frame(frames[chain.back()].state, result);
    return result;
  };
  for (const auto& weak : places_) {
    const PlacePtr place = weak.lock();
    if (place == nullptr) continue;
    const Set& set = sets[place->set];
    clear_closure();
    for (std::uint32_t i = set.first; i < set.first + set.n; ++i)
      found_.push_back({tops[i].state, move(tops[i].parent)});
    found_complete_ = set.complete;
    place->set = number_closure();
  }
}

}  // namespace sputnik::grammar
