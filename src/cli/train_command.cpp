// sputnik train: a model from a recipe.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/run.h"
#include "cli/train_evaluation.h"
#include "cost/run_meter.h"
#include "kernels/dispatch.h"
#include "tokenizer/bpe_trainer.h"
#include "train/checkpoint_file.h"
#include "train/export.h"
#include "train/recipe.h"

namespace sputnik::cli {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::json;

struct Options {
  std::string recipe, output;
  bool resume = false;
  std::int64_t steps = 0;
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// On a terminal one line that is written again and again; elsewhere a line every few seconds.
class Reporter {
 public:
  Reporter(std::int64_t n_steps, std::int64_t first_step)
      : n_steps_(n_steps), first_step_(first_step) {}
  ~Reporter() { end_line(); }
  Reporter(const Reporter&) = delete;
  Reporter& operator=(const Reporter&) = delete;

  void show(const StepReport& report, double tokens_per_s) {
    constexpr double kLineEvery_s = 10;
    const bool is_last = report.step == n_steps_;
    if (!is_terminal_ && !is_last && n_shown_ > 0 && seconds_since(last_) < kLineEvery_s) return;
    last_ = Clock::now();
    ++n_shown_;
    const double elapsed_s = seconds_since(start_);
    const auto done = static_cast<double>(report.step - first_step_);
    const double left_s = elapsed_s / done * static_cast<double>(n_steps_ - report.step);
    const std::string line = fmt::format(
        "step {} of {}: loss {:.4f}, learning rate {:.2e}, {:.0f} tokens/s, {} left", report.step,
        n_steps_, report.loss, report.learning_rate, tokens_per_s,
        left_s < 100 ? fmt::format("{:.0f} s", left_s) : fmt::format("{:.0f} min", left_s / 60));
    fmt::print(stderr, "{}{}{}", is_terminal_ ? "\r\x1b[K" : "", line, is_terminal_ ? "" : "\n");
    std::fflush(stderr);
    is_open_ = is_terminal_;
  }
  void say(std::string_view line) {
    end_line();
    fmt::print(stderr, "{}\n", line);
  }
  void end_line() {
    if (is_open_) fmt::print(stderr, "\n");
    is_open_ = false;
  }

 private:
  const bool is_terminal_ = ::isatty(STDERR_FILENO) != 0;
  const std::int64_t n_steps_, first_step_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point last_ = start_;
  std::int64_t n_shown_ = 0;
  bool is_open_ = false;
};

// A line of JSON for every step, behind those of earlier starts.
class StepLog {
 public:
  static Result<StepLog> open(const std::filesystem::path& path) {
    StepLog log;
    log.path_ = path;
    log.file_.reset(std::fopen(path.c_str(), "ab"));
    if (log.file_ == nullptr) return log.system_error();
    return log;
  }
  Result<void> add(const nlohmann::ordered_json& line) {
    const std::string text = line.dump() + "\n";
    if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size() ||
        std::fflush(file_.get()) != 0)
      return system_error();
    return ok_result();
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  StepLog() = default;
  Error system_error() const { return io_error("{}: {}", path_.string(), std::strerror(errno)); }

