#include "cost/calibrate.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "base/rng.h"
#include "cost/training_cost.h"
#include "formats/tokenizer_json.h"
#include "kernels/dispatch.h"
#include "kernels/machine_limits.h"
#include "tokenizer/bpe_trainer.h"
#include "tokenizer/tokenizer.h"

namespace sputnik {
namespace {

constexpr std::int64_t kTokenizerDocuments = 400;
constexpr double kTimed_s = 3;

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Letters in disorder, as many as make a sequence: nothing to learn, and as much work as anything.
class RandomTexts final : public DocumentSource {
 public:
  explicit RandomTexts(std::int64_t n_letters) : n_letters_(n_letters) {}

  Document document(std::uint64_t index) const override {
    Rng rng(index);
    std::string text;
    for (std::int64_t i = 0; i < n_letters_; ++i) text += static_cast<char>('a' + rng.next() % 26);
    return {{{text, false, true, {}}}, false};
  }

 private:
  std::int64_t n_letters_;
};

Result<Tokenizer> sample_tokenizer(const CalibrationJob& job) {
  if (!job.tokenizer.path.empty()) {
    SPUTNIK_TRY(const std::string text, read_file(job.tokenizer.path));
    SPUTNIK_TRY(TokenizerSpec spec, parse_tokenizer_json(text));
    SPUTNIK_TRY(Tokenizer tokenizer, Tokenizer::from_spec(std::move(spec)));
    SPUTNIK_CHECK_OK(ControlTokens::check(tokenizer));
    return tokenizer;
  }
  SPUTNIK_TRY(BpeTrainer trainer,
              BpeTrainer::create({job.tokenizer.vocab_size, ControlTokens::all(), 2}));
  SPUTNIK_TRY(const auto sources, job.open_tokenizer_sources());
  std::vector<double> bytes(sources.size(), 0);
  std::vector<std::uint64_t> next(sources.size(), 0);
  const std::int64_t n = std::min(job.tokenizer.n_documents, kTokenizerDocuments);
  for (std::int64_t i = 0; i < n; ++i) {
    std::size_t chosen = 0;
    for (std::size_t s = 1; s < sources.size(); ++s) {
      if (bytes[s] / sources[s].share < bytes[chosen] / sources[chosen].share) chosen = s;
    }
    for (const Document::Part& part : sources[chosen].source->document(next[chosen]++).parts) {
      if (part.is_control) continue;
      trainer.add(part.text);
      bytes[chosen] += static_cast<double>(part.text.size());
    }
  }
  return Tokenizer::from_spec(trainer.train());
}

}  // namespace

CalibrationJob calibration_of(const Recipe& recipe, const nlohmann::json& config, int n_threads) {
  CalibrationJob job;
  job.config = config;
  job.initialization = recipe.initialization;
  job.trainer = recipe.trainer;
  job.data = recipe.data;
  job.open_sources = [recipe] { return recipe.open_sources(); };
  // The tokenizer is that of the recipe that everything starts from.
  const Recipe* first = &recipe;
  while (first->base != nullptr) first = first->base.get();
  job.tokenizer = first->tokenizer;
  job.open_tokenizer_sources = [root = *first] { return root.open_sources(); };
  job.trains_tokenizer = first == &recipe && first->tokenizer.path.empty();
  job.n_threads = n_threads;
  return job;
}

CalibrationJob calibration_of(const nlohmann::json& config, const TrainerOptions& trainer,
                              std::int64_t context_length, int n_threads) {
  CalibrationJob job;
  job.config = config;
  job.trainer = trainer;
  job.data.context_length = context_length;
  job.open_sources = [context_length]() -> Result<std::vector<Packer::Source>> {
    std::vector<Packer::Source> sources;
    sources.push_back({std::make_unique<RandomTexts>(context_length + 1), 1});
    return sources;
  };
  job.open_tokenizer_sources = job.open_sources;
  // Single bytes: a letter is a token.
  job.tokenizer.vocab_size = 256 + static_cast<std::int64_t>(ControlTokens::all().size());
  job.n_threads = n_threads;
  return job;
}

Result<Calibration> calibrate(const CalibrationJob& job) {
  const Stopwatch whole;
  Calibration found;
  auto made = sample_tokenizer(job);
  if (!made.ok()) return std::move(made).error().in("[tokenizer]");
  const Tokenizer tokenizer = std::move(made).value();
  if (job.config.at("vocab_size").get<std::int64_t>() < tokenizer.vocab_size()) {
    return invalid_argument("vocab_size is {}, but the tokenizer has {} tokens",
                            job.config.at("vocab_size").get<std::int64_t>(),
                            tokenizer.vocab_size());
  }
  if (job.trains_tokenizer) {
    found.beginning_s =
        whole.seconds() * static_cast<double>(job.tokenizer.n_documents) /
        static_cast<double>(std::min(job.tokenizer.n_documents, kTokenizerDocuments));
  }
  const Stopwatch making;
  SPUTNIK_TRY(TrainableModel model, TrainableModel::create(job.config, job.initialization));
  found.beginning_s += making.seconds();
  SPUTNIK_TRY(auto sources, job.open_sources());
  Packer packer(tokenizer, std::move(sources), job.data);
  ThreadPool pool(job.n_threads);
  SPUTNIK_TRY(const kernels::KernelTable* table, kernels::choose_table(""));
  const kernels::FlopPeaks peaks = kernels::measure_flop_peaks(pool);
  found.peak_flops_per_s = job.trainer.precision == TrainingPrecision::kBfloat16
                               ? peaks.bf16_flops_per_s
                               : peaks.f32_flops_per_s;

  // One micro-batch that finds its memory, then steps of as many as the recipe's have, as far as
  // time allows: what a step does once is spread over them.
  TrainerOptions options = job.trainer;
  const std::int64_t wanted = options.batch.last_tokens;
  const std::int64_t micro = std::min(options.micro_batch_tokens, wanted);
  const auto per_micro =
      TrainingCost(*model.model, options.precision, options.checkpoint_layers)
          .flops(static_cast<double>(micro), static_cast<double>(job.data.context_length))
          .executed();
  const double micro_s = per_micro / (0.4 * std::max(found.peak_flops_per_s, 1e9));
  const auto fitting = static_cast<std::int64_t>(std::clamp(kTimed_s / micro_s, 1.0, 1e6));
  options.batch = {micro, std::min(wanted, fitting * micro), 1e-9};
  options.n_steps = 1'000'000;
  options.learning_rate.peak = 1e-6;
  Trainer trainer(model, packer, pool, *table, options);
  SPUTNIK_TRY(const StepReport first, trainer.step());
  TrainingWork work;
  std::int64_t n_steps = 0;
  const Stopwatch timed;
  do {
    SPUTNIK_TRY(const StepReport report, trainer.step());
    work.main += report.work.main;
    work.mtp += report.work.mtp;
    ++n_steps;
  } while (timed.seconds() < kTimed_s * 0.8);
  const double n_tokens = work.main.n_tokens;
  found.seconds_per_token = timed.seconds() / n_tokens;
  found.extra_tokens_per_step =
      n_tokens / static_cast<double>(n_steps) - static_cast<double>(options.batch.last_tokens);
  const auto per_token = [&](const SequenceSums& sums) {
    return SequenceSums{sums.n_tokens / n_tokens, sums.n_pairs / n_tokens};
  };
  found.work_per_token = {per_token(work.main), per_token(work.mtp)};
  found.ops_memory_bytes = trainer.memory_bytes();
  found.took_s = whole.seconds();
  return found;
}

}  // namespace sputnik
