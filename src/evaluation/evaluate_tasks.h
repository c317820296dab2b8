// Tasks of the gym on an engine: how many a model solves. For training runs as much as for reports.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "evaluation/respond.h"
#include "tasks/task.h"

namespace sputnik::evaluation {

struct TaskOutcome {
  bool right = false;
  bool truncated = false;
  bool well_formed = false;  // see Response
  std::int64_t n_thought_tokens = 0;
  std::int64_t n_answer_tokens = 0;
};

// Sums over outcomes.
struct TaskCounts {
  std::int64_t n = 0;
  std::int64_t n_right = 0;
  std::int64_t n_truncated = 0;
  std::int64_t n_well_formed = 0;
  std::int64_t n_thought_tokens = 0;
  std::int64_t n_answer_tokens = 0;

  void add(const TaskOutcome& outcome);
  double accuracy() const {
    return n == 0 ? 0 : static_cast<double>(n_right) / static_cast<double>(n);
  }
};

struct FamilyCounts {
  const tasks::Family* family;
  TaskCounts counts;
};

struct TaskEvaluation {
  std::vector<TaskOutcome> outcomes;   // of tasks[i]
  std::vector<FamilyCounts> families;  // in the order in which tasks first name them
  TaskCounts total;
};

// Generates the tasks, asks the engine's model all of them at once, and verifies what it answers.
// Greedy unless options say otherwise; with a temperature task i draws with the seed
// options.sampling.seed + i. The engine must be idle. A prompt that leaves no room in the
// engine's context is an error, as are the other cases of respond().
//
// Between steps of training, over the weights as they are now:
//   EngineOptions o{.n_threads = n, .context_length = 512, .max_sequences = 128};
//   SPUTNIK_TRY(const auto engine, Engine::create(*trainable.model, o));   // borrows the weights
//   SPUTNIK_TRY(const auto result, evaluate_tasks(*engine, tokenizer, chat_template, specs, {}));
// An engine may be kept for the whole training; engine->weights_changed() says that they have, as
// they must not while this runs.
Result<TaskEvaluation> evaluate_tasks(Engine& engine, const Tokenizer& tokenizer,
                                      const chat::ChatTemplate& chat_template,
                                      std::span<const tasks::TaskSpec> tasks,
                                      const RespondOptions& options = {});

}  // namespace sputnik::evaluation
