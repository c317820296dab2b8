// Tokens of punctuation and line breaks, taken apart.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "tokenizer/tokenizer.h"
#include "train/document.h"

namespace sputnik {

// A tokenizer that merges ".\n" meets "." alone where a prompt ends without the line break, and
// what it learned about ".\n" does not help there. DeepSeek-V3 split a share of such tokens at
// random while it was trained (report, section 4.1).
class NewlineSplitter {
 public:
  explicit NewlineSplitter(const Tokenizer& tokenizer);

  // Each token that can be split is, with this probability. Both halves count as the whole did.
  void split(TokenDocument& document, double rate, Rng& rng) const;

 private:
  std::vector<std::pair<std::int32_t, std::int32_t>> halves_;  // by token; {-1, -1}: it stays
};

}  // namespace sputnik
