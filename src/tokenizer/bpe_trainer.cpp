#include "tokenizer/bpe_trainer.h"

#include <algorithm>
#include <queue>
#include <set>

namespace sputnik {
namespace {

// A longer word is no word: rows of dashes, base64. It would cost much and teach nothing.
constexpr std::size_t kMaxWordBytes = 128;

std::vector<PreTokenizerStep> pre_tokenizer_steps() {
  PreTokenizerStep digits, words;
  digits.kind = PreTokenizerStep::Kind::kDigits;
  digits.individual_digits = true;
  words.kind = PreTokenizerStep::Kind::kByteLevel;
  words.use_regex = true;
  return {digits, words};
}

struct Word {
  std::vector<std::uint32_t> pieces;
  std::int64_t count;
};

struct Candidate {
  std::int64_t count;
  std::uint64_t pair;
  // The most frequent first, then the pair of the lowest ids.
  bool operator<(const Candidate& other) const {
    return count != other.count ? count < other.count : pair > other.pair;
  }
};

std::uint64_t pair_of(std::uint32_t left, std::uint32_t right) {
  return std::uint64_t{left} << 32 | right;
}

// Counts of all pairs in all words, kept up to date while pairs are merged.
class Pairs {
 public:
  explicit Pairs(std::vector<Word> words) : words_(std::move(words)) {
    for (std::size_t i = 0; i < words_.size(); ++i) count(i, 1);
    push_changed();
  }

  // The best pair that is left, or a count of 0.
  Candidate take_best() {
    while (!heap_.empty()) {
      Candidate best = heap_.top();
      heap_.pop();
      const std::int64_t now = entries_[best.pair].count;
      if (now == best.count) return best;
      // Counts that grew were pushed; one that has shrunk takes its new place.
      if (now > 0 && now < best.count) heap_.push({now, best.pair});
    }
    return {0, 0};
  }

  // The pair becomes one piece, from left to right, wherever it occurs.
  void merge(std::uint64_t pair, std::uint32_t merged) {
    std::vector<std::uint32_t> places = std::move(entries_[pair].words);
    std::sort(places.begin(), places.end());
    places.erase(std::unique(places.begin(), places.end()), places.end());
    for (const std::uint32_t place : places) {
      count(place, -1);
      std::vector<std::uint32_t>& pieces = words_[place].pieces;
      std::size_t n = 0;
      for (std::size_t i = 0; i < pieces.size(); ++i) {
        if (i + 1 < pieces.size() && pair_of(pieces[i], pieces[i + 1]) == pair) {
          pieces[n++] = merged;
          ++i;
        } else {
          pieces[n++] = pieces[i];
        }
      }
      pieces.resize(n);
      count(place, 1);
    }
    push_changed();
  }

 private:
  struct Entry {
    std::int64_t count = 0;
    std::vector<std::uint32_t> words;  // that hold it, or once did; some several times
  };

  void count(std::size_t place, std::int64_t sign) {
    const Word& word = words_[place];
    for (std::size_t i = 0; i + 1 < word.pieces.size(); ++i) {
      const std::uint64_t pair = pair_of(word.pieces[i], word.pieces[i + 1]);
      Entry& entry = entries_[pair];
      entry.count += sign * word.count;
      if (sign < 0) continue;
      if (entry.words.empty() || entry.words.back() != place)
        entry.words.push_back(static_cast<std::uint32_t>(place));
      changed_.push_back(pair);
    }
  }

  void push_changed() {
    std::sort(changed_.begin(), changed_.end());
    changed_.erase(std::unique(changed_.begin(), changed_.end()), changed_.end());
    for (const std::uint64_t pair : changed_) {
      if (const std::int64_t n = entries_[pair].count; n > 0) heap_.push({n, pair});
    }
    changed_.clear();
  }

  std::vector<Word> words_;
  std::unordered_map<std::uint64_t, Entry> entries_;
  std::priority_queue<Candidate> heap_;
  std::vector<std::uint64_t> changed_;
};

}  // namespace

Result<BpeTrainer> BpeTrainer::create(BpeTrainerOptions options) {
  const std::set<std::string> different(options.control_tokens.begin(),
                                        options.control_tokens.end());
  if (different.size() != options.control_tokens.size() || different.contains(""))
    return invalid_argument("a control token is empty or named twice");
  const auto fixed = static_cast<std::int64_t>(options.control_tokens.size()) + 256;
  if (options.vocab_size < fixed) {
    return invalid_argument("vocab_size is {}, but bytes and control tokens alone are {}",
                            options.vocab_size, fixed);
  }
  SPUTNIK_TRY(PreTokenizer pre_tokenizer, PreTokenizer::create(pre_tokenizer_steps()));
  return BpeTrainer(std::move(options), std::move(pre_tokenizer));
}

void BpeTrainer::add(std::string_view text) {
  pre_tokenizer_.split(text, [&](std::string_view word) {
    if (word.size() > 1 && word.size() <= kMaxWordBytes) ++words_[std::string(word)];
  });
}

TokenizerSpec BpeTrainer::train() const {
  TokenizerSpec spec;
  spec.pre_tokenizer = pre_tokenizer_steps();
  const auto first_byte = static_cast<std::uint32_t>(options_.control_tokens.size());
  for (std::uint32_t id = 0; id < first_byte; ++id) {
    AddedToken token;
    token.id = static_cast<std::int32_t>(id);
    token.content = options_.control_tokens[id];
    token.special = std::find(options_.shown_tokens.begin(), options_.shown_tokens.end(),
                              token.content) == options_.shown_tokens.end();
    spec.added_tokens.push_back(std::move(token));
  }
  spec.pieces.resize(first_byte);
  std::unordered_map<std::string, std::uint32_t> ids;
  const auto add_piece = [&](std::string piece) {
    const auto [it, is_new] = ids.emplace(piece, static_cast<std::uint32_t>(spec.pieces.size()));
    if (is_new) spec.pieces.push_back(std::move(piece));
    return it->second;
  };
  for (int byte = 0; byte < 256; ++byte)
    add_piece(letters_of_bytes(std::string(1, static_cast<char>(byte))));

  std::vector<Word> words;
  for (const auto& [text, count] : words_) {
    Word word{{}, count};
    for (const char c : text) word.pieces.push_back(first_byte + static_cast<unsigned char>(c));
    words.push_back(std::move(word));
  }
  Pairs pairs(std::move(words));
  while (static_cast<std::int64_t>(spec.pieces.size()) < options_.vocab_size) {
    const Candidate best = pairs.take_best();
    if (best.count < std::max<std::int64_t>(options_.min_count, 1)) break;
    const std::string left = spec.pieces[best.pair >> 32];
    const std::string right = spec.pieces[best.pair & 0xffffffffu];
    spec.merges.push_back({left, right});
    pairs.merge(best.pair, add_piece(left + right));
  }
  return spec;
}

}  // namespace sputnik
