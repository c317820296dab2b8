// Hugging Face's tokenizer.json: byte-level BPE, as DeepSeek, Qwen2, Llama-3 and GPT-2 use it.
// Format and meaning: the Rust library huggingface/tokenizers. What a tokenizer needs beside it,
// such as BOS, stands in tokenizer_config.json.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sputnik {

enum class TokenizerModel {
  kByteLevelBpe,      // merges of pairs by rank; pieces are spelled in GPT-2's byte alphabet
  kSentencePieceBpe,  // merges of neighbours by score; U+2581 stands for a space
};

// Two pieces that become one; the earlier in the list, the sooner.
struct TokenizerMerge {
  std::string left, right;
};

// A piece that is found in the text itself, before it is cut into words.
struct AddedToken {
  std::int32_t id = 0;
  std::string content;  // plain text, UTF-8
  bool special = false;
  bool normalized = false;   // matched after normalisation rather than before
  bool lstrip = false;       // swallows whitespace on its left
  bool rstrip = false;       // and on its right
  bool single_word = false;  // only where no word character touches it
};

struct PreTokenizerStep {
  enum class Kind {
    kSplit,      // matches of pattern become pieces, and so does what lies between them
    kDigits,     // runs of numbers become pieces, or each digit one
    kByteLevel,  // bytes become letters of the alphabet; with use_regex, splits as GPT-2 does
  };
  Kind kind = Kind::kSplit;
  std::string pattern;
  bool individual_digits = false;
  bool add_prefix_space = false;
  bool use_regex = false;
};

// All that defines a tokenizer, from whichever file. Owns its strings.
struct TokenizerSpec {
  TokenizerModel model = TokenizerModel::kByteLevelBpe;
  std::vector<std::string> pieces;  // by id, as the file spells them; "": no piece has this id
  std::vector<TokenizerMerge> merges;
  std::vector<AddedToken> added_tokens;
  std::vector<PreTokenizerStep> pre_tokenizer;
  bool nfc = false;  // text is brought into Unicode normalisation form C first
  bool ignore_merges =
      false;  // a word that is a piece is that piece, whatever the merges would make

  // kSentencePieceBpe only.
  std::vector<float> scores;                 // by id
  std::array<std::int32_t, 256> byte_ids{};  // the token of each byte, -1 if it has none
  bool add_space_prefix = true;              // text is read as if it began with a space
  std::int32_t unknown_id = -1;

  // What begins and ends texts; not needed to tell their tokens.
  std::optional<std::int32_t> bos_id, eos_id, pad_id;
  std::vector<std::int32_t> end_ids;  // further ids that end an answer
  bool add_bos = false;               // prompts are meant to begin with BOS
  std::string chat_template;          // Jinja, "" if none is given
};

// kCorrupt: not JSON, a key missing, of the wrong type or contradicting another; kUnsupported:
// valid, but a model, normaliser or pre-tokenizer that is not read. Messages name the key:
// "model.vocab[\"abc\"] is not an id".
Result<TokenizerSpec> parse_tokenizer_json(std::string_view json);

// The tokenizer.json of a byte-level BPE tokenizer, which parse_tokenizer_json reads as the same
// specification but for what stands in tokenizer_config.json.
std::string tokenizer_json_of(const TokenizerSpec& spec);

// How pieces are spelled in the file: a letter of GPT-2's alphabet for each byte.
std::string letters_of_bytes(std::string_view bytes);

}  // namespace sputnik
