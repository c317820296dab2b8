// The tokenizer that a GGUF file carries in its metadata, under tokenizer.ggml.*.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "formats/gguf_metadata.h"
#include "formats/gguf_writer.h"
#include "formats/tokenizer_json.h"

namespace sputnik {

// kUnsupported: a tokenizer model other than gpt2 and llama, or a pre-tokenizer that is not known.
// kCorrupt names the key. Strings are copied.
Result<TokenizerSpec> tokenizer_spec_from_gguf(const GgufMetadata& metadata);

// The way back, for a byte-level tokenizer of a model with vocab_size tokens; ids without a token
// become unused ones, because other programs want as many tokens as the model has rows.
// kInvalidArgument: more tokens than that; kUnsupported: what GGUF cannot say.
Result<void> tokenizer_to_gguf(const TokenizerSpec& spec, std::int64_t vocab_size, GgufKeys& keys);

}  // namespace sputnik
