// A checkpoint before it is a model: published configuration, and weights under their published
// names.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/result.h"
#include "model/model.h"
#include "model/weight_store.h"

namespace sputnik {

struct Checkpoint {
  nlohmann::json config;
  std::string config_place;            // for messages about it
  std::string name;                    // as the file calls itself, or the name of the file
  std::shared_ptr<WeightStore> store;  // owns the mapped files
};

// Errors as load_model's.
Result<Checkpoint> open_checkpoint(const std::filesystem::path& path);

// A model of the family that config's model_type names, bound to the weights in store, which must
// outlive it. place: where the configuration comes from, for messages about it.
Result<std::unique_ptr<Model>> create_model(const nlohmann::json& config, WeightStore& store,
                                            const std::string& place = "config.json");

}  // namespace sputnik
