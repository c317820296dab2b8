// Where documents come from. Document i of a source is a function of i alone, so a cursor is a
// number, training starts again anywhere, and a test can name what was read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "tasks/task.h"
#include "train/document.h"

namespace sputnik {

// Immutable, endless.
class DocumentSource {
 public:
  virtual ~DocumentSource() = default;
  virtual Document document(std::uint64_t index) const = 0;
};

// Documents of a text file (.zst: packed), separated by lines that hold nothing but "<|doc|>".
// Every pass over the file has an order of its own. kInvalidArgument: there is no document;
// kNotFound, kIo.
Result<std::unique_ptr<DocumentSource>> open_text_source(const std::filesystem::path& path,
                                                         std::uint64_t seed);

// Conversations, a line of JSON for each: {"turns": [["user", text], ["assistant", text], ...]}.
// learn_prompts: whether the user's words are learned as well. kCorrupt names the line.
Result<std::unique_ptr<DocumentSource>> open_dialogue_source(const std::filesystem::path& path,
                                                             std::uint64_t seed,
                                                             bool learn_prompts);

struct TaskSourceOptions {
  std::vector<const tasks::Family*> families;
  int max_level = 1;  // levels 1 to this, as far as a family has them
  // How often a task comes with a thought, and with one that corrects a mistake; otherwise the
  // answer follows the question.
  double long_share = 0.15;
  double corrected_share = 0.05;
  bool learn_prompts = true;
  std::uint64_t first_seed = 0;  // of task 0: its index is added
};
// Tasks of the training split, all different.
std::unique_ptr<DocumentSource> make_task_source(TaskSourceOptions options);

// The i-th of n numbers in an order that seed picks, each once.
std::uint64_t shuffled(std::uint64_t i, std::uint64_t n, std::uint64_t seed);

}  // namespace sputnik
