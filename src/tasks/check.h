// Looks for what must never be true of a family: a wrong trace, a wrong answer that passes, a
// template on the wrong side of the split.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tasks/task.h"

namespace sputnik::tasks {

struct LevelCheck {
  std::int64_t n_items = 0;
  std::int64_t n_equations = 0;  // found in the thoughts, all of them checked
  std::int64_t n_refused = 0;    // wrong answers that were tried
  std::int64_t n_repeated = 0;   // prompts that an earlier seed had
  std::size_t max_prompt_bytes = 0;
  std::size_t max_thought_bytes = 0;
  // What is wrong with the first wrong item; empty if nothing is.
  std::string failure;
};

// The first n_items seeds of one level, half of them from each split.
LevelCheck check_level(const Family& family, int level, std::int64_t n_items);

// What is wrong with one task, or nothing.
std::string check_task(const TaskSpec& spec, const Task& task);

// Answers that say the right thing along with another, or something malformed: none of them may
// pass, whatever the family.
std::vector<std::string> wrong_answers(const Task& task);

}  // namespace sputnik::tasks
