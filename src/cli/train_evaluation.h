// What a model in training can do by now: tasks that it has not seen, and answers to the same
// prompts again and again, for people who watch it learn.
#pragma once

#include <atomic>
#include <functional>
#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "model/model.h"
#include "tokenizer/tokenizer.h"
#include "train/recipe.h"

namespace sputnik::cli {

// Greedy, thinking, on the weights as they are now, which stay as they are. Families are those that
// the recipe's tasks are of, at the levels that they have there, with templates, names and settings
// that training never uses; the same tasks every time. Hands out lines for the log:
//   {"event": "evaluation", "step": n, "families": {"addition": {"n": 16, "right": 3}, ...}}
//   {"event": "sample", "step": n, "prompt": "...", "text": "..."}       for each of the samples
// kExhausted: no memory for it.
using LogLine = std::function<Result<void>(const nlohmann::ordered_json&)>;
Result<void> evaluate_training(const Recipe& recipe, const Model& model, const Tokenizer& tokenizer,
                               std::int64_t step, int n_threads,
                               const std::atomic<bool>& interrupted, const LogLine& log);

}  // namespace sputnik::cli
