// Where a training run begins: tokenizer, configuration and weights before the first step.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "autograd/trainable_model.h"
#include "base/result.h"
#include "tokenizer/tokenizer.h"
#include "train/recipe.h"

namespace sputnik::cli {

struct Beginning {
  std::string tokenizer_json;
  nlohmann::json config;  // complete, as config.json
  TrainableModel model;
};

// Of a recipe without a base. A run that goes on reads its tokenizer from its folder; a new one
// takes the recipe's or trains one on the sources in their shares, and leaves it there.
Result<Beginning> begin_new(const Recipe& recipe, bool goes_on);

// The result of the recipe's base, which is finished.
Result<Beginning> begin_from_base(const Recipe& recipe);

Result<Tokenizer> parse_tokenizer(const std::string& tokenizer_json);

// Where a recipe's result lies when it is finished.
std::filesystem::path model_folder(const Recipe& recipe);

// What must be the same when training goes on, as Trainer::save wants it: hashes of everything that
// is learned from.
Result<nlohmann::json> identity_of(const Recipe& recipe, const Beginning& beginning);

}  // namespace sputnik::cli
