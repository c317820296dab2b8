#include "cli/train_run.h"

#include <chrono>
#include <cstdio>

#include "cli/interrupt.h"
#include "cli/run.h"
#include "cli/train_beginning.h"
#include "cli/train_evaluation.h"
#include "cli/train_progress.h"
#include "cost/run_meter.h"
#include "kernels/dispatch.h"
#include "train/checkpoint_file.h"
#include "train/export.h"
#include "train/run_record.h"

namespace sputnik::cli {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::json;
using nlohmann::ordered_json;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Goes on from the newest checkpoint that is whole. False: there is no checkpoint at all.
Result<bool> resume(Trainer& trainer, const std::filesystem::path& folder, const json& identity) {
  const auto paths = checkpoints_in(folder);
  for (const std::filesystem::path& path : paths) {
    const auto loaded = trainer.load(path, identity);
    if (loaded.ok()) return true;
    if (loaded.error().code != ErrorCode::kCorrupt) return loaded.error();
    fmt::print(stderr, "{}; trying the one before it\n", loaded.error().message);
  }
  if (!paths.empty()) return corrupt("{}: no checkpoint is whole", folder.string());
  return false;
}

void remove_old_checkpoints(const std::filesystem::path& folder, std::int64_t n_kept) {
  const auto paths = checkpoints_in(folder);
  std::error_code ignored;
  for (std::size_t i = static_cast<std::size_t>(n_kept); i < paths.size(); ++i)
    std::filesystem::remove(paths[i], ignored);
}

// What a run that was killed while it wrote has left.
void remove_unfinished(const std::filesystem::path& folder) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if ((name.starts_with("checkpoint-") || name.starts_with("report.html.")) &&
        name.ends_with(".tmp"))
      std::filesystem::remove(entry.path(), ignored);
  }
}

// The part of a run between its first step here and its last.
class TrainRun {
 public:
  TrainRun(const Recipe& recipe, const Beginning& beginning, const json& identity,
           const Tokenizer& tokenizer, ThreadPool& pool, Trainer& trainer, RunMeter& meter,
           RunRecord& record)
      : recipe_(recipe),
        beginning_(beginning),
        identity_(identity),
        tokenizer_(tokenizer),
        pool_(pool),
        trainer_(trainer),
        meter_(meter),
        record_(record) {}

  Result<bool> run(bool is_resumed, std::int64_t last_step);

 private:
  const std::filesystem::path& folder() const { return recipe_.run.output; }
  Result<void> log(ordered_json line) {
    meter_.add_to(line);
    return record_.add(line);
  }
  Result<void> step(TrainProgress& progress);
  Result<void> save();
  Result<void> evaluate(TrainProgress& progress);
  Result<Bill> end(std::string_view event);

  const Recipe& recipe_;
  const Beginning& beginning_;
  const json& identity_;
  const Tokenizer& tokenizer_;
  ThreadPool& pool_;
  Trainer& trainer_;
  RunMeter& meter_;
  RunRecord& record_;
  const std::atomic<bool>& interrupted_ = catch_interrupts();
  std::int64_t saved_step_ = 0;
  std::size_t n_dead_ = 0;
};

