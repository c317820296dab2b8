// Names for what must be the same: a model, a set of items.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "model/model.h"
#include "tokenizer/tokenizer.h"

namespace sputnik::evaluation {

// XXH3 over fields, each with its length. Not against forgery.
class StableHash {
 public:
  StableHash();
  ~StableHash();
  StableHash(const StableHash&) = delete;
  StableHash& operator=(const StableHash&) = delete;

  void add(std::string_view field);
  void add(std::int64_t number);
  std::uint64_t value() const;
  std::string hex() const;  // 16 digits

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Of all weights: names, types, shapes and bytes. Of a weight above 1 MiB only 256 pages of 4 KiB
// are read, spread evenly over it, so that a model of hundreds of gigabytes need not be read whole;
// training moves every one of them.
std::string fingerprint(const Model& model);

// Of the tokens, special or not, and their ids.
std::string fingerprint(const Tokenizer& tokenizer);

}  // namespace sputnik::evaluation