  std::filesystem::path path_;
  std::unique_ptr<std::FILE, Close> file_;
};

nlohmann::ordered_json log_line(const StepReport& report, double seconds) {
  nlohmann::ordered_json line{{"step", report.step},
                              {"loss", report.loss},
                              {"learning_rate", report.learning_rate},
                              {"gradient_norm", report.gradient_norm},
                              {"tokens", report.n_tokens},
                              {"tokens_total", report.n_tokens_total},
                              {"seconds", seconds},
                              {"expert_load_max_over_mean", report.router.max_over_mean}};
  if (report.mtp_loss != 0) line["mtp_loss"] = report.mtp_loss;
  if (!report.router.dead_experts.empty()) line["dead_experts"] = report.router.dead_experts;
  return line;
}

// The tokenizer.json of this run: the recipe's, or one that is trained on the sources in their
// shares.
Result<std::string> tokenizer_json(const Recipe& recipe) {
  if (!recipe.tokenizer.path.empty()) return read_file(recipe.tokenizer.path);
  auto created = BpeTrainer::create(
      {recipe.tokenizer.vocab_size, ControlTokens::all(), 2, ControlTokens::shown()});
  if (!created.ok()) return std::move(created).error().in("[tokenizer]");
  BpeTrainer trainer = std::move(created).value();
  SPUTNIK_TRY(const auto sources, recipe.open_sources());
  std::vector<double> bytes(sources.size(), 0);
  std::vector<std::uint64_t> next(sources.size(), 0);
  for (std::int64_t i = 0; i < recipe.tokenizer.n_documents; ++i) {
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
  return tokenizer_json_of(trainer.train());
}

Result<Tokenizer> parse_tokenizer(const std::string& text) {
  SPUTNIK_TRY(TokenizerSpec spec, parse_tokenizer_json(text));
  SPUTNIK_TRY(Tokenizer tokenizer, Tokenizer::from_spec(std::move(spec)));
  SPUTNIK_CHECK_OK(ControlTokens::check(tokenizer));
  return tokenizer;
}

// The recipe's configuration with what the tokenizer decides.
Result<json> complete_config(const Recipe& recipe, const Tokenizer& tokenizer) {
  json config = *recipe.config;
  const std::int64_t n = recipe.tokenizer.path.empty() ? recipe.tokenizer.vocab_size
                                                       : std::int64_t{tokenizer.vocab_size()};
  if (!config.contains("vocab_size")) config["vocab_size"] = n;
  if (config["vocab_size"].get<std::int64_t>() < tokenizer.vocab_size()) {
    return invalid_argument("[model] vocab_size is {}, but the tokenizer has {} tokens",
                            config["vocab_size"].get<std::int64_t>(), tokenizer.vocab_size());
  }
  config["bos_token_id"] = *tokenizer.id_of(ControlTokens::kBos);
  config["eos_token_id"] = *tokenizer.id_of(ControlTokens::kEos);
  return config;
}

std::filesystem::path model_folder(const Recipe& recipe) {
  return recipe.run.output / "model";
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
    if (name.starts_with("checkpoint-") && name.ends_with(".tmp"))
      std::filesystem::remove(entry.path(), ignored);
  }
}

// What a recipe's model is made of before it has learned anything.
struct Beginning {
  std::string tokenizer;  // tokenizer.json
  json config;
  TrainableModel model;
};

Result<Beginning> begin_new(const Recipe& recipe, bool is_resumed) {
  const std::filesystem::path path = recipe.run.output / "tokenizer.json";
  Beginning beginning;
  if (is_resumed) {
    SPUTNIK_TRY(beginning.tokenizer, read_file(path));
  } else {
    SPUTNIK_TRY(beginning.tokenizer, tokenizer_json(recipe));
    SPUTNIK_CHECK_OK(write_file_atomically(path, beginning.tokenizer));
  }
  auto tokenizer = parse_tokenizer(beginning.tokenizer);
  if (!tokenizer.ok()) return std::move(tokenizer).error().in(path.string());
  SPUTNIK_TRY(beginning.config, complete_config(recipe, tokenizer.value()));
  SPUTNIK_TRY(beginning.model, TrainableModel::create(beginning.config, recipe.initialization));
  return beginning;
}

// The result of another recipe.
Result<Beginning> begin_from(const std::filesystem::path& folder) {
  Beginning beginning;
  SPUTNIK_TRY(beginning.tokenizer, read_file(folder / "tokenizer.json"));
  SPUTNIK_TRY(const std::string config, read_file(folder / "config.json"));
  beginning.config = json::parse(config, nullptr, false);
  if (!beginning.config.is_object())
    return corrupt("{}: config.json is no JSON object", folder.string());
  SPUTNIK_TRY(beginning.model, TrainableModel::load(folder));
  return beginning;
}

std::string hash_of(std::string_view text) {
  return fmt::format("{:016x}", stable_hash(text));
}

// Of a file, or of all files of a folder.
Result<std::string> content_hash(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) {
    SPUTNIK_TRY(const MappedFile file, MappedFile::open(path));
    const auto bytes = file.bytes();
    return hash_of({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(path, error))
    paths.push_back(entry.path());
  if (error) return io_error("{}: {}", path.string(), error.message());
  std::sort(paths.begin(), paths.end());
  std::string hashes;
  for (const std::filesystem::path& entry : paths) {
    SPUTNIK_TRY(const std::string hash, content_hash(entry));
    hashes += fmt::format("{} {}\n", entry.filename().string(), hash);
  }
  return hash_of(hashes);
}

// What must be the same when training goes on.
Result<json> identity_of(const Recipe& recipe, const Beginning& beginning) {
  json identity = {{"architecture", beginning.config["model_type"]},
                   {"configuration", hash_of(beginning.config.dump())},
                   {"tokenizer", hash_of(beginning.tokenizer)},
                   {"recipe", recipe.hash}};
  for (std::size_t i = 0; i < recipe.sources.size(); ++i) {
    if (recipe.sources[i].path.empty()) continue;
    SPUTNIK_TRY(identity[fmt::format("text of source {}", i + 1)],
                content_hash(recipe.sources[i].path));
  }
  if (recipe.base != nullptr) {
    SPUTNIK_TRY(identity["weights to start from"],
                content_hash(model_folder(*recipe.base) / "model.safetensors"));
  }
  return identity;
}

// Whether the recipe's model is finished. A finished one stays as it is if may_be_finished.
Result<bool> run(const Recipe& recipe, const Options& options, bool may_be_finished) {
  RunMeter meter;
  const std::filesystem::path& folder = recipe.run.output;
  const bool has_checkpoints = !checkpoints_in(folder).empty();
  if (may_be_finished && std::filesystem::exists(model_folder(recipe) / "config.json")) return true;
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
                                      : begin_from(model_folder(*recipe.base));
  if (!begun.ok()) return std::move(begun).error();
  Beginning beginning = std::move(begun).value();
  TrainableModel& model = beginning.model;
  SPUTNIK_TRY(const Tokenizer tokenizer, parse_tokenizer(beginning.tokenizer));
  SPUTNIK_TRY(const json identity, identity_of(recipe, beginning));
  SPUTNIK_TRY(auto sources, recipe.open_sources());
  Packer packer(tokenizer, std::move(sources), recipe.data);
  ThreadPool pool(recipe.run.threads > 0 ? static_cast<int>(recipe.run.threads)
                                         : available_processors());
  SPUTNIK_TRY(const kernels::KernelTable* kernels, kernels::choose_table(""));
  Trainer trainer(model, packer, pool, *kernels, recipe.trainer);
  bool is_resumed = false;
  if (options.resume) {
    SPUTNIK_TRY(is_resumed, resume(trainer, folder, identity));
  }
  if (recipe.base != nullptr) {
    SPUTNIK_TRY(Bill base, Bill::load(recipe.base->run.output / "bill.json"));
    meter.set_base(std::move(base));
  }
  meter.begin(recipe, recipe.name, *model.model, pool);
  const std::filesystem::path log_path = folder / "log.jsonl";
  SPUTNIK_TRY(StepLog log, StepLog::open(log_path));
  nlohmann::ordered_json begin{{"event", is_resumed ? "resumed" : "started"},
                               {"step", trainer.n_steps_done()},
                               {"recipe", recipe.hash},
                               {"parameters", model.parameters->n_values()}};
  meter.add_start_to(begin);
  SPUTNIK_CHECK_OK(log.add(begin));

  const std::atomic<bool>& interrupted = catch_interrupts();
  const std::int64_t last_step =
      options.steps > 0 ? std::min(options.steps, recipe.trainer.n_steps) : recipe.trainer.n_steps;
  Reporter reporter(last_step, trainer.n_steps_done());
  reporter.say(fmt::format("{} parameters, {} used per token; {} at step {}",
                           model.parameters->n_values(), model.model->n_active_parameters(),
                           is_resumed ? "going on" : "starting", trainer.n_steps_done()));
  if (is_resumed) {
    SPUTNIK_TRY(const Bill bill, meter.bill(log_path));
    reporter.say(bill_so_far(bill));
  }
  std::int64_t saved_step = trainer.n_steps_done();
  const auto save = [&]() -> Result<void> {
    saved_step = trainer.n_steps_done();
    SPUTNIK_CHECK_OK(trainer.save(checkpoint_path(folder, trainer.n_steps_done()), identity));
    remove_old_checkpoints(folder, recipe.run.keep_checkpoints);
    return ok_result();
  };
  std::size_t n_dead = 0;
  while (trainer.n_steps_done() < last_step && !interrupted) {
    const auto start = Clock::now();
    SPUTNIK_TRY(const StepReport report, trainer.step());
    const double step_s = seconds_since(start);
    nlohmann::ordered_json line = log_line(report, step_s);
    meter.add_to(line, report);
    SPUTNIK_CHECK_OK(log.add(line));
    reporter.show(report, static_cast<double>(report.n_tokens) / step_s);
    if (report.router.dead_experts.size() > n_dead) {
      reporter.say(fmt::format("{} experts get no tokens any more, {} is one of them",
                               report.router.dead_experts.size(),
                               report.router.dead_experts.back()));
    }
    n_dead = report.router.dead_experts.size();
    if (report.step % recipe.run.checkpoint_every == 0 || report.step == last_step)
      SPUTNIK_CHECK_OK(save());
    if (recipe.evaluation.every > 0 &&
        (report.step % recipe.evaluation.every == 0 || report.step == recipe.trainer.n_steps)) {
      reporter.say(fmt::format("step {}: tasks that it has not seen", report.step));
      const auto evaluated =
          evaluate_training(recipe, *model.model, tokenizer, report.step, pool.n_threads(),
                            interrupted, [&](nlohmann::ordered_json event) {
                              meter.add_to(event);
                              return log.add(event);
                            });
      if (!evaluated.ok() && evaluated.error().code != ErrorCode::kCancelled)
        return evaluated.error();
    }
  }
  if (trainer.n_steps_done() != saved_step) SPUTNIK_CHECK_OK(save());
  reporter.end_line();
  const auto end = [&]() -> Result<Bill> {
    nlohmann::ordered_json line{{"event", "ended"}, {"step", trainer.n_steps_done()}};
    meter.add_to(line);
    SPUTNIK_CHECK_OK(log.add(line));
    SPUTNIK_TRY(const Bill bill, meter.bill(log_path));
    SPUTNIK_CHECK_OK(bill.write(folder));
    return bill;
  };
  // What a script does next with the model must not happen.
  if (trainer.n_steps_done() < last_step) {
    SPUTNIK_TRY(const Bill bill, end());
    return make_error(ErrorCode::kCancelled, "stopped after step {} of {}; --resume goes on\n{}",
                      trainer.n_steps_done(), recipe.trainer.n_steps, bill_so_far(bill));
  }
  if (trainer.n_steps_done() < recipe.trainer.n_steps) {
    SPUTNIK_TRY(const Bill bill, end());
    write(fmt::format("stopped after step {} of {}; --resume goes on\n{}\n", trainer.n_steps_done(),
                      recipe.trainer.n_steps, bill_so_far(bill)));
    return false;
  }
  const std::filesystem::path exported = model_folder(recipe);
  SPUTNIK_CHECK_OK(export_model(exported, beginning.config, beginning.tokenizer, *model.parameters,
                                [&](const Parameter& p) -> std::span<const float> {
                                  if (recipe.run.export_average) return trainer.averaged(p);
                                  return p.value;
                                }));
  SPUTNIK_TRY(const Bill bill, end());
  write(fmt::format("trained on {} tokens; the model is {}\n{}", trainer.n_tokens_total(),
                    exported.string(), bill.text()));
  return true;
}

// A recipe and before it the one that it starts from, unless that is finished.
Result<bool> run_all(const Recipe& recipe, const Options& options, bool may_be_finished) {
  if (recipe.base != nullptr) {
    SPUTNIK_TRY(const bool is_finished, run_all(*recipe.base, options, true));
    if (!is_finished) return false;
  }
  return run(recipe, options, may_be_finished);
}

Result<int> train(const Options& options) {
  SPUTNIK_TRY(Recipe recipe, Recipe::load(options.recipe));
  if (!options.output.empty()) recipe.run.output = options.output;
  SPUTNIK_CHECK_OK(run_all(recipe, options, false));
  return 0;
}

}  // namespace

void add_train_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("train", "Train a model as a recipe says");
  command->add_option("recipe", options->recipe, "TOML file")->type_name("RECIPE")->required();
  command->add_flag("--resume", options->resume,
                    "Go on from the newest checkpoint, if there is one");
  command
      ->add_option("--steps", options->steps,
                   "Stop after this step of the run; the schedule stays the recipe's")
      ->check(CLI::PositiveNumber);
  command->add_option("--output", options->output, "Folder of checkpoints, log and model")
      ->type_name("FOLDER");
  command->footer(
      "Ctrl-C writes a checkpoint and ends the run with exit status 1; --resume goes on with it.\n"
      "Examples:\n"
      "  sputnik train recipes/tiny-smoke.toml\n"
      "  sputnik train recipes/tiny-smoke.toml --resume");
  command->callback([options, &exit_code] { exit_code = run(train(*options)); });
}

}  // namespace sputnik::cli
