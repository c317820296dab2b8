// The options by which a command finds a model and says how to run it, and what opens it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "chat/template.h"
#include "engine/engine.h"
#include "model/loader.h"
#include "tokenizer/tokenizer.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace sputnik::cli {

struct ModelOptions {
  std::string path;
  int threads = 0;
  std::string isa;
  std::int64_t context = 0;
  std::string precision = "fast";
  std::vector<std::string> overrides;  // "KEY=VALUE"
  bool ignore_memory_check = false;
  std::string tokenizer;  // path; empty: the model's own

  Precision precision_value() const {
    return precision == "exact" ? Precision::kExact : Precision::kFast;
  }
};

// --threads, --isa, --context, --precision, --set, --ignore-memory-check. Not the model itself:
// commands differ in how they name it.
void add_run_options(CLI::App& command, ModelOptions& options);

// --tokenizer, for commands that deal in text.
void add_tokenizer_option(CLI::App& command, ModelOptions& options);
// --template; the help lists the names.
CLI::Option* add_template_option(CLI::App& command, std::string& name);

// path, or if it is empty $SPUTNIK_MODEL, or else the model that ships with the program, which
// models/default names. kNotFound if there is none.
Result<std::filesystem::path> find_model(const std::string& path);

// kInvalidArgument: an override that is not KEY=VALUE.
Result<LoadedModel> load(const std::filesystem::path& path, const ModelOptions& options);

// n_tokens: the longest sequence that will be run, if it is known; 0: unknown. Then, and without
// --context, the engine chooses the context.
Result<std::unique_ptr<Engine>> make_engine(const Model& model, const ModelOptions& options,
                                            std::int64_t n_tokens = 0, std::int64_t chunk = 512);

// The tokenizer that belongs to a model: inside a GGUF file, or beside the weights.
Result<Tokenizer> load_tokenizer(const std::filesystem::path& path);
// That of --tokenizer instead, if it is given.
Result<Tokenizer> load_tokenizer(const std::filesystem::path& path, const ModelOptions& options);

// The template by name, or if the name is empty the one that the model's files tell of; weights are
// not needed.
Result<chat::ChatTemplate> find_template(const std::string& name, const Tokenizer& tokenizer,
                                         const std::filesystem::path& path);

// The tokenizer knows a distill too, whatever its files are called. found: by find_template,
// without a name.
void note_distill(const chat::ChatTemplate& found, ModelInfo& info);

}  // namespace sputnik::cli
