// Runs a program over tokens and makes masks.
//
// Where a text can be in a grammar is a set of stacks: the state reached, and the places to return
// to. Such sets are numbered, and what a byte makes of them is remembered, so that a grammar turns
// into a deterministic automaton, state by state, as it is used. A mask is then a walk over the
// vocabulary's trie with one look-up for each byte, and remembered as well.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include "grammar/program.h"
#include "grammar/vocabulary.h"

namespace sputnik::grammar {

// Shared by the constraints of one grammar; any thread may call any function.
class Matcher {
 public:
  // Where a sequence is. Made and moved by the matcher alone.
  struct Place {
    std::int32_t set = 0;
    bool ended = false;
  };
  using PlacePtr = std::shared_ptr<Place>;

  Matcher(std::shared_ptr<const Program> program, std::shared_ptr<const Vocabulary> vocabulary);

  PlacePtr begin();
  PlacePtr copy(const Place& place);
  void allowed(const Place& place, std::span<std::uint64_t> mask);
  // False, and nothing has changed: the token is not allowed.
  bool accept(Place& place, std::int32_t id);
  bool complete(const Place& place);

  // For tests of the bounds.
  std::size_t memory_bytes();

 private:
  struct Frame {
    std::int32_t state;   // to go on with
    std::int32_t parent;  // -1: none
    std::int32_t depth;   // frames from here to the bottom
  };
  struct Top {
    std::int32_t state, parent;
    bool operator==(const Top&) const = default;
  };
  struct Set {
    std::uint32_t first, n;  // of tops_
    std::int32_t cost;       // of finding out what is in it
    std::int32_t mask;       // -1: not made
    bool complete;           // the text may end here
  };
  struct Mask {
    std::int32_t set = -1;
    bool used = false;
    std::vector<std::uint64_t> words;
  };

  static constexpr std::int32_t kDead = 0;
  static constexpr std::int32_t kUnknown = -1;

  std::int32_t depth(std::int32_t frame) const { return frame < 0 ? 0 : frames_[frame].depth; }
  std::int32_t frame(std::int32_t state, std::int32_t parent);
  void clear_closure();
  void close(std::int32_t state, std::int32_t parent);
  std::int32_t number_closure();
  std::int32_t next(std::int32_t set, std::uint8_t byte);
  std::int32_t compute_next(std::int32_t set, std::uint8_t byte_class);
  std::int32_t after_token(std::int32_t set, std::int32_t id);
  std::int32_t either(std::int32_t a, std::int32_t b);

  const std::vector<std::uint64_t>& mask_of(std::int32_t set);
  void make_mask(std::int32_t set, std::span<std::uint64_t> mask);
  int plain_run(std::int32_t set);
  bool targets(const std::vector<std::int32_t>& from, int lo, int hi,
               std::vector<std::int32_t>& out);
  bool plain_step(const std::vector<std::int32_t>& from, std::vector<std::int32_t>& out);
  void walk(const Trie& trie, std::int32_t set, std::span<std::uint64_t> mask, bool bounded);

  std::size_t used_bytes() const;
  void forget_if_large();
  void reset();
  void rehash();

  std::mutex mutex_;
  std::shared_ptr<const Program> program_;
  std::shared_ptr<const Vocabulary> vocabulary_owner_;
  const VocabularyData& vocabulary_;
  std::size_t n_classes_;

  std::vector<Frame> frames_;
  std::unordered_map<std::uint64_t, std::int32_t> frame_numbers_;
  std::vector<Set> sets_;
  std::vector<Top> tops_;
  std::vector<std::int32_t> transitions_;  // [set][class]
  std::vector<std::int32_t> hash_table_;   // of sets
  std::vector<std::uint32_t> walked_;      // [set]: the last walk that met it
  std::uint32_t walk_number_ = 0;
  std::int64_t walk_budget_ = 0;
  std::vector<std::int32_t> path_;
  std::vector<Mask> masks_;
  std::size_t next_mask_ = 0;
  std::vector<std::weak_ptr<Place>> places_;

  // Scratch of close().
  std::vector<Top> work_, found_, seen_;
  std::unordered_map<std::uint64_t, bool> seen_many_;
  bool found_complete_ = false;
};

}  // namespace sputnik::grammar
