#include "tokenizer/gguf_tokenizer.h"

#include <algorithm>
#include <string>
#include <vector>

#include "formats/printable.h"
#include "tokenizer/pre_tokenizer.h"
#include "tokenizer/sentencepiece.h"

namespace sputnik {
namespace {

// tokenizer.ggml.token_type
enum TokenType : std::int64_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6
};

Result<std::vector<std::int64_t>> token_types(const GgufMetadata& metadata, std::size_t n_tokens) {
  constexpr std::string_view kKey = "tokenizer.ggml.token_type";
  if (!metadata.contains(kKey)) return std::vector<std::int64_t>(n_tokens, kNormal);
  SPUTNIK_TRY(auto types, metadata.get_i64_array(kKey));
  if (types.size() != n_tokens)
    return corrupt("{} has {} elements for {} tokens", kKey, types.size(), n_tokens);
  return types;
}

Result<std::optional<std::int32_t>> optional_id(const GgufMetadata& metadata,
                                                std::string_view key) {
  if (!metadata.contains(key)) return std::optional<std::int32_t>();
  SPUTNIK_TRY(const std::int64_t id, metadata.get_i64(key));
  // Files without such a token give -1, or the same as 32 unsigned bits.
  if (id == -1 || id == 0xFFFFFFFF) return std::optional<std::int32_t>();
  if (id < 0 || id > std::numeric_limits<std::int32_t>::max()) return corrupt("{} is {}", key, id);
  return std::optional(static_cast<std::int32_t>(id));
}

// "<0x0A>" -> 10
Result<std::size_t> byte_of_name(std::string_view name) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  if (name.size() == 6 && name.starts_with("<0x") && name[5] == '>' && digit(name[3]) >= 0 &&
      digit(name[4]) >= 0) {
    return static_cast<std::size_t>(digit(name[3]) * 16 + digit(name[4]));
  }
  return corrupt("\"{}\" is marked as a byte, but is not written <0x00>", printable(name));
}

Result<void> read_tokens(const GgufMetadata& metadata, TokenizerSpec& spec) {
  SPUTNIK_TRY(const auto tokens, metadata.get_string_array("tokenizer.ggml.tokens"));
  SPUTNIK_TRY(const auto types, token_types(metadata, tokens.size()));
  if (tokens.size() > std::numeric_limits<std::int32_t>::max()) {
    return corrupt("tokenizer.ggml.tokens has {} elements", tokens.size());
  }
  spec.byte_ids.fill(-1);
  spec.pieces.resize(tokens.size());
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const auto id = static_cast<std::int32_t>(i);
    const bool is_added = types[i] == kUnknown || types[i] == kControl || types[i] == kUserDefined;
    if (is_added && !tokens[i].empty()) {
      AddedToken token;
      token.id = id;
      token.special = types[i] != kUserDefined;
      // Converters leave the spaces of user-defined tokens as the vocabulary shows them, or not.
      if (spec.model == TokenizerModel::kSentencePieceBpe && !token.special) {
        append_with_plain_spaces(tokens[i], token.content);
      } else {
        token.content = std::string(tokens[i]);
      }
      // Those are found as written, and are pieces that merging may make.
      if (!token.special) spec.pieces[i] = token.content;
      spec.added_tokens.push_back(std::move(token));
      continue;
    }
    spec.pieces[i] = std::string(tokens[i]);
    if (types[i] == kByte && spec.model == TokenizerModel::kSentencePieceBpe) {
      auto byte = byte_of_name(tokens[i]);
      if (!byte.ok())
        return std::move(byte).error().in(fmt::format("tokenizer.ggml.tokens[{}]", i));
      spec.byte_ids[byte.value()] = id;
    }
  }
  return ok_result();
}

Result<void> read_merges(const GgufMetadata& metadata, TokenizerSpec& spec) {
  constexpr std::string_view kKey = "tokenizer.ggml.merges";
  SPUTNIK_TRY(const auto merges, metadata.get_string_array(kKey));
  spec.merges.reserve(merges.size());
  for (std::size_t i = 0; i < merges.size(); ++i) {
    const std::size_t space = merges[i].find(' ');
    if (space == std::string_view::npos || space == 0 || space + 1 == merges[i].size()) {
      return corrupt("{}[{}] is not two pieces with a space between them", kKey, i);
    }
    spec.merges.push_back(
        {std::string(merges[i].substr(0, space)), std::string(merges[i].substr(space + 1))});
  }
  return ok_result();
}

Result<void> read_ids(const GgufMetadata& metadata, TokenizerSpec& spec, bool add_bos) {
  SPUTNIK_TRY(spec.bos_id, optional_id(metadata, "tokenizer.ggml.bos_token_id"));
  SPUTNIK_TRY(spec.eos_id, optional_id(metadata, "tokenizer.ggml.eos_token_id"));
  for (const char* key : {"tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"}) {
    SPUTNIK_TRY(const auto id, optional_id(metadata, key));
    if (id) spec.end_ids.push_back(*id);
  }
  SPUTNIK_TRY(spec.add_bos, metadata.get_bool_or("tokenizer.ggml.add_bos_token", add_bos));
  SPUTNIK_TRY(const auto chat_template, metadata.get_string_or("tokenizer.chat_template", ""));
  spec.chat_template = std::string(chat_template);
  return ok_result();
}

}  // namespace

Result<TokenizerSpec> tokenizer_spec_from_gguf(const GgufMetadata& metadata) {
  TokenizerSpec spec;
  SPUTNIK_TRY(const auto model, metadata.get_string("tokenizer.ggml.model"));
  if (model == "gpt2") {
    SPUTNIK_TRY(const auto pre, metadata.get_string_or("tokenizer.ggml.pre", "default"));
    auto named = named_pre_tokenizer(pre);
    if (!named.ok()) return std::move(named).error().in("tokenizer.ggml.pre");
    spec.pre_tokenizer = std::move(named.value().steps);
    spec.nfc = named.value().nfc;
    spec.ignore_merges = named.value().ignore_merges;
    SPUTNIK_CHECK_OK(read_tokens(metadata, spec));
    SPUTNIK_CHECK_OK(read_merges(metadata, spec));
    // Where a file does not say, as llama.cpp does.
    SPUTNIK_CHECK_OK(read_ids(metadata, spec, /*add_bos=*/spec.ignore_merges));
    return spec;
  }
  if (model == "llama") {
    spec.model = TokenizerModel::kSentencePieceBpe;
    SPUTNIK_CHECK_OK(read_tokens(metadata, spec));
    SPUTNIK_TRY(spec.scores, metadata.get_f32_array("tokenizer.ggml.scores"));
    SPUTNIK_TRY(spec.add_space_prefix,
                metadata.get_bool_or("tokenizer.ggml.add_space_prefix", true));
    SPUTNIK_TRY(const auto unknown, optional_id(metadata, "tokenizer.ggml.unknown_token_id"));
    spec.unknown_id = unknown.value_or(-1);
    SPUTNIK_CHECK_OK(read_ids(metadata, spec, /*add_bos=*/true));
    return spec;
  }
  return unsupported("tokenizer.ggml.model is \"{}\": gpt2 and llama are read", printable(model));
}

}  // namespace sputnik
