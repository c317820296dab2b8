#include "evaluation/evaluate_tasks.h"

#include <algorithm>

#include "tasks/answer.h"

namespace sputnik::evaluation {
namespace {

FamilyCounts& counts_of(const tasks::Family* family, std::vector<FamilyCounts>& families) {
  const auto it = std::find_if(families.begin(), families.end(),
                               [&](const FamilyCounts& f) { return f.family == family; });
  return it != families.end() ? *it : families.emplace_back(FamilyCounts{family, {}});
}

}  // namespace

void TaskCounts::add(const TaskOutcome& outcome) {
  ++n;
  n_right += outcome.right ? 1 : 0;
  n_truncated += outcome.truncated ? 1 : 0;
  n_well_formed += outcome.well_formed ? 1 : 0;
  n_thought_tokens += outcome.n_thought_tokens;
  n_answer_tokens += outcome.n_answer_tokens;
}

Result<TaskEvaluation> evaluate_tasks(Engine& engine, const Tokenizer& tokenizer,
                                      const chat::ChatTemplate& chat_template,
                                      std::span<const tasks::TaskSpec> specs,
                                      const RespondOptions& options) {
  std::vector<tasks::Task> generated;
  std::vector<Question> questions;
  generated.reserve(specs.size());  // questions point into it
  for (std::size_t i = 0; i < specs.size(); ++i) {
    generated.push_back(tasks::generate(specs[i]));
    questions.push_back({generated.back().prompt, options.sampling.seed + i});
  }
  TaskEvaluation result;
  result.outcomes.resize(specs.size());
  SPUTNIK_CHECK_OK(respond(engine, tokenizer, chat_template, questions, options,
                           [&](std::size_t i, const Response& response) {
                             const auto answer = tasks::extract_answer(response.answer);
                             result.outcomes[i] = {
                                 answer &&
                                     tasks::verify(*specs[i].family, generated[i].facts, *answer),
                                 response.truncated, response.well_formed,
                                 response.n_thought_tokens, response.n_answer_tokens};
                             return ok_result();
                           }));
  for (std::size_t i = 0; i < specs.size(); ++i) {
    result.total.add(result.outcomes[i]);
    counts_of(specs[i].family, result.families).counts.add(result.outcomes[i]);
  }
  return result;
}

}  // namespace sputnik::evaluation
