// An evaluation: every item to a model, k times.
#pragma once

#include <cstdint>
#include <span>

#include "evaluation/item.h"
#include "evaluation/respond.h"
#include "evaluation/response_log.h"

namespace sputnik::evaluation {

struct RunOptions {
  RespondOptions respond;
  std::int64_t n_samples = 1;
  std::uint64_t seed = 0;  // with an item's suite and id, and the sample: the seed of its response
};

struct RunCounts {
  std::int64_t n_done = 0, n_total = 0;  // responses, those of earlier starts included
  std::int64_t n_tokens = 0;             // made by this start
};

// Asks what the log does not hold yet, judges and appends each response, and calls progress after
// it. What the log holds in the end does not depend on where earlier starts were ended, but for the
// order of its records. Errors are those of respond(), grade() and the log; what was added by then
// stays.
Result<RunCounts> run_evaluation(Engine& engine, const Tokenizer& tokenizer,
                                 const chat::ChatTemplate& chat_template,
                                 std::span<const Item> items, const RunOptions& options,
                                 const tasks::Sandbox* sandbox, ResponseLog& log,
                                 FunctionRef<void(const RunCounts&)> progress);

// Tokens of the longest prompt.
Result<std::int64_t> longest_prompt(std::span<const Item> items, const Tokenizer& tokenizer,
                                    const chat::ChatTemplate& chat_template, bool thinking);

}  // namespace sputnik::evaluation
