// One question of an evaluation, and how what a model answers is judged.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "evaluation/respond.h"
#include "tasks/sandbox.h"
#include "tasks/task.h"

namespace sputnik::evaluation {

enum class AnswerKind {
  kTask,    // a family of the gym verifies it
  kMath,    // the same mathematics as the answer
  kText,    // the same text, in whatever case
  kChoice,  // the letter of the right choice
  kCode,    // a Python program that passes tests
};

struct Item {
  std::string suite;
  std::string section, row, column;  // its place in the suite's table
  std::string id;                    // unique within the suite
  std::string question;              // as the model reads it
  AnswerKind kind = AnswerKind::kMath;
  std::string answer;                     // the right one; kCode: empty
  int n_choices = 0;                      // kChoice
  std::string preamble, tests;            // kCode
  const tasks::Family* family = nullptr;  // kTask
  tasks::Facts facts;                     // kTask
  std::string thought;                    // kTask: the teacher's
};

// The items of a file (docs/formats/eval-items.md). bare: without the line that says how to answer.
// kCorrupt names the line; kExhausted: more than 64 MiB.
Result<std::vector<Item>> parse_items(std::string_view text, const std::string& suite, bool bare);
Result<std::vector<Item>> load_items(const std::filesystem::path& path, const std::string& suite,
                                     bool bare);

struct Grade {
  bool right = false;
  std::optional<std::string> answer;  // what was taken for the final answer; kCode: none
};

// sandbox: must not be null if any item is code. kIo: a program could not be run.
Result<Grade> grade(const Item& item, const Response& response, const tasks::Sandbox* sandbox);

// Whether two wrong or two right final answers to an item are one answer, for a vote.
bool same_answer(const Item& item, std::string_view a, std::string_view b);

// Changes whenever what is asked or what is right does.
std::string fingerprint(std::span<const Item> items);

}  // namespace sputnik::evaluation
