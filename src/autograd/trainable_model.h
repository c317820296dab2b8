// A model on weights that can be trained.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "autograd/parameter_store.h"
#include "base/result.h"
#include "model/model.h"
#include "model/weight_store.h"

namespace sputnik {

// How the weights of a new model are drawn: every matrix from N(0, deviation^2), norms are 1,
// biases 0 (DeepSeek-V3 report, section 4.2: 0.006 at hidden_size 7168).
struct Initialization {
  double deviation = 0.02;
  std::uint64_t seed = 0;
};

// The model borrows its weights from the parameters.
struct TrainableModel {
  std::unique_ptr<ParameterStore> parameters;
  std::unique_ptr<WeightStore> weights;
  std::unique_ptr<Model> model;

  // config: the keys of a published config.json. Two models of equal config and initialization are
  // equal to the bit on every machine.
  static Result<TrainableModel> create(const nlohmann::json& config, const Initialization& init);
  // Float32 copies of a checkpoint's weights. kUnsupported: F8_E4M3.
  static Result<TrainableModel> load(const std::filesystem::path& path);
};

}  // namespace sputnik
