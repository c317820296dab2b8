// Text to token ids and back, as the models were trained with it.
//
// Which tokens text may become. A vocabulary holds, beside the pieces of ordinary text, tokens that
// mean something to the program around the model: beginnings and ends, roles, "<think>". Text from
// a user must not be able to forge them, so they are found in text only when the caller allows it:
//   parse_special = true   every added token of the tokenizer is found, exactly as by Hugging
//   Face's
//                          library: for text that we wrote ourselves, such as chat templates;
//   parse_special = false  control tokens are read as the ordinary text that they are spelled with.
// Control tokens are those marked special, and also those not marked but written in brackets, such
// as "<think>" or "[PAD7]": vocabularies mark them unreliably. Other added tokens are always found.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "formats/tokenizer_json.h"

namespace sputnik {

class GgufFile;

struct EncodeOptions {
  bool parse_special = false;
  bool add_bos = false;  // begin with BOS, if the tokenizer has one
};

struct DecodeOptions {
  bool skip_special = false;  // leave out the tokens that are marked special
};

// What Tokenizer::load makes a tokenizer of, for who writes it into another file.
Result<TokenizerSpec> load_tokenizer_spec(const std::filesystem::path& path);

// Immutable: any number of threads may use one at the same time. Movable, and cheap to move.
class Tokenizer {
 public:
  // kCorrupt: parts of the specification contradict each other; kUnsupported: a pre-tokenizer that
  // is not known.
  static Result<Tokenizer> from_spec(TokenizerSpec spec);

  // From a tokenizer.json, a directory that holds one, or a GGUF file. Beside a tokenizer.json, BOS
  // and EOS are read from tokenizer_config.json, if there is one. Errors begin with the path.
  static Result<Tokenizer> load(const std::filesystem::path& path);
  static Result<Tokenizer> from_gguf(const GgufFile& file);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  // Any bytes are accepted; those that are not UTF-8 become byte tokens. Time is linear in the text
  // but for a logarithm, whatever it holds.
  std::vector<std::int32_t> encode(std::string_view text, EncodeOptions options = {}) const;

  // The bytes of the tokens, one after the other. They need not be UTF-8: sanitize_utf8() makes
  // them so, and StreamDecoder cuts a growing text where characters end. A SentencePiece
  // tokenizer's space at the very beginning, which encode() put there, is taken off.
  std::string decode(std::span<const std::int32_t> ids, DecodeOptions options = {}) const;

  // "" for ids without a token: models may have more rows than the tokenizer has tokens.
  std::string_view token_bytes(std::int32_t id) const;
  // The token with exactly these bytes, added tokens first.
  std::optional<std::int32_t> id_of(std::string_view bytes) const;

  bool is_special(std::int32_t id) const;  // marked special: shown to nobody
  bool is_control(std::int32_t id) const;  // see above: not found unless parse_special

  std::int32_t vocab_size() const;  // highest id + 1
  std::optional<std::int32_t> bos_id() const;
  std::optional<std::int32_t> eos_id() const;
  // All ids that end an answer: EOS, and the vocabulary's other tokens known to mean it. Sorted.
  std::span<const std::int32_t> end_ids() const;
  // Whether prompts that are not made by a chat template are meant to begin with BOS.
  bool add_bos_by_default() const;
  // The Jinja template that came with the tokenizer, "" if none did. It is not run, only
  // recognised.
  std::string_view chat_template() const;
  // Whether decode() takes a space off the beginning.
  bool has_space_prefix() const;

 private:
  struct State;
  explicit Tokenizer(std::unique_ptr<const State> state);

  std::unique_ptr<const State> state_;
};

}  // namespace sputnik
