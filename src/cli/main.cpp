// sputnik: see `sputnik --help`. Exit status: 0, 1 if the world failed, 2 if the command line is
// wrong.
#include <CLI/CLI.hpp>
#include <exception>
#include <new>

#include "cli/commands.h"
#include "cli/run.h"
#include "cli/version.h"

namespace {

using namespace sputnik::cli;

// What is wrong with the command line, and where the right one stands.
int report_usage(const CLI::App& app, const std::string& first_word, std::string_view problem) {
  const auto commands = app.get_subcommands();
  std::string what(problem);
  if (commands.empty()) {
    what = first_word.empty() ? "a command is missing"
                              : fmt::format("there is no command \"{}\"", first_word);
  }
  print_error(fmt::format("{}; see `sputnik {}--help`", what,
                          commands.empty() ? "" : commands.front()->get_name() + " "));
  return kExitUsage;
}

int run_program(int argc, char** argv) {
  CLI::App app("The DeepSeek system on your own machine", "sputnik");
  app.require_subcommand(1);
  app.set_version_flag("--version", version_text, "Version, compiler and kernels in use");
  app.footer("Example:\n  sputnik chat model.gguf\n`sputnik COMMAND --help` says more.");
  int exit_code = 0;
  add_chat_command(app, exit_code);
  add_ask_command(app, exit_code);
  add_serve_command(app, exit_code);
  add_generate_command(app, exit_code);
  add_tokenize_command(app, exit_code);
  add_logits_command(app, exit_code);
  add_show_command(app, exit_code);
  add_bench_command(app, exit_code);
  add_quantize_command(app, exit_code);
  add_gym_command(app, exit_code);
  add_eval_command(app, exit_code);
  add_train_command(app, exit_code);
  add_plan_command(app, exit_code);
  add_replay_command(app, exit_code);
  add_key_command(app, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help and --version
    return report_usage(app, argc > 1 ? argv[1] : "", error.what());
  }
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run_program(argc, argv);
  } catch (const std::bad_alloc&) {
    print_error("out of memory");
  } catch (const std::exception& error) {
    print_error(error.what());
  }
  return kExitFailure;
}
