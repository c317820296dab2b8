#include "grammar/fuzz_testing.h"

#include <algorithm>
#include <vector>

#include "grammar/tiny_vocabulary_testing.h"

namespace sputnik::grammar {

void exercise_grammar(const GrammarPtr& grammar, std::span<const std::uint8_t> choices) {
  constexpr std::size_t kMaxSteps = 40;
  const std::int64_t vocab_size = tiny_tokenizer().vocab_size() + 5;
  const auto constraint = constrain(grammar, tiny_vocabulary());
  std::vector<std::uint64_t> mask(mask_words(vocab_size));
  for (std::size_t step = 0; step < std::min(choices.size(), kMaxSteps); ++step) {
    constraint->allowed(mask);
    std::vector<std::int32_t> ids;
    for (std::int32_t id = 0; id < vocab_size; ++id) {
      if (mask[id / 64] >> (id % 64) & 1) ids.push_back(id);
    }
    SPUTNIK_ASSERT(!ids.empty());
    const std::int32_t id = ids[choices[step] % ids.size()];
    const bool is_end = id == tiny_id("<end>");
    // The vocabulary spells everything, so that an end is never forced. It has few control tokens.
    if (is_end && !constraint->complete()) {
      SPUTNIK_ASSERT(ids.size() == 1);
      return;
    }
    constraint->accept(id);
    if (is_end) return;
  }
}

}  // namespace sputnik::grammar
