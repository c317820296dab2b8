#include "autograd/trainable_model.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

#include "base/rng.h"
#include "model/checkpoint.h"
#include "tensor/quant_codec.h"

namespace sputnik {
namespace {

RawTensor as_tensor(const Parameter& p) {
  RawTensor tensor{p.name, DType::kF32, {}, std::as_bytes(std::span<const float>(p.value))};
  tensor.shape = p.is_vector ? std::vector{p.cols} : std::vector{p.rows, p.cols};
  return tensor;
}

// A hash of the name (FNV-1a), so that a weight does not depend on the order of creation.
std::uint64_t seed_of(const std::string& name, std::uint64_t seed) {
  std::uint64_t hash = 0xcbf29ce484222325u ^ seed;
  for (const char c : name)
    hash = (hash ^ static_cast<unsigned char>(c)) * std::uint64_t{0x100000001b3u};
  return hash;
}

// Normal numbers by the method of Box and Muller, in double: the same on every machine whose
// library rounds log, sin and cos to the same floats.
void fill_normal(std::span<float> values, double deviation, std::uint64_t seed) {
  Rng rng(seed);
  for (std::size_t i = 0; i < values.size(); i += 2) {
    const double radius = std::sqrt(-2 * std::log(1 - rng.uniform())) * deviation;
    const double angle = 2 * std::numbers::pi * rng.uniform();
    values[i] = static_cast<float>(radius * std::cos(angle));
    if (i + 1 < values.size()) values[i + 1] = static_cast<float>(radius * std::sin(angle));
  }
}

class NewWeights final : public WeightSource {
 public:
  NewWeights(const nlohmann::json& config, const Initialization& init, ParameterStore& parameters)
      : config_(config), init_(init), parameters_(parameters) {}

  // What a file may leave out, a new model has if its configuration says so.
  bool contains(const std::string& name) const override {
    if (name == "lm_head.weight") return !config_.value("tie_word_embeddings", false);
    return name.ends_with(".eh_proj.weight") && config_.value("num_nextn_predict_layers", 0) > 0;
  }

  Result<RawTensor> make(const std::string& name, std::int64_t rows, std::int64_t cols) override {
    Parameter& p = parameters_.add(name, rows, cols);
    if (name.ends_with("norm.weight")) {
      std::fill(p.value.begin(), p.value.end(), 1.0f);
    } else if (!p.is_vector) {
      fill_normal(p.value, init_.deviation, seed_of(name, init_.seed));
    }
    return as_tensor(p);
  }

 private:
  const nlohmann::json& config_;
  const Initialization& init_;
  ParameterStore& parameters_;
};

class CopiedWeights final : public WeightSource {
 public:
  CopiedWeights(WeightStore& file, ParameterStore& parameters)
      : file_(file), parameters_(parameters) {}

  // kv_b_proj in two parts is a form for inference.
  bool contains(const std::string& name) const override {
    return !name.ends_with(".k_b_proj.weight") && file_.contains(name);
  }

  Result<RawTensor> make(const std::string& name, std::int64_t rows, std::int64_t cols) override {
    SPUTNIK_TRY(const Weight weight,
                rows == 1 ? file_.vector(name, cols) : file_.matrix(name, rows, cols));
    if (weight.dtype == DType::kF8E4M3)
      return unsupported("tensor {} is F8_E4M3, which cannot be trained", name);
    Parameter& p = parameters_.add(name, rows, cols);
    dequantize_row(weight.dtype, weight.data, p.value.data(), rows * cols);
    return as_tensor(p);
  }

 private:
  WeightStore& file_;
  ParameterStore& parameters_;
};

Result<TrainableModel> bind_model(const nlohmann::json& config, WeightSource& source,
                                  std::unique_ptr<ParameterStore> parameters) {
  TrainableModel trainable;
  trainable.parameters = std::move(parameters);
  trainable.weights = std::make_unique<WeightStore>(nullptr);
  trainable.weights->set_source(&source);
  SPUTNIK_TRY(trainable.model, create_model(config, *trainable.weights));
  trainable.weights->set_source(nullptr);
  return trainable;
}

}  // namespace

Result<TrainableModel> TrainableModel::create(const nlohmann::json& config,
                                              const Initialization& init) {
  auto parameters = std::make_unique<ParameterStore>();
  NewWeights source(config, init, *parameters);
  return bind_model(config, source, std::move(parameters));
}

Result<TrainableModel> TrainableModel::load(const std::filesystem::path& path) {
  SPUTNIK_TRY(const Checkpoint checkpoint, open_checkpoint(path));
  auto parameters = std::make_unique<ParameterStore>();
  CopiedWeights source(*checkpoint.store, *parameters);
  auto trainable = bind_model(checkpoint.config, source, std::move(parameters));
  if (!trainable.ok()) return std::move(trainable).error().in(path.string());
  return trainable;
}

}  // namespace sputnik