Result<void> TrainRun::step(TrainProgress& progress) {
  const auto begin = Clock::now();
  const auto made = trainer_.step();
  if (!made.ok()) {
    SPUTNIK_CHECK_OK(record_.add({{"event", "failed"},
                                  {"step", trainer_.n_steps_done()},
                                  {"message", made.error().message}}));
    record_.finish();
    return made.error();
  }
  const StepReport& report = made.value();
  if (report.is_skipped) {
    ordered_json line{{"event", "skipped"}, {"step", report.step}, {"tokens", report.n_tokens}};
    meter_.add_to(line, report);
    progress.say(fmt::format("step {}: the loss is not a number; skipped, {} of {} that may be",
                             report.step, trainer_.n_skipped_steps(),
                             recipe_.trainer.max_skipped_steps));
    return record_.add(line);
  }
  ordered_json line = step_line(report, seconds_since(begin));
  meter_.add_to(line, report);
  SPUTNIK_CHECK_OK(record_.add(line));
  if (const auto loads = expert_loads_line(report)) SPUTNIK_CHECK_OK(record_.add(*loads));
  progress.show(log_step_of(line));
  if (const auto problem = record_.take_problem()) progress.say(*problem);
  if (report.router.dead_experts.size() > n_dead_) {
    progress.say(fmt::format("{} experts get no tokens any more, {} is one of them",
                             report.router.dead_experts.size(), report.router.dead_experts.back()));
  }
  n_dead_ = report.router.dead_experts.size();
  return ok_result();
}

Result<void> TrainRun::save() {
  saved_step_ = trainer_.n_steps_done();
  SPUTNIK_CHECK_OK(trainer_.save(checkpoint_path(folder(), saved_step_), identity_));
  remove_old_checkpoints(folder(), recipe_.run.keep_checkpoints);
  return ok_result();
}

Result<void> TrainRun::evaluate(TrainProgress& progress) {
  progress.say(fmt::format("step {}: tasks that it has not seen", trainer_.n_steps_done()));
  const auto evaluated = evaluate_training(recipe_, *beginning_.model.model, tokenizer_,
                                           trainer_.n_steps_done(), pool_.n_threads(), interrupted_,
                                           [&](const ordered_json& line) { return log(line); });
  if (!evaluated.ok() && evaluated.error().code != ErrorCode::kCancelled) return evaluated.error();
  return ok_result();
}

Result<Bill> TrainRun::end(std::string_view event) {
  ordered_json line{{"event", event}, {"step", trainer_.n_steps_done()}};
  meter_.add_to(line);
  SPUTNIK_CHECK_OK(record_.add(line));
  SPUTNIK_TRY(const Bill bill, meter_.bill(folder() / "log.jsonl"));
  SPUTNIK_CHECK_OK(bill.write(folder()));
  record_.finish();
  return bill;
}

Result<bool> TrainRun::run(bool is_resumed, std::int64_t last_step) {
  ordered_json start_line{{"event", is_resumed ? "resumed" : "started"},
                          {"step", trainer_.n_steps_done()},
                          {"steps", recipe_.trainer.n_steps},
                          {"recipe", recipe_.hash},
                          {"parameters", beginning_.model.parameters->n_values()}};
  meter_.add_start_to(start_line);
  SPUTNIK_CHECK_OK(record_.add(start_line));
  LogStart start = log_start_of(start_line);
  start.n_steps = last_step;
  TrainProgress progress(start);
  progress.say(fmt::format("{}: {} parameters, {} used per token; {} at step {}", recipe_.name,
                           beginning_.model.parameters->n_values(),
                           beginning_.model.model->n_active_parameters(),
                           is_resumed ? "going on" : "starting", trainer_.n_steps_done()));
  if (is_resumed) {
    SPUTNIK_TRY(const Bill bill, meter_.bill(folder() / "log.jsonl"));
    progress.say(bill_so_far(bill));
  }
  saved_step_ = trainer_.n_steps_done();
  const auto is_due = [&](std::int64_t every, std::int64_t last) {
    return every > 0 && (trainer_.n_steps_done() % every == 0 || trainer_.n_steps_done() == last);
  };
  while (trainer_.n_steps_done() < last_step && !interrupted_) {
    SPUTNIK_CHECK_OK(step(progress));
    if (is_due(recipe_.run.checkpoint_every, last_step)) SPUTNIK_CHECK_OK(save());
    if (is_due(recipe_.evaluation.every, recipe_.trainer.n_steps))
      SPUTNIK_CHECK_OK(evaluate(progress));
  }
  if (trainer_.n_steps_done() != saved_step_) SPUTNIK_CHECK_OK(save());
  progress.end_line();
  if (trainer_.n_steps_done() < recipe_.trainer.n_steps) {
    SPUTNIK_TRY(const Bill bill, end("stopped"));
    progress.say(bill_so_far(bill));
    const std::string stopped = fmt::format("stopped after step {} of {}; --resume goes on",
                                            trainer_.n_steps_done(), recipe_.trainer.n_steps);
    // What a script does next with the model must not happen.
    if (trainer_.n_steps_done() < last_step)
      return make_error(ErrorCode::kCancelled, "{}", stopped);
    write(stopped + "\n");
    return false;
  }
  const std::filesystem::path exported = model_folder(recipe_);
  SPUTNIK_CHECK_OK(export_model(exported, beginning_.config, beginning_.tokenizer_json,
                                *beginning_.model.parameters,
                                [&](const Parameter& p) -> std::span<const float> {
                                  if (recipe_.run.export_average) return trainer_.averaged(p);
                                  return p.value;
                                }));
  SPUTNIK_TRY(const Bill bill, end("finished"));
  write(fmt::format("trained on {} tokens; the model is {}\n{}", trainer_.n_tokens_total(),
                    exported.string(), bill.text()));
  return true;
}

