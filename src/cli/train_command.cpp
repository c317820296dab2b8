// sputnik train: a model from a recipe.
#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.h"
#include "cli/run.h"
#include "cli/train_run.h"
#include "cli/train_watch.h"
#include "train/report.h"

namespace sputnik::cli {
namespace {

struct Options {
  std::string recipe, output;
  std::string watched, reported;  // a recipe or a run's folder; empty: the newest run
  bool resume = false;
  std::int64_t steps = 0;
};

Result<int> train(const Options& options) {
  SPUTNIK_TRY(Recipe recipe, Recipe::load(options.recipe));
  if (!options.output.empty()) recipe.run.output = options.output;
  SPUTNIK_CHECK_OK(run_training(recipe, {options.resume, options.steps}));
  return 0;
}

// The folder of a run that is named by itself or by its recipe.
Result<std::filesystem::path> run_folder(const std::string& name, const Options& options) {
  if (!options.output.empty()) return std::filesystem::path(options.output);
  if (name.empty()) return newest_run("runs");
  // The folder of a run that has not begun yet need not exist.
  if (!name.ends_with(".toml") || std::filesystem::is_directory(name))
    return std::filesystem::path(name);
  SPUTNIK_TRY(const Recipe recipe, Recipe::load(name));
  return recipe.run.output;
}

Result<int> watch_command(const Options& options) {
  SPUTNIK_TRY(const std::filesystem::path folder, run_folder(options.watched, options));
  return watch_run(folder);
}

Result<int> report_command(const Options& options) {
  SPUTNIK_TRY(const std::filesystem::path folder, run_folder(options.reported, options));
  ReportWriter report(folder);
  if (!std::filesystem::exists(folder / "log.jsonl"))
    return not_found("{}: there is no log.jsonl in it", folder.string());
  SPUTNIK_CHECK_OK(report.write());
  write(report.path().string() + "\n");
  return 0;
}

}  // namespace

void add_train_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("train", "Train a model as a recipe says");
  auto* what = command->add_option_group("What to do");
  what->add_option("recipe", options->recipe, "TOML file")->type_name("RECIPE");
  const auto* watch =
      what->add_option("--watch", options->watched,
                       "Look at a run while it goes on (default: the newest in runs/)")
          ->type_name("RECIPE|FOLDER")
          ->expected(0, 1);
  const auto* report =
      what->add_option("--report", options->reported, "Write report.html of a run from its log")
          ->type_name("RECIPE|FOLDER")
          ->expected(0, 1);
  what->require_option(1);
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
      "  sputnik train recipes/tiny-smoke.toml --resume\n"
      "  sputnik train --watch runs/tiny-smoke");
  command->callback([options, watch, report, &exit_code] {
    exit_code = run(watch->count() > 0    ? watch_command(*options)
                    : report->count() > 0 ? report_command(*options)
                                          : train(*options));
  });
}

}  // namespace sputnik::cli
