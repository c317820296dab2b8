// A model without weights: enough to count what it costs.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "model/model.h"
#include "model/weight_store.h"

namespace sputnik {

// Its weights have names and shapes and float32 as their type, but no memory: run it through Ops
// that do not look at data. Any size will do, DeepSeek-V3's takes some 20 MB.
struct ShapeModel {
  std::shared_ptr<const void> owner;
  std::unique_ptr<WeightStore> weights;
  std::unique_ptr<Model> model;
  std::int64_t n_parameters = 0;  // prediction modules included
  // Numbers that AdamW and that Muon keep for them.
  std::int64_t n_adamw_moments = 0, n_muon_moments = 0;

  // config: the keys of a published config.json. Errors name the key.
  static Result<ShapeModel> create(const nlohmann::json& config);
};

}  // namespace sputnik
