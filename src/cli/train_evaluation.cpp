#include "cli/train_evaluation.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "evaluation/evaluate_tasks.h"

namespace sputnik::cli {
namespace {

std::vector<tasks::TaskSpec> held_out_tasks(const Recipe& recipe) {
  std::vector<tasks::TaskSpec> specs;
  std::vector<const tasks::Family*> seen;
  for (const SourceRecipe& source : recipe.sources) {
    if (source.kind != SourceRecipe::Kind::kTasks) continue;
    for (const tasks::Family* family : source.tasks.families) {
      if (std::find(seen.begin(), seen.end(), family) != seen.end()) continue;
      seen.push_back(family);
      const int n_levels = std::min(source.tasks.max_level, family->n_levels);
      for (std::int64_t i = 0; i < recipe.evaluation.items; ++i) {
        specs.push_back({family, 1 + static_cast<int>(i % n_levels), static_cast<std::uint64_t>(i),
                         tasks::Split::kTest});
      }
    }
  }
  return specs;
}

}  // namespace

Result<void> evaluate_training(const Recipe& recipe, const Model& model, const Tokenizer& tokenizer,
                               std::int64_t step, int n_threads,
                               const std::atomic<bool>& interrupted, const LogLine& log) {
  constexpr std::int64_t kPromptTokens = 512;  // more than any task's
  EngineOptions options;
  options.n_threads = n_threads;
  options.context_length = kPromptTokens + recipe.evaluation.max_tokens;
  options.max_sequences = 64;
  SPUTNIK_TRY(const auto engine, Engine::create(model, options));
  SPUTNIK_TRY(const auto chat_template, chat::ChatTemplate::by_name("deepseek-r1"));
  evaluation::RespondOptions respond;
  respond.max_tokens = recipe.evaluation.max_tokens;
  respond.interrupted = &interrupted;

  const std::vector<tasks::TaskSpec> specs = held_out_tasks(recipe);
  if (!specs.empty()) {
    SPUTNIK_TRY(const auto result,
                evaluation::evaluate_tasks(*engine, tokenizer, chat_template, specs, respond));
    nlohmann::ordered_json families = nlohmann::ordered_json::object();
    for (const evaluation::FamilyCounts& family : result.families) {
      families[std::string(family.family->name)] = {{"n", family.counts.n},
                                                    {"right", family.counts.n_right}};
    }
    SPUTNIK_CHECK_OK(log({{"event", "evaluation"}, {"step", step}, {"families", families}}));
  }
  std::vector<evaluation::Question> questions;
  for (const std::string& prompt : recipe.evaluation.samples) questions.push_back({prompt, 0});
  std::vector<std::string> texts(questions.size());
  SPUTNIK_CHECK_OK(evaluation::respond(
      *engine, tokenizer, chat_template, questions, respond,
      [&](std::size_t i, const evaluation::Response& response) -> Result<void> {
        texts[i] = response.thought.empty()
                       ? response.answer
                       : fmt::format("<think>{}</think>{}", response.thought, response.answer);
        return ok_result();
      }));
  for (std::size_t i = 0; i < texts.size(); ++i) {
    SPUTNIK_CHECK_OK(log({{"event", "sample"},
                          {"step", step},
                          {"prompt", recipe.evaluation.samples[i]},
                          {"text", texts[i]}}));
  }
  return ok_result();
}

}  // namespace sputnik::cli
