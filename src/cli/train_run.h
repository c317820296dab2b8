// One training run: from a recipe to a model, with all that it leaves on the way.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "train/recipe.h"

namespace sputnik::cli {

struct TrainRunOptions {
  bool resume = false;     // go on from the newest checkpoint that is whole, if there is one
  std::int64_t steps = 0;  // stop after this step; 0: at the end
};

// Trains what the recipe starts from, unless that is finished, then the recipe; checkpoints, log,
// report, bill and model lie in their output folders. False: it stopped where options.steps says.
// kInvalidArgument: the output folder holds another run; kCancelled: Ctrl-C, after a checkpoint.
Result<bool> run_training(const Recipe& recipe, const TrainRunOptions& options);

}  // namespace sputnik::cli
