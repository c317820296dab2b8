#include "tokenizer/gguf_tokenizer.h"

#include <algorithm>
#include <string>
#include <vector>

#include "formats/printable.h"
#include "tokenizer/pre_tokenizer.h"
#include "tokenizer/sentencepiece.h"
#include "tokenizer/tokenizer.h"

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
  SPUTNIK_TRY(spec.pad_id, optional_id(metadata, "tokenizer.ggml.padding_token_id"));
  for (const char* key : {"tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"}) {
    SPUTNIK_TRY(const auto id, optional_id(metadata, key));
    if (id) spec.end_ids.push_back(*id);
  }
  SPUTNIK_TRY(spec.add_bos, metadata.get_bool_or("tokenizer.ggml.add_bos_token", add_bos));
  SPUTNIK_TRY(const auto chat_template, metadata.get_string_or("tokenizer.chat_template", ""));
  spec.chat_template = std::string(chat_template);
  return ok_result();
}

// Programs print tokens that are not special, and by these two they tell a thought from the answer.
// In the files of R1 they are user-defined, whatever a tokenizer's own flags are.
bool marks_thought(std::string_view content) {
  return content == "<think>" || content == "</think>";
}

struct TokenTable {
  std::vector<std::string> texts;
  std::vector<std::int32_t> types;
};

Result<TokenTable> token_table(const TokenizerSpec& spec, std::int64_t vocab_size) {
  std::size_t n_tokens = spec.pieces.size();
  for (const AddedToken& token : spec.added_tokens)
    n_tokens = std::max(n_tokens, static_cast<std::size_t>(token.id) + 1);
  if (n_tokens > static_cast<std::size_t>(vocab_size)) {
    return invalid_argument("the tokenizer has {} tokens, the model has {}", n_tokens, vocab_size);
  }
  TokenTable table;
  for (std::int64_t id = 0; id < vocab_size; ++id) {
    const auto index = static_cast<std::size_t>(id);
    const bool is_piece = index < spec.pieces.size() && !spec.pieces[index].empty();
    table.texts.push_back(is_piece ? spec.pieces[index] : fmt::format("[PAD{}]", id));
    table.types.push_back(is_piece ? kNormal : kUnused);
  }
  for (const AddedToken& token : spec.added_tokens) {
    if (token.lstrip || token.rstrip || token.single_word) {
      return unsupported("added token \"{}\" swallows what stands beside it",
                         printable(token.content));
    }
    const auto id = static_cast<std::size_t>(token.id);
    table.texts[id] = token.content;
    table.types[id] = token.special && !marks_thought(token.content) ? kControl : kUserDefined;
  }
  return table;
}

}  // namespace

Result<void> tokenizer_to_gguf(const TokenizerSpec& spec, std::int64_t vocab_size, GgufKeys& keys) {
  if (spec.model != TokenizerModel::kByteLevelBpe)
    return unsupported("only byte-level BPE is written");
  // Also finds BOS and EOS where the files do not name them.
  SPUTNIK_TRY(const Tokenizer tokenizer, Tokenizer::from_spec(spec));
  SPUTNIK_TRY(const std::string_view pre,
              pre_tokenizer_name({spec.pre_tokenizer, spec.nfc, spec.ignore_merges}));
  SPUTNIK_TRY(const TokenTable table, token_table(spec, vocab_size));
  std::vector<std::string> merges;
  merges.reserve(spec.merges.size());
  for (const TokenizerMerge& merge : spec.merges) merges.push_back(merge.left + " " + merge.right);
  keys.set("tokenizer.ggml.model", "gpt2");
  keys.set("tokenizer.ggml.pre", pre);
  keys.set("tokenizer.ggml.tokens", table.texts);
  keys.set("tokenizer.ggml.token_type", table.types);
  keys.set("tokenizer.ggml.merges", merges);
  const auto set_id = [&](std::string_view name, std::optional<std::int32_t> id) {
    if (id)
      keys.set(fmt::format("tokenizer.ggml.{}_token_id", name), static_cast<std::uint32_t>(*id));
  };
  set_id("bos", tokenizer.bos_id());
  set_id("eos", tokenizer.eos_id());
  set_id("padding", spec.pad_id);
  // Further ids that end an answer; GGUF has two places for them.
  std::vector<std::int32_t> ends;
  for (const std::int32_t id : spec.end_ids) {
    if (id != tokenizer.eos_id() && std::find(ends.begin(), ends.end(), id) == ends.end())
      ends.push_back(id);
  }
  if (ends.size() > 2) return unsupported("{} tokens that end an answer", ends.size() + 1);
  if (!ends.empty()) set_id("eot", ends[0]);
  if (ends.size() > 1) set_id("eom", ends[1]);
  keys.set("tokenizer.ggml.add_bos_token", tokenizer.add_bos_by_default());
  keys.set("tokenizer.ggml.add_eos_token", false);
  if (!spec.chat_template.empty()) keys.set("tokenizer.chat_template", spec.chat_template);
  return ok_result();
}

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