// One recipe, whose base is finished.
Result<bool> run_one(const Recipe& recipe, const TrainRunOptions& options) {
  RunMeter meter;
  const std::filesystem::path& folder = recipe.run.output;
  const bool has_checkpoints = !checkpoints_in(folder).empty();
  if (!options.resume && has_checkpoints) {
    return invalid_argument(
        "{} holds checkpoints of an earlier run; --resume goes on with it, --output names another "
        "folder",
        folder.string());
  }
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return io_error("{}: {}", folder.string(), error.message());
  remove_unfinished(folder);

  auto begun = recipe.base == nullptr ? begin_new(recipe, options.resume && has_checkpoints)
                                      : begin_from_base(recipe);
  if (!begun.ok()) return std::move(begun).error();
  Beginning beginning = std::move(begun).value();
  SPUTNIK_TRY(const Tokenizer tokenizer, parse_tokenizer(beginning.tokenizer_json));
  SPUTNIK_TRY(const json identity, identity_of(recipe, beginning));
  SPUTNIK_TRY(auto sources, recipe.open_sources());
  Packer packer(tokenizer, std::move(sources), recipe.data);
  ThreadPool pool(recipe.run.threads > 0 ? static_cast<int>(recipe.run.threads)
                                         : available_processors());
  SPUTNIK_TRY(const kernels::KernelTable* kernels, kernels::choose_table(""));
  Trainer trainer(beginning.model, packer, pool, *kernels, recipe.trainer);
  bool is_resumed = false;
  if (options.resume) {
    SPUTNIK_TRY(is_resumed, resume(trainer, folder, identity));
  }
  if (recipe.base != nullptr) {
    SPUTNIK_TRY(Bill base, Bill::load(recipe.base->run.output / "bill.json"));
    meter.set_base(std::move(base));
  }
  meter.begin(recipe, recipe.name, *beginning.model.model, pool);
  SPUTNIK_TRY(RunRecord record, RunRecord::open(folder));
  TrainRun run(recipe, beginning, identity, tokenizer, pool, trainer, meter, record);
  return run.run(is_resumed, options.steps > 0 ? std::min(options.steps, recipe.trainer.n_steps)
                                               : recipe.trainer.n_steps);
}

}  // namespace

Result<bool> run_training(const Recipe& recipe, const TrainRunOptions& options) {
  if (recipe.base != nullptr &&
      !std::filesystem::exists(model_folder(*recipe.base) / "config.json")) {
    SPUTNIK_TRY(const bool is_finished, run_training(*recipe.base, options));
    if (!is_finished) return false;
  }
  return run_one(recipe, options);
}

}  // namespace sputnik::cli
