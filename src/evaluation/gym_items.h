// Tasks of the gym as items of an evaluation.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "evaluation/item.h"

namespace sputnik::evaluation {

// The seeds of evaluations begin here, far above what a training run counts to: no task of an
// evaluation is one that was trained on, unless two seeds happen to draw the same numbers.
constexpr std::uint64_t kFirstEvaluationSeed = std::uint64_t{1} << 48;

struct GymOptions {
  // Names, or "shipped", "extra", "probe" for all families of that use.
  std::vector<std::string> families = {"shipped", "probe"};
  // "in-range", "+1", "+2" as seen from the trained level; or levels as they are: "3", "2-4".
  std::vector<std::string> levels = {"in-range", "+1"};
  std::vector<tasks::Split> splits = {tasks::Split::kTrain, tasks::Split::kTest};
  int trained_level = 0;       // the highest in training; 0: all but the last two of each family
  std::int64_t n_items = 100;  // per family, levels and split: a cell of the table
};

// Section: the use of the family; row: the family; column: what is different from training, in
// words ("in range", "in range, new wording", "level + 1"). Task i of a cell has seed
// kFirstEvaluationSeed + i and the cell's levels in turn; a family without such levels has no such
// cell. kInvalidArgument: a name, a level.
Result<std::vector<Item>> make_gym_items(const GymOptions& options);

// What the teacher of a family writes for the items: thought without mistakes, marks and answer, in
// tokens.
struct TraceLength {
  const tasks::Family* family;
  std::int64_t p95 = 0, longest = 0;
};
std::vector<TraceLength> trace_lengths(std::span<const Item> items, const Tokenizer& tokenizer);

// kInvalidArgument names a family whose teacher could not answer within max_tokens in 5 % of the
// cases: what a model cannot say, it cannot be judged by.
Result<void> check_trace_lengths(std::span<const TraceLength> lengths, std::int64_t max_tokens);

}  // namespace sputnik::evaluation
