#include "tokenizer/tokenizer_fuzz_testing.h"

#include "base/assert.h"
#include "base/utf8.h"
#include "tokenizer/decoder.h"

namespace sputnik {

void exercise_tokenizer(TokenizerSpec spec, std::string_view text) {
  const std::int32_t unknown_id = spec.unknown_id;
  const auto made = Tokenizer::from_spec(std::move(spec));
  if (!made.ok()) return;
  const Tokenizer& tokenizer = made.value();
  for (const bool parse_special : {false, true}) {
    const auto ids =
        tokenizer.encode(text, {.parse_special = parse_special, .add_bos = parse_special});
    for (const std::int32_t id : ids) {
      SPUTNIK_ASSERT(id >= 0 && id < tokenizer.vocab_size());
      SPUTNIK_ASSERT(parse_special || !tokenizer.is_control(id) || id == unknown_id);
    }
    for (const bool skip_special : {false, true}) {
      StreamDecoder decoder(tokenizer, {.skip_special = skip_special, .at_start = true});
      std::string streamed;
      for (const std::int32_t id : ids) {
        const std::string more = decoder.push(id);
        SPUTNIK_ASSERT(is_valid_utf8(more));
        streamed += more;
      }
      streamed += decoder.flush();
      const std::string decoded = tokenizer.decode(ids, {.skip_special = skip_special});
      SPUTNIK_ASSERT(streamed == sanitize_utf8(decoded));
    }
  }
  for (std::int32_t id = -1; id <= tokenizer.vocab_size(); ++id) {
    const std::string_view bytes = tokenizer.token_bytes(id);
    SPUTNIK_ASSERT(bytes.empty() || !tokenizer.is_special(id) || tokenizer.is_control(id));
    (void)tokenizer.id_of(bytes);
  }
}

}  // namespace sputnik
