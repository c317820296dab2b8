// Tokenizer::load: which file, and what stands beside it.
#include <limits>

#include "base/mapped_file.h"
#include "formats/gguf.h"
#include "formats/hf_config.h"
#include "formats/json.h"
#include "formats/tokenizer_json.h"
#include "tokenizer/gguf_tokenizer.h"
#include "tokenizer/tokenizer.h"

namespace sputnik {
namespace {

constexpr std::size_t kMaxConfigBytes = std::size_t{16} << 20;

std::optional<std::int32_t> added_token_id(const TokenizerSpec& spec,
                                           const std::optional<std::string>& content) {
  if (!content) return std::nullopt;
  for (const AddedToken& token : spec.added_tokens) {
    if (token.content == *content) return token.id;
  }
  return std::nullopt;
}

Result<std::optional<JsonDocument>> read_if_there(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return std::optional<JsonDocument>();
  SPUTNIK_TRY(const std::string text, read_file(path, kMaxConfigBytes));
  SPUTNIK_TRY(JsonDocument document, JsonDocument::parse(text, path.string()));
  return std::optional(std::move(document));
}

// What the tokenizer's own file does not say: which tokens begin and end a text, and an answer.
Result<void> read_config_beside(const std::filesystem::path& dir, TokenizerSpec& spec) {
  SPUTNIK_TRY(const auto config_json, read_if_there(dir / "tokenizer_config.json"));
  if (config_json) {
    SPUTNIK_TRY(HfTokenizerConfig config, HfTokenizerConfig::from_json(config_json->root()));
    if (const auto id = added_token_id(spec, config.bos_token)) spec.bos_id = id;
    if (const auto id = added_token_id(spec, config.eos_token)) spec.eos_id = id;
    if (const auto id = added_token_id(spec, config.pad_token)) spec.pad_id = id;
    if (config.add_bos_token) spec.add_bos = *config.add_bos_token;
    spec.chat_template = std::move(config.chat_template);
  }
  SPUTNIK_TRY(const auto generation_json, read_if_there(dir / "generation_config.json"));
  if (generation_json) {
    SPUTNIK_TRY(const auto ids, generation_json->root().get_i64_list("eos_token_id"));
    for (const std::int64_t id : ids) {
      if (id < 0 || id > std::numeric_limits<std::int32_t>::max()) {
        return generation_json->root().error("eos_token_id", fmt::format("is {}", id));
      }
      spec.end_ids.push_back(static_cast<std::int32_t>(id));
    }
  }
  const std::filesystem::path template_path = dir / "chat_template.jinja";
  std::error_code ignored;
  if (spec.chat_template.empty() && std::filesystem::exists(template_path, ignored)) {
    SPUTNIK_TRY(spec.chat_template, read_file(template_path, kMaxConfigBytes));
  }
  return ok_result();
}

}  // namespace

Result<Tokenizer> Tokenizer::from_gguf(const GgufFile& file) {
  SPUTNIK_TRY(TokenizerSpec spec, tokenizer_spec_from_gguf(file.metadata()));
  return from_spec(std::move(spec));
}

Result<TokenizerSpec> load_tokenizer_spec(const std::filesystem::path& given) {
  std::error_code ignored;
  const bool is_directory = std::filesystem::is_directory(given, ignored);
  const std::filesystem::path path = is_directory ? given / "tokenizer.json" : given;
  SPUTNIK_TRY(const MappedFile file, MappedFile::open(path));
  const auto bytes = file.bytes();
  const auto parse = [&]() -> Result<TokenizerSpec> {
    if (!looks_like_gguf(bytes))
      return parse_tokenizer_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    SPUTNIK_TRY(const GgufFile gguf, GgufFile::open(path));
    return tokenizer_spec_from_gguf(gguf.metadata());
  };
  auto spec = parse();
  if (!spec.ok()) return std::move(spec).error().in(path.string());
  if (!looks_like_gguf(bytes))
    SPUTNIK_CHECK_OK(read_config_beside(path.parent_path(), spec.value()));
  return spec;
}

Result<Tokenizer> Tokenizer::load(const std::filesystem::path& path) {
  SPUTNIK_TRY(TokenizerSpec spec, load_tokenizer_spec(path));
  auto tokenizer = from_spec(std::move(spec));
  if (tokenizer.ok()) return tokenizer;
  std::error_code ignored;
  const bool is_directory = std::filesystem::is_directory(path, ignored);
  return std::move(tokenizer).error().in((is_directory ? path / "tokenizer.json" : path).string());
}

}  // namespace sputnik
