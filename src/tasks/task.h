// Tasks whose answers a program can check: text in, text out.
//
// A family makes tasks of one kind (additions, knights and knaves). Everything about a task is a
// pure function of (family, level, seed, split): item i never depends on another item, so a trainer
// may start anywhere and a test can name any item again.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sputnik::tasks {

// Held out by construction: every fifth template, one surface domain, and some names and objects
// occur in kTest alone. A kTest task uses nothing but such templates, names and objects.
enum class Split { kTrain, kTest };

// What the question says, without its words: enough to check an answer, and for a second solver.
struct Facts {
  std::vector<std::int64_t> numbers;
  std::vector<std::string> words;
};

struct ByteRange {
  std::size_t begin = 0, end = 0;
};

struct Task {
  std::string prompt;
  std::string answer;  // the canonical one; verify() accepts every right one
  Facts facts;
  // What a teacher thinks before the answer, in the first person. Its last words are the answer.
  std::string thought;
  // The same with at least one wrong step, which is noticed ("Wait, ...") and made again.
  std::string corrected_thought;
  // The wrong steps within corrected_thought, for a trainer that leaves them out of its loss.
  std::vector<ByteRange> mistakes;
  int template_index = 0;
};

struct Item;
struct Template;

// How a family is used for the shipped model.
enum class Use {
  kShipped,  // trained
  kExtra,    // for larger runs
  kProbe,    // never trained: does what was learned carry over?
};

struct Family {
  std::string_view name;
  std::string_view area;
  std::string_view what;  // one clause for people
  // Levels are 1..n_levels. Recommended: the last never in training, the one before it only in
  // reinforcement learning.
  int n_levels;
  Use use;
  std::span<const Template> templates;
  void (*make)(Item& item);
  // Of the final answer alone (see extract_answer), from anybody: never crashes, takes bounded
  // time.
  bool (*verify)(const Facts& facts, std::string_view answer);
};

// All families, in a fixed order.
std::span<const Family* const> families();
Result<const Family*> find_family(std::string_view name);

struct TaskSpec {
  const Family* family;
  int level = 1;
  std::uint64_t seed = 0;
  Split split = Split::kTrain;
};

// The level must be one of the family's.
Task generate(const TaskSpec& spec);

// Whether this is a right final answer. Surrounding whitespace and one trailing period are
// forgiven, as are thousands separators; a second answer beside the right one is not.
bool verify(const Family& family, const Facts& facts, std::string_view answer);

// Changes whenever the tasks of a family do: two results are about the same items only if it
// agrees.
std::uint64_t fingerprint(const Family& family);

}  // namespace sputnik::tasks
