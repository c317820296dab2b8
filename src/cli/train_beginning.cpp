#include "cli/train_beginning.h"

#include <algorithm>

#include "base/mapped_file.h"
#include "tokenizer/bpe_trainer.h"
#include "train/checkpoint_file.h"

namespace sputnik::cli {
namespace {

using nlohmann::json;

// The tokenizer.json of this run: the recipe's, or one that is trained on the sources in their
// shares.
Result<std::string> make_tokenizer(const Recipe& recipe) {
  if (!recipe.tokenizer.path.empty()) return read_file(recipe.tokenizer.path);
  auto created = BpeTrainer::create(
      {recipe.tokenizer.vocab_size, ControlTokens::all(), 2, ControlTokens::shown()});
  if (!created.ok()) return std::move(created).error().in("[tokenizer]");
  BpeTrainer trainer = std::move(created).value();
  SPUTNIK_TRY(const auto sources, recipe.open_sources());
  std::vector<double> bytes(sources.size(), 0);
  std::vector<std::uint64_t> next(sources.size(), 0);
  for (std::int64_t i = 0; i < recipe.tokenizer.n_documents; ++i) {
    std::size_t chosen = 0;
    for (std::size_t s = 1; s < sources.size(); ++s) {
      if (bytes[s] / sources[s].share < bytes[chosen] / sources[chosen].share) chosen = s;
    }
    for (const Document::Part& part : sources[chosen].source->document(next[chosen]++).parts) {
      if (part.is_control) continue;
      trainer.add(part.text);
      bytes[chosen] += static_cast<double>(part.text.size());
    }
  }
  return tokenizer_json_of(trainer.train());
}

// The recipe's configuration with what the tokenizer decides.
Result<json> complete_config(const Recipe& recipe, const Tokenizer& tokenizer) {
  json config = *recipe.config;
  const std::int64_t n = recipe.tokenizer.path.empty() ? recipe.tokenizer.vocab_size
                                                       : std::int64_t{tokenizer.vocab_size()};
  if (!config.contains("vocab_size")) config["vocab_size"] = n;
  if (config["vocab_size"].get<std::int64_t>() < tokenizer.vocab_size()) {
    return invalid_argument("[model] vocab_size is {}, but the tokenizer has {} tokens",
                            config["vocab_size"].get<std::int64_t>(), tokenizer.vocab_size());
  }
  config["bos_token_id"] = *tokenizer.id_of(ControlTokens::kBos);
  config["eos_token_id"] = *tokenizer.id_of(ControlTokens::kEos);
  return config;
}

std::string hash_of(std::string_view text) {
  return fmt::format("{:016x}", stable_hash(text));
}

// Of a file, or of all files of a folder.
Result<std::string> content_hash(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) {
    SPUTNIK_TRY(const MappedFile file, MappedFile::open(path));
    const auto bytes = file.bytes();
    return hash_of({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(path, error))
    paths.push_back(entry.path());
  if (error) return io_error("{}: {}", path.string(), error.message());
  std::sort(paths.begin(), paths.end());
  std::string hashes;
  for (const std::filesystem::path& entry : paths) {
    SPUTNIK_TRY(const std::string hash, content_hash(entry));
    hashes += fmt::format("{} {}\n", entry.filename().string(), hash);
  }
  return hash_of(hashes);
}

}  // namespace

Result<Tokenizer> parse_tokenizer(const std::string& text) {
  SPUTNIK_TRY(TokenizerSpec spec, parse_tokenizer_json(text));
  SPUTNIK_TRY(Tokenizer tokenizer, Tokenizer::from_spec(std::move(spec)));
  SPUTNIK_CHECK_OK(ControlTokens::check(tokenizer));
  return tokenizer;
}

std::filesystem::path model_folder(const Recipe& recipe) {
  return recipe.run.output / "model";
}

Result<Beginning> begin_new(const Recipe& recipe, bool goes_on) {
  const std::filesystem::path path = recipe.run.output / "tokenizer.json";
  Beginning beginning;
  if (goes_on) {
    SPUTNIK_TRY(beginning.tokenizer_json, read_file(path));
  } else {
    SPUTNIK_TRY(beginning.tokenizer_json, make_tokenizer(recipe));
    SPUTNIK_CHECK_OK(write_file_atomically(path, beginning.tokenizer_json));
  }
  auto tokenizer = parse_tokenizer(beginning.tokenizer_json);
  if (!tokenizer.ok()) return std::move(tokenizer).error().in(path.string());
  SPUTNIK_TRY(beginning.config, complete_config(recipe, tokenizer.value()));
  SPUTNIK_TRY(beginning.model, TrainableModel::create(beginning.config, recipe.initialization));
  return beginning;
}

Result<Beginning> begin_from_base(const Recipe& recipe) {
  const std::filesystem::path folder = model_folder(*recipe.base);
  Beginning beginning;
  SPUTNIK_TRY(beginning.tokenizer_json, read_file(folder / "tokenizer.json"));
  SPUTNIK_TRY(const std::string config, read_file(folder / "config.json"));
  beginning.config = json::parse(config, nullptr, false);
  if (!beginning.config.is_object())
    return corrupt("{}: config.json is no JSON object", folder.string());
  SPUTNIK_TRY(beginning.model, TrainableModel::load(folder));
  return beginning;
}

Result<json> identity_of(const Recipe& recipe, const Beginning& beginning) {
  json identity = {{"architecture", beginning.config["model_type"]},
                   {"configuration", hash_of(beginning.config.dump())},
                   {"tokenizer", hash_of(beginning.tokenizer_json)},
                   {"recipe", recipe.hash}};
  for (std::size_t i = 0; i < recipe.sources.size(); ++i) {
    if (recipe.sources[i].path.empty()) continue;
    SPUTNIK_TRY(identity[fmt::format("text of source {}", i + 1)],
                content_hash(recipe.sources[i].path));
  }
  if (recipe.base != nullptr) {
    SPUTNIK_TRY(identity["weights to start from"],
                content_hash(model_folder(*recipe.base) / "model.safetensors"));
  }
  return identity;
}

}  // namespace sputnik::cli
