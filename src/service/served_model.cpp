#include "service/served_model.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <system_error>
#include <utility>

#include "base/mapped_file.h"
#include "chat/encode.h"
#include "chat/reasoning_parser.h"
#include "formats/printable.h"

namespace sputnik::service {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kWholeBytes = std::size_t{64} << 20;
constexpr std::size_t kStrideBytes = std::size_t{16} << 20;
constexpr std::size_t kSampleBytes = std::size_t{64} << 10;
// Below this a model has learned the form of language and little else.
constexpr std::int64_t kTinyParameters = 100'000'000;

class Digest {
 public:
  Digest() { crypto_generichash_init(&state_, nullptr, 0, kBytes); }
  void add(std::span<const std::byte> bytes) {
    crypto_generichash_update(&state_, reinterpret_cast<const unsigned char*>(bytes.data()),
                              bytes.size());
  }
  void add(std::string_view text) { add(std::as_bytes(std::span(text))); }
  std::string hex() {
    std::array<unsigned char, kBytes> hash;
    crypto_generichash_final(&state_, hash.data(), hash.size());
    std::string text(2 * kBytes + 1, '\0');
    sodium_bin2hex(text.data(), text.size(), hash.data(), hash.size());
    text.pop_back();
    return text;
  }

 private:
  static constexpr std::size_t kBytes = 32;
  crypto_generichash_state state_;
};

Result<void> add_file(Digest& digest, const fs::path& path) {
  SPUTNIK_TRY(const MappedFile file, MappedFile::open(path));
  const auto bytes = file.bytes();
  digest.add(fmt::format("{} {}\n", path.filename().string(), bytes.size()));
  if (bytes.size() <= kWholeBytes) {
    digest.add(bytes);
    return ok_result();
  }
  digest.add(bytes.first(kStrideBytes));
  for (std::size_t at = kStrideBytes; at < bytes.size(); at += kStrideBytes)
    digest.add(bytes.subspan(at, std::min(kSampleBytes, bytes.size() - at)));
  return ok_result();
}

std::string largest_type(const ModelInfo& info) {
  const auto it =
      std::max_element(info.bytes_by_type.begin(), info.bytes_by_type.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  return it == info.bytes_by_type.end() ? "" : it->first;
}

std::int64_t modified_s(const fs::path& path) {
  std::error_code error;
  const auto time = fs::last_write_time(path, error);
  if (error) return 0;
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::file_clock::to_sys(time).time_since_epoch())
      .count();
}

// A name that can stand in a URL.
std::string id_of(std::string_view name) {
  std::string id;
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '_' || c == '-' || c == ':';
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (plain) {
      id += lower;
    } else if (!id.empty() && id.back() != '-') {
      id += '-';
    }
  }
  while (!id.empty() && id.back() == '-') id.pop_back();
  return id.empty() ? "model" : id;
}

std::string notice_of(const ModelInfo& info, bool is_chat) {
  const std::string name = printable(info.name);
  if (!is_chat)
    return fmt::format("{} is a base model: it goes on with your text and does not converse", name);
  if (info.is_distill) {
    return fmt::format("{} is a distilled {} model, not R1", name,
                       info.architecture == "qwen2" ? "Qwen2" : "Llama");
  }
  if (info.n_parameters < kTinyParameters) {
    return fmt::format("{} is tiny, {:.1f} million parameters: it knows little and is often wrong",
                       name, static_cast<double>(info.n_parameters) / 1e6);
  }
  return "";
}

}  // namespace

Result<std::string> model_digest(const fs::path& path) {
  Digest digest;
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    SPUTNIK_CHECK_OK(add_file(digest, path));
    return digest.hex();
  }
  std::vector<fs::path> files;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    const auto extension = it->path().extension();
    if (it->is_regular_file(ignored) && (extension == ".safetensors" || extension == ".json"))
      files.push_back(it->path());
  }
  if (error) return io_error("{}: {}", path.string(), error.message());
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) SPUTNIK_CHECK_OK(add_file(digest, file));
  return digest.hex();
}

std::optional<FimTokens> fim_tokens(const Tokenizer& tokenizer) {
  // DeepSeek's published vocabularies, and those of Qwen's coders.
  constexpr std::array<std::array<std::string_view, 3>, 2> kNames = {
      {{"<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"},
       {"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"}}};
  for (const auto& names : kNames) {
    const auto prefix = tokenizer.id_of(names[0]), suffix = tokenizer.id_of(names[1]),
               middle = tokenizer.id_of(names[2]);
    if (prefix && suffix && middle) return FimTokens{*prefix, *suffix, *middle};
  }
  return std::nullopt;
}

ServedModel::ServedModel(LoadedModel loaded, Tokenizer tokenizer,
                         const chat::ChatTemplate& chat_template, std::string digest,
                         const fs::path& path)
    : loaded_(std::move(loaded)),
      tokenizer_(std::move(tokenizer)),
      template_(chat_template),
      fim_(fim_tokens(tokenizer_)) {
  const ModelInfo& info = loaded_.info;
  card_.id = id_of(info.name);
  card_.architecture = info.architecture;
  card_.family = std::string(template_.name());
  card_.quantization = largest_type(info);
  card_.n_parameters = info.n_parameters;
  card_.n_active_parameters = info.n_active_parameters;
  card_.file_bytes = info.file_bytes;
  card_.embedding_length = loaded_.model->hidden_size();
  card_.modified_s = modified_s(path);
  card_.digest = std::move(digest);
  card_.is_distill = info.is_distill;
  const auto parsing = chat::ReasoningParser::options_for(tokenizer_, template_, {});
  card_.thinks = parsing.end_think_id.has_value();
  card_.can_turn_thinking_off = card_.thinks;
  card_.has_tools = template_.is_chat();
  card_.has_fim = fim_.has_value();
  card_.notice = notice_of(info, template_.is_chat());
}

Result<void> ServedModel::start_engine(const EngineOptions& options) {
  EngineOptions with_digest = options;
  with_digest.model_digest = card_.digest;
  SPUTNIK_TRY(engine_, Engine::create(*loaded_.model, with_digest));
  card_.context_length = engine_->context_length();
  card_.memory_bytes = memory_need(*loaded_.model, engine_->context_length(),
                                   engine_->max_sequences(), options.chunk, options.precision)
                           .total();
  kernels_ = engine_->kernels().name;
  Digest digest;
  digest.add(fmt::format("{}\n{}\n{}\n{}\n{}", card_.digest, card_.family, kernels_,
                         options.precision == Precision::kFast,
                         static_cast<int>(options.mla_form)));
  fingerprint_ = "fp_" + digest.hex().substr(0, 16);
  return ok_result();
}

std::shared_ptr<const grammar::Vocabulary> ServedModel::vocabulary() const {
  std::call_once(vocabulary_made_, [this] {
    vocabulary_ = grammar::Vocabulary::create(
        tokenizer_, chat::end_token_ids(tokenizer_, template_), loaded_.model->vocab_size());
  });
  return vocabulary_;
}

}  // namespace sputnik::service
