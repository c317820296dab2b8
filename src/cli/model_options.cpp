#include "cli/model_options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>

#include "base/mapped_file.h"
#include "chat/encode.h"
#include "cli/option_checks.h"
#include "cli/shipped_files.h"
#include "formats/gguf.h"
#include "formats/json.h"
#include "model/model_name.h"

namespace sputnik::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxConfigBytes = std::size_t{16} << 20;

// What models/default names.
Result<fs::path> shipped_model() {
  const auto index = find_shipped("models/default");
  if (!index.ok())
    return not_found("no model is given, and none ships with this program: use --model PATH");
  SPUTNIK_TRY(std::string name, read_file(index.value(), 4096));
  name.erase(std::find_if(name.begin(), name.end(), [](char c) { return c == '\n' || c == '\r'; }),
             name.end());
  return index.value().parent_path() / name;
}

Result<LoadOptions> load_options(const ModelOptions& options) {
  LoadOptions result;
  for (const std::string& text : options.overrides) {
    const std::size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return invalid_argument("--set {}: the form is KEY=VALUE", text);
    }
    result.config_overrides[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return result;
}

// What a model's files call themselves. Whatever they do not say stays empty.
struct Identity {
  std::string architecture;
  std::string name;
};

Result<Identity> identify(const fs::path& path) {
  std::error_code ignored;
  const bool is_directory = fs::is_directory(path, ignored);
  if (!is_directory) {
    SPUTNIK_TRY(const MappedFile file, MappedFile::open(path));
    if (looks_like_gguf(file.bytes())) {
      SPUTNIK_TRY(const GgufFile gguf, GgufFile::open(path));
      SPUTNIK_TRY(const auto architecture,
                  gguf.metadata().get_string_or("general.architecture", ""));
      SPUTNIK_TRY(const auto name, gguf.metadata().get_string_or("general.name", ""));
      return Identity{std::string(architecture), std::string(name)};
    }
  }
  const fs::path dir = is_directory ? path : fs::absolute(path, ignored).parent_path();
  Identity identity;
  identity.name = model_name_of_folder(dir);
  if (fs::exists(dir / "config.json", ignored)) {
    SPUTNIK_TRY(const JsonDocument config,
                JsonDocument::read(dir / "config.json", kMaxConfigBytes));
    SPUTNIK_TRY(identity.architecture, config.root().get_string_or("model_type", ""));
  }
  return identity;
}

}  // namespace

void add_run_options(CLI::App& command, ModelOptions& options) {
  command.add_option("--threads", options.threads, "Threads; 0: one per processor")
      ->check(between(0, 1024))
      ->capture_default_str();
  command
      .add_option("--isa", options.isa,
                  "Kernels: reference, avx2 or avx512_vnni (default: the best there are)")
      ->type_name("NAME");
  command
      .add_option("--context", options.context,
                  "Tokens of prompt and answer (default: what the model and the memory allow)")
      ->check(between(1, 1 << 24));
  command
      .add_option("--precision", options.precision,
                  "fast: 8-bit activations with quantised weights; exact: float32")
      ->check(CLI::IsMember({"fast", "exact"}))
      ->capture_default_str();
  command
      .add_option("--set", options.overrides,
                  "Replaces or adds a value of the model's config; may be repeated")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->take_all();
  command.add_flag("--ignore-memory-check", options.ignore_memory_check,
                   "Start even if the model seems not to fit");
}

void add_tokenizer_option(CLI::App& command, ModelOptions& options) {
  command
      .add_option("--tokenizer", options.tokenizer,
                  "tokenizer.json, or a GGUF file or folder with one (default: the model's own)")
      ->type_name("PATH");
}

CLI::Option* add_template_option(CLI::App& command, std::string& name) {
  const auto names = chat::ChatTemplate::names();
  return command
      .add_option("--template", name,
                  fmt::format("Chat template (default: the one that the model's files tell of): {}",
                              fmt::join(names, ", ")))
      ->check(CLI::IsMember(std::vector<std::string>(names.begin(), names.end())).description(""))
      ->type_name("NAME");
}

Result<fs::path> find_model(const std::string& path) {
  if (!path.empty()) return fs::path(path);
  const char* from_environment = std::getenv("SPUTNIK_MODEL");
  if (from_environment != nullptr && *from_environment != '\0') return fs::path(from_environment);
  return shipped_model();
}

Result<LoadedModel> load(const fs::path& path, const ModelOptions& options) {
  SPUTNIK_TRY(const LoadOptions overrides, load_options(options));
  return load_model(path, overrides);
}

Result<std::unique_ptr<Engine>> make_engine(const Model& model, const ModelOptions& options,
                                            std::int64_t n_tokens, std::int64_t chunk) {
  EngineOptions engine;
  engine.n_threads = options.threads;
  engine.isa = options.isa;
  engine.precision = options.precision_value();
  engine.chunk = chunk;
  engine.ignore_memory_check = options.ignore_memory_check;
  engine.context_length = options.context;
  if (options.context == 0 && n_tokens > 0) engine.context_length = n_tokens;
  return Engine::create(model, engine);
}

Result<Tokenizer> load_tokenizer(const fs::path& path) {
  std::error_code ignored;
  const bool is_weights =
      path.extension() == ".safetensors" || path.filename() == "model.safetensors.index.json";
  const fs::path place = is_weights ? fs::absolute(path, ignored).parent_path() : path;
  if (fs::is_directory(place, ignored) && !fs::exists(place / "tokenizer.json", ignored))
    return not_found("{}: there is no tokenizer.json in this folder", place.string());
  return Tokenizer::load(place);
}

Result<Tokenizer> load_tokenizer(const fs::path& path, const ModelOptions& options) {
  std::error_code ignored;
  auto tokenizer = load_tokenizer(options.tokenizer.empty() ? path : fs::path(options.tokenizer));
  if (tokenizer.ok() || !options.tokenizer.empty() ||
      tokenizer.error().code != ErrorCode::kNotFound || !fs::exists(path, ignored))
    return tokenizer;
  return not_found("{}; --tokenizer takes another one", tokenizer.error().message);
}

Result<chat::ChatTemplate> find_template(const std::string& name, const Tokenizer& tokenizer,
                                         const fs::path& path) {
  if (!name.empty()) return chat::ChatTemplate::by_name(name);
  SPUTNIK_TRY(const Identity identity, identify(path));
  return chat::choose_template(tokenizer, identity.architecture, identity.name);
}

void note_distill(const chat::ChatTemplate& found, ModelInfo& info) {
  if (found.name().starts_with("r1-distill")) info.is_distill = true;
}

}  // namespace sputnik::cli
