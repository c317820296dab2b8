// For tests of tokenizers: the vectors and vocabularies of tests/tokenizers, small vocabularies
// made in memory, and random text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "formats/gguf_testing.h"
#include "formats/tokenizer_json.h"
#include "tokenizer/tokenizer.h"

namespace sputnik {

// The content of a file under tests/tokenizers, unpacked if its name ends in .zst. A missing file
// ends the test run.
std::string read_tokenizer_data(std::string_view path);

// The folders of tests/tokenizers that hold a tokenizer.json and encode vectors.
std::vector<std::string_view> tokenizer_families();

TokenizerSpec load_family_spec(std::string_view family);
// Built once in a process, as tests of several files want it.
const Tokenizer& family_tokenizer(std::string_view family);

// The vocabularies of tests/tokenizers/llama.cpp-vocab, from GGUF: "llama-spm" and others.
Tokenizer load_llama_cpp_tokenizer(std::string_view name);

// A text and what Hugging Face's library makes of it.
struct EncodeVector {
  std::string category, text;
  std::vector<std::int32_t> ids;
  std::string decoded;               // of ids
  std::string decoded_skip_special;  // the same without special tokens
};
std::vector<EncodeVector> load_encode_vectors(std::string_view family);

// llama.cpp's vectors: the texts of the .inp file, with the ids of an .out file.
struct LlamaCppVector {
  std::string text;
  std::vector<std::int32_t> ids;
};
std::vector<LlamaCppVector> load_llama_cpp_vectors(std::string_view name);

// The metadata of a GGUF file as converters write it for a byte-level tokenizer.
Bytes gguf_of_spec(const TokenizerSpec& spec, std::string_view pre);

// Byte-level BPE: ids 0 to 255 are the bytes in order, then comes what each merge makes. Merges are
// given as bytes. Cuts words as GPT-2 does.
TokenizerSpec byte_level_spec(const std::vector<std::pair<std::string, std::string>>& merges);

AddedToken added_token(std::int32_t id, std::string_view content, bool special = true);

// Text of n characters that pre-tokenizers and normalisation care about: letters of many scripts,
// marks, numbers, spaces, newlines, punctuation, contractions, rare code points. Valid UTF-8.
std::string random_text(Rng& rng, std::size_t n);
// Any bytes, mostly those of UTF-8.
std::string random_bytes(Rng& rng, std::size_t n);

// Uniform in 0 .. n - 1.
std::size_t random_below(Rng& rng, std::size_t n);

}  // namespace sputnik
