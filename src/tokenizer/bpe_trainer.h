// A byte-level BPE tokenizer made from text: the pair of neighbours that occurs most often becomes
// a piece, again and again (Sennrich, Haddow & Birch 2016, arXiv:1508.07909).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "formats/tokenizer_json.h"
#include "tokenizer/pre_tokenizer.h"

namespace sputnik {

struct BpeTrainerOptions {
  std::int64_t vocab_size = 4096;           // control tokens and the 256 bytes included
  std::vector<std::string> control_tokens;  // take the first ids, in this order
  std::int64_t min_count = 2;               // of a pair that becomes a piece
  // Of control_tokens: not marked special, so that programs which leave out special tokens show
  // them, as they show "<think>" of R1.
  std::vector<std::string> shown_tokens = {};
};

// Words are cut as GPT-2 does, and every digit is a word. The result depends on how often each word
// came, not on the order of the texts; pairs that are equally frequent are taken in the order of
// their ids.
class BpeTrainer {
 public:
  // kInvalidArgument: a vocabulary without room for bytes and control tokens, or one of these
  // twice.
  static Result<BpeTrainer> create(BpeTrainerOptions options);

  void add(std::string_view text);  // without control tokens

  // Has fewer pieces than asked for if no pair is left that is frequent enough.
  TokenizerSpec train() const;

 private:
  BpeTrainer(BpeTrainerOptions options, PreTokenizer pre_tokenizer)
      : options_(std::move(options)), pre_tokenizer_(std::move(pre_tokenizer)) {}

  BpeTrainerOptions options_;
  PreTokenizer pre_tokenizer_;
  std::unordered_map<std::string, std::int64_t> words_;
};

}  // namespace sputnik
