#include "cost/shape_model.h"

#include <deque>
#include <nlohmann/json.hpp>

#include "autograd/parameter_store.h"
#include "model/checkpoint.h"
#include "train/muon.h"

namespace sputnik {
namespace {

// Weights are told apart by where their data lies, so each gets one byte of its own.
class ShapeOnlyWeights final : public WeightSource {
 public:
  explicit ShapeOnlyWeights(const nlohmann::json& config)
      : has_own_head_(!config.value("tie_word_embeddings", false)),
        has_mtp_(config.value("num_nextn_predict_layers", 0) > 0) {}

  // What a file may leave out, a model that is trained has if its configuration says so.
  bool contains(const std::string& name) const override {
    if (name == "lm_head.weight") return has_own_head_;
    return has_mtp_ && name.ends_with(".eh_proj.weight");
  }

  Result<RawTensor> make(const std::string& name, std::int64_t rows, std::int64_t cols) override {
    const Parameter p = parameter_of(name, rows, cols);
    n_parameters += rows * cols;
    if (p.is_trained) n_adamw_moments += 2 * rows * cols;
    if (p.is_trained) n_muon_moments += (is_for_muon(p) ? 1 : 2) * rows * cols;
    const std::byte& place = places_.emplace_back();
    RawTensor tensor{name, DType::kF32, {rows, cols}, {&place, 1}};
    if (rows == 1) tensor.shape = {cols};
    return tensor;
  }

  std::int64_t n_parameters = 0;
  std::int64_t n_adamw_moments = 0, n_muon_moments = 0;

 private:
  bool has_own_head_, has_mtp_;
  std::deque<std::byte> places_;
};

}  // namespace

Result<ShapeModel> ShapeModel::create(const nlohmann::json& config) {
  // Keys are checked when the model is made; here they only must not be of a wrong type.
  if (!config.is_object()) return corrupt("the configuration is no object");
  for (const auto& [key, is_right] :
       {std::pair{"tie_word_embeddings", &nlohmann::json::is_boolean},
        {"num_nextn_predict_layers", &nlohmann::json::is_number_integer}}) {
    const auto it = config.find(key);
    if (it != config.end() && !((*it).*is_right)()) return corrupt("{} has a wrong type", key);
  }
  const auto source = std::make_shared<ShapeOnlyWeights>(config);
  ShapeModel shape;
  shape.owner = source;
  shape.weights = std::make_unique<WeightStore>(source);
  shape.weights->set_source(source.get());
  SPUTNIK_TRY(shape.model, create_model(config, *shape.weights));
  shape.n_parameters = source->n_parameters;
  shape.n_adamw_moments = source->n_adamw_moments;
  shape.n_muon_moments = source->n_muon_moments;
  return shape;
}

}  // namespace sputnik
