// How fast this machine trains: a few steps of the model itself, timed.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/result.h"
#include "train/recipe.h"
#include "train/trainer.h"

namespace sputnik {

struct CalibrationJob {
  nlohmann::json config;  // complete
  Initialization initialization;
  TrainerOptions trainer;
  PackerOptions data;
  using OpenSources = std::function<Result<std::vector<Packer::Source>>()>;
  OpenSources open_sources;
  TokenizerRecipe tokenizer;  // vocab_size: of one that is trained
  OpenSources open_tokenizer_sources;
  bool trains_tokenizer = true;  // in a run; false: that of the base is there
  int n_threads = 1;
};

struct Calibration {
  double peak_flops_per_s = 0;  // in the precision of the training; 0: not known
  double seconds_per_token = 0;
  double extra_tokens_per_step = 0;   // read beyond what is wanted: documents are whole
  TrainingWork work_per_token;        // how long sequences are
  double beginning_s = 0;             // that a run takes before its first step: tokenizer, weights
  std::int64_t ops_memory_bytes = 0;  // Trainer::memory_bytes()
  double took_s = 0;
};

// The job of a recipe. The tokenizer is trained on some hundred documents at most, so lengths of
// documents are off by a few percent.
CalibrationJob calibration_of(const Recipe& recipe, const nlohmann::json& config, int n_threads);
// Of a model alone, on sequences of random tokens.
CalibrationJob calibration_of(const nlohmann::json& config, const TrainerOptions& trainer,
                              std::int64_t context_length, int n_threads);

// Five to ten seconds, more if a single micro-batch takes longer. Holds what training would hold:
// look at training_memory() first. Errors are those of the recipe.
Result<Calibration> calibrate(const CalibrationJob& job);

}  // namespace sputnik
