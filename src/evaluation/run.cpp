#include "evaluation/run.h"

#include <algorithm>

#include "evaluation/stable_hash.h"

namespace sputnik::evaluation {
namespace {

std::uint64_t seed_of(const Item& item, const RunOptions& options, std::int64_t sample) {
  StableHash hash;
  hash.add(static_cast<std::int64_t>(options.seed));
  hash.add(item.suite);
  hash.add(item.id);
  hash.add(sample);
  return hash.value();
}

}  // namespace

Result<RunCounts> run_evaluation(Engine& engine, const Tokenizer& tokenizer,
                                 const chat::ChatTemplate& chat_template,
                                 std::span<const Item> items, const RunOptions& options,
                                 const tasks::Sandbox* sandbox, ResponseLog& log,
                                 FunctionRef<void(const RunCounts&)> progress) {
  struct Place {
    std::int64_t item, sample;
  };
  std::vector<Place> places;
  std::vector<Question> questions;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(items.size()); ++i) {
    for (std::int64_t sample = 0; sample < options.n_samples; ++sample) {
      if (log.has(i, sample)) continue;
      const Item& item = items[static_cast<std::size_t>(i)];
      places.push_back({i, sample});
      questions.push_back({item.question, seed_of(item, options, sample)});
    }
  }
  RunCounts counts;
  counts.n_total = static_cast<std::int64_t>(items.size()) * options.n_samples;
  counts.n_done = counts.n_total - static_cast<std::int64_t>(places.size());
  progress(counts);
  const auto judge = [&](std::size_t i, const Response& response) -> Result<void> {
    const auto [item, sample] = places[i];
    SPUTNIK_TRY(Grade graded, grade(items[static_cast<std::size_t>(item)], response, sandbox));
    SPUTNIK_CHECK_OK(log.add({item, sample, graded.right, response.truncated, response.well_formed,
                              std::move(graded.answer), response.n_thought_tokens,
                              response.n_answer_tokens, response.thought, response.answer}));
    ++counts.n_done;
    counts.n_tokens += response.n_tokens();
    progress(counts);
    return ok_result();
  };
  SPUTNIK_CHECK_OK(respond(engine, tokenizer, chat_template, questions, options.respond, judge));
  return counts;
}

Result<std::int64_t> longest_prompt(std::span<const Item> items, const Tokenizer& tokenizer,
                                    const chat::ChatTemplate& chat_template, bool thinking) {
  std::int64_t longest = 0;
  for (const Item& item : items) {
    SPUTNIK_TRY(const std::int64_t n,
                n_prompt_tokens(tokenizer, chat_template, item.question, thinking));
    longest = std::max(longest, n);
  }
  return longest;
}

}  // namespace sputnik::evaluation
