// A trained model as a Hugging Face folder, which every command that takes a model reads.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "autograd/parameter_store.h"
#include "base/result.h"

namespace sputnik {

// Writes config.json, model.safetensors (float32), tokenizer.json, tokenizer_config.json and
// generation_config.json; each file whole or not at all, the weights before config.json. values_of
// gives each parameter's values: its own, or an average.
Result<void> export_model(const std::filesystem::path& folder, const nlohmann::json& config,
                          const std::string& tokenizer, const ParameterStore& parameters,
                          const std::function<std::span<const float>(const Parameter&)>& values_of);

}  // namespace sputnik
