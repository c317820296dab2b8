// From a path to a model: a GGUF file (any part of a split one), a Hugging Face folder, or a
// safetensors file or index in one.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "model/model.h"

namespace sputnik {

struct LoadOptions {
  // Replaces or adds config values by their published key, for files that lack them: {"n_group",
  // "8"}.
  std::map<std::string, std::string> config_overrides;
};

// What the file really is, for people and for choices that depend on it.
struct ModelInfo {
  std::string architecture;  // "deepseek_v3", "deepseek_v2", "qwen2", "llama"
  std::string name;          // as the file calls itself, or that of the file or folder
  std::int64_t n_parameters = 0;
  std::int64_t n_active_parameters = 0;               // used for one token
  std::int64_t file_bytes = 0;                        // of all weights
  std::map<std::string, std::int64_t> bytes_by_type;  // {"Q4_K", 123}
  bool is_distill = false;  // trained on R1's answers, and named accordingly (model_name.h)
};

// Owns everything that the model's weights point into.
struct LoadedModel {
  std::unique_ptr<Model> model;
  ModelInfo info;
  std::shared_ptr<const void> storage;  // mapped files and converted vectors
};

// Weights stay mapped: nothing but small vectors is copied. kNotFound, kIo, kCorrupt (the message
// names file, tensor or key), kUnsupported (architecture, weight type).
Result<LoadedModel> load_model(const std::filesystem::path& path, const LoadOptions& options = {});

}  // namespace sputnik
