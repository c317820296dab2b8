// What may come next, decided by somebody who knows what the tokens spell.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

namespace sputnik {

// Words of a mask with one bit for each token of a vocabulary.
constexpr std::int64_t mask_words(std::int64_t vocab_size) {
  return (vocab_size + 63) / 64;
}

// One sequence's constraint and how far it has come. One thread at a time.
class TokenConstraint {
 public:
  virtual ~TokenConstraint() = default;

  // Overwrites mask, [mask_words(vocab_size)]: bit i % 64 of word i / 64 is set if token i may come
  // next. At least one is: where the text is complete and nothing may follow, the tokens that end
  // an answer. No bit of an id outside the vocabulary is set.
  virtual void allowed(std::span<std::uint64_t> mask) = 0;

  // The token that was chosen. It was allowed.
  virtual void accept(std::int32_t id) = 0;

  // The text so far is a whole one.
  virtual bool complete() const = 0;

  // Another one that has come as far: for several answers to one prompt, and for a sequence that is
  // computed again.
  virtual std::unique_ptr<TokenConstraint> clone() const = 0;
};

}  // namespace sputnik
