#include "evaluation/stable_hash.h"

#include <fmt/format.h>
#include <xxhash.h>

#include "base/assert.h"

namespace sputnik::evaluation {

struct StableHash::State {
  XXH3_state_t* xxh3 = XXH3_createState();
  State() {
    SPUTNIK_ASSERT(xxh3 != nullptr);
    XXH3_64bits_reset(xxh3);
  }
  ~State() { XXH3_freeState(xxh3); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

StableHash::StableHash() : state_(std::make_unique<State>()) {}
StableHash::~StableHash() = default;

void StableHash::add(std::string_view field) {
  add(static_cast<std::int64_t>(field.size()));
  XXH3_64bits_update(state_->xxh3, field.data(), field.size());
}

void StableHash::add(std::int64_t number) {
  XXH3_64bits_update(state_->xxh3, &number, sizeof number);
}

std::uint64_t StableHash::value() const {
  return XXH3_64bits_digest(state_->xxh3);
}

std::string StableHash::hex() const {
  return fmt::format("{:016x}", value());
}

std::string fingerprint(const Model& model) {
  constexpr std::int64_t kWhole = std::int64_t{1} << 20;
  constexpr std::int64_t kPages = 256, kPage = 4096;
  StableHash hash;
  for (const Weight* w : model.weights()) {
    hash.add(w->name);
    for (const std::int64_t number : {static_cast<std::int64_t>(w->dtype), w->rows, w->cols})
      hash.add(number);
    const auto* bytes = reinterpret_cast<const char*>(w->data);
    const std::int64_t n = w->bytes();
    if (n <= kWhole) {
      hash.add(std::string_view(bytes, static_cast<std::size_t>(n)));
      continue;
    }
    for (std::int64_t i = 0; i < kPages; ++i)
      hash.add(std::string_view(bytes + (n - kPage) / (kPages - 1) * i, kPage));
  }
  return hash.hex();
}

std::string fingerprint(const Tokenizer& tokenizer) {
  StableHash hash;
  for (std::int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    hash.add(tokenizer.token_bytes(id));
    hash.add((tokenizer.is_special(id) ? 1 : 0) + (tokenizer.is_control(id) ? 2 : 0));
  }
  return hash.hex();
}

}  // namespace sputnik::evaluation
