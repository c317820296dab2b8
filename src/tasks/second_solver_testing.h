// Families against solvers that share no code with them.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "tasks/task.h"

namespace sputnik::tasks {

// Answers a task by another way than its family does.
using Solver = std::function<std::string(const Task& task)>;

// For every level and both splits: the family accepts what the solver answers.
void expect_accepts(std::string_view family, const Solver& solver);

// And it is the canonical answer, to the letter.
void expect_agrees(std::string_view family, const Solver& solver);

}  // namespace sputnik::tasks
