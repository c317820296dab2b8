#include "cli/served.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>

#include "base/memory.h"
#include "cli/option_checks.h"
#include "engine/memory_need.h"

namespace sputnik::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kDefaultContext = 32768;
constexpr double kGb = 1e9;

fs::path folder(const char* variable, const char* in_home) {
  const char* value = std::getenv(variable);
  if (value != nullptr && *value == '/') return fs::path(value) / "sputnik";
  const char* home = std::getenv("HOME");
  return fs::path(home != nullptr ? home : "/tmp") / in_home / "sputnik";
}

// Blocks for the cache: as many as may be used, at most for all sequences at full context, and at
// least for one.
std::int64_t cache_blocks(const Model& model, const ServedOptions& options, std::int64_t context,
                          Precision precision) {
  const KvCache cache{model.cache_shape(), cache_dtype(model, precision), nullptr};
  const std::int64_t one = blocks_for(context);
  const MemoryNeed need = memory_need(model, context, 1, 512, precision);
  const double left =
      static_cast<double>(available_memory_bytes() - need.weight_bytes - need.activation_bytes);
  const double bytes = options.cache_gb > 0 ? options.cache_gb * kGb : 0.5 * std::max(left, 0.0);
  const auto fitting = static_cast<std::int64_t>(bytes / static_cast<double>(cache.block_bytes()));
  return std::clamp(fitting, one, std::max(one, one * options.max_sequences));
}

}  // namespace

void add_served_options(CLI::App& command, ServedOptions& options) {
  command
      .add_option("model", options.model.path, "GGUF file or folder (default: the shipped model)")
      ->type_name("MODEL");
  add_template_option(command, options.template_name);
  add_run_options(command, options.model);
  add_tokenizer_option(command, options.model);
  command.add_option("--max-sequences", options.max_sequences, "Answers computed at the same time")
      ->check(between(1, 1024))
      ->capture_default_str();
  command
      .add_option("--cache-memory", options.cache_gb,
                  "Gigabytes for the key/value cache; 0: half of what is left beside the model")
      ->check(CLI::Range(0.0, 1e6));
  command
      .add_option("--disk-cache", options.disk_cache_gb,
                  "Gigabytes of cache on disk, so that conversations are not read again after a "
                  "restart; 0: none")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  command
      .add_option("--max-gap", options.max_gap_ms,
                  "Milliseconds that reading a prompt may add between two tokens of others")
      ->check(CLI::Range(0.0, 60000.0))
      ->capture_default_str();
  command.add_flag("--no-speculation", options.no_speculation, "Do not guess tokens ahead");
}

Result<std::unique_ptr<service::ServedModel>> open_served(const ServedOptions& options) {
  SPUTNIK_TRY(const fs::path path, find_model(options.model.path));
  SPUTNIK_TRY(Tokenizer tokenizer, load_tokenizer(path, options.model));
  SPUTNIK_TRY(const chat::ChatTemplate chat_template,
              find_template(options.template_name, tokenizer, path));
  SPUTNIK_TRY(LoadedModel loaded, load(path, options.model));
  if (options.template_name.empty()) note_distill(chat_template, loaded.info);
  SPUTNIK_TRY(std::string digest, service::model_digest(path));
  EngineOptions engine;
  engine.n_threads = options.model.threads;
  engine.isa = options.model.isa;
  engine.precision = options.model.precision_value();
  engine.ignore_memory_check = options.model.ignore_memory_check;
  engine.context_length = options.model.context > 0
                              ? options.model.context
                              : std::min(loaded.model->max_position_embeddings(), kDefaultContext);
  engine.max_sequences = options.max_sequences;
  engine.cache_blocks =
      cache_blocks(*loaded.model, options, engine.context_length, engine.precision);
  engine.max_gap_ms = options.max_gap_ms;
  engine.speculate = !options.no_speculation;
  if (options.disk_cache_gb > 0) {
    engine.disk_cache = cache_folder() / "kv";
    engine.disk_cache_bytes = static_cast<std::int64_t>(options.disk_cache_gb * kGb);
  }
  auto model = std::make_unique<service::ServedModel>(std::move(loaded), std::move(tokenizer),
                                                      chat_template, std::move(digest), path);
  auto started = model->start_engine(engine);
  if (!started.ok() && started.error().code == ErrorCode::kIo && !engine.disk_cache.empty()) {
    // A cache that cannot be written is no reason not to serve.
    fmt::print(stderr, "note: without a cache on disk: {}\n", started.error().message);
    engine.disk_cache.clear();
    started = model->start_engine(engine);
  }
  if (!started.ok()) return std::move(started).error();
  return model;
}

fs::path state_folder() {
  return folder("XDG_STATE_HOME", ".local/state");
}

fs::path cache_folder() {
  return folder("XDG_CACHE_HOME", ".cache");
}

}  // namespace sputnik::cli
