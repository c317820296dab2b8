// sputnik gym: the tasks that models are trained and tested on; prints, checks and times them.
#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/run.h"
#include "tasks/check.h"
#include "tasks/talk.h"
#include "tasks/task.h"
#include "tasks/template.h"

namespace sputnik::cli {
namespace {

using Json = nlohmann::ordered_json;
using tasks::Family;
using tasks::Split;
using tasks::Task;

struct Options {
  std::string family, split = "train", trace = "short", talk, topic;
  int level = 1;
  std::uint64_t seed = 0;
  std::int64_t count = 1, check = 0;
  bool list = false, bench = false, json = false;
};

std::string_view use_name(tasks::Use use) {
  switch (use) {
    case tasks::Use::kShipped:
      return "shipped";
    case tasks::Use::kExtra:
      return "extra";
    case tasks::Use::kProbe:
      return "probe";
  }
  return "";
}

std::size_t count_held_out(const Family& family) {
  std::size_t n = 0;
  for (std::size_t i = 0; i < family.templates.size(); ++i) {
    n += tasks::is_held_out(family.templates, i) ? 1 : 0;
  }
  return n;
}

void print_families(bool json) {
  if (!json) {
    write(fmt::format("{:<18}{:<15}{:<9}{:>6}  {:<11}{}\n", "family", "area", "use", "levels",
                      "templates", "about"));
  }
  for (const Family* family : tasks::families()) {
    const std::size_t n = family->templates.size(), held_out = count_held_out(*family);
    if (json) {
      write_json_line(Json{{"family", family->name},
                           {"area", family->area},
                           {"use", use_name(family->use)},
                           {"levels", family->n_levels},
                           {"templates", n},
                           {"held_out_templates", held_out},
                           {"fingerprint", fmt::format("{:016x}", tasks::fingerprint(*family))},
                           {"about", family->what}});
    } else {
      write(fmt::format("{:<18}{:<15}{:<9}{:>6}  {:<11}{}\n", family->name, family->area,
                        use_name(family->use), family->n_levels,
                        fmt::format("{} + {}", n - held_out, held_out), family->what));
    }
  }
}

std::string_view thought_of(const Task& task, std::string_view trace) {
  if (trace == "long") return task.thought;
  if (trace == "corrected") return task.corrected_thought;
  return "";
}

void print_task(const tasks::TaskSpec& spec, const Task& task, const Options& options) {
  const std::string_view thought = thought_of(task, options.trace);
  if (options.json) {
    Json json{{"family", spec.family->name},
              {"level", spec.level},
              {"seed", spec.seed},
              {"split", options.split},
              {"prompt", task.prompt},
              {"answer", task.answer},
              {"trace", thought}};
    if (options.trace == "corrected") {
      Json& mistakes = json["mistakes"] = Json::array();
      for (const auto& [begin, end] : task.mistakes) mistakes.push_back(Json::array({begin, end}));
    }
    write_json_line(json);
    return;
  }
  write(fmt::format("# {} level {} seed {}\n{}\n", spec.family->name, spec.level, spec.seed,
                    task.prompt));
  if (!thought.empty()) write(fmt::format("<think>\n{}\n</think>\n", thought));
  write(fmt::format("{}\n\n", task.answer));
}

// One family by its name, or all.
Result<std::vector<const Family*>> chosen_families(const Options& options) {
  if (options.family.empty()) {
    return std::vector<const Family*>(tasks::families().begin(), tasks::families().end());
  }
  SPUTNIK_TRY(const Family* family, tasks::find_family(options.family));
  return std::vector<const Family*>{family};
}

Result<int> print_tasks(const Options& options) {
  SPUTNIK_TRY(const Family* family, tasks::find_family(options.family));
  if (options.level < 1 || options.level > family->n_levels) {
    return invalid_argument("{} has levels 1 to {}, not {}", family->name, family->n_levels,
                            options.level);
  }
  const Split split = options.split == "test" ? Split::kTest : Split::kTrain;
  for (std::int64_t i = 0; i < options.count; ++i) {
    const tasks::TaskSpec spec{family, options.level, options.seed + static_cast<std::uint64_t>(i),
                               split};
    print_task(spec, tasks::generate(spec), options);
  }
  return 0;
}

Result<int> check_families(const Options& options) {
  SPUTNIK_TRY(const auto families, chosen_families(options));
  std::int64_t n_failed = 0;
  for (const Family* family : families) {
    for (int level = 1; level <= family->n_levels; ++level) {
      const tasks::LevelCheck check = tasks::check_level(*family, level, options.check);
      n_failed += check.failure.empty() ? 0 : 1;
      if (options.json) {
        write_json_line(Json{{"family", family->name},
                             {"level", level},
                             {"items", check.n_items},
                             {"equations", check.n_equations},
                             {"wrong_answers_refused", check.n_refused},
                             {"repeated_prompts", check.n_repeated},
                             {"max_prompt_bytes", check.max_prompt_bytes},
                             {"max_thought_bytes", check.max_thought_bytes},
                             {"failure", check.failure}});
      } else {
        write(
            fmt::format("{:<18} level {}: {} items, {} equations, {} wrong answers refused, {} "
                        "repeated, longest prompt {} and thought {} bytes{}\n",
                        family->name, level, check.n_items, check.n_equations, check.n_refused,
                        check.n_repeated, check.max_prompt_bytes, check.max_thought_bytes,
                        check.failure.empty() ? "" : "\n  FAILED: " + check.failure));
      }
      flush();
    }
  }
  if (n_failed > 0) return invalid_argument("{} levels failed the check", n_failed);
  return 0;
}

Result<int> bench_families(const Options& options) {
  using Clock = std::chrono::steady_clock;
  SPUTNIK_TRY(const auto families, chosen_families(options));
  for (const Family* family : families) {
    std::int64_t n = 0;
    std::size_t bytes = 0;
    const auto start = Clock::now();
    const auto seconds = [&] {
      return std::chrono::duration<double>(Clock::now() - start).count();
    };
    constexpr double kSeconds = 0.3;
    while (seconds() < kSeconds) {
      for (int level = 1; level <= family->n_levels; ++level, ++n) {
        const Task task =
            tasks::generate({family, level, static_cast<std::uint64_t>(n), Split::kTrain});
        bytes += task.prompt.size() + task.thought.size();
      }
    }
    const double items_per_s = static_cast<double>(n) / seconds();
    const double bytes_per_item = static_cast<double>(bytes) / static_cast<double>(n);
    if (options.json) {
      write_json_line(Json{{"family", family->name},
                           {"items_per_s", items_per_s},
                           {"bytes_per_item", bytes_per_item}});
    } else {
      write(fmt::format("{:<18}{:>9.0f} items/s  {:>6.0f} bytes of prompt and thought each\n",
                        family->name, items_per_s, bytes_per_item));
    }
  }
  return 0;
}

void print_talk(std::uint64_t seed, const tasks::Talk& talk, const Options& options) {
  if (options.json) {
    Json json{{"seed", seed}, {"split", options.split}};
    Json& turns = json["turns"] = Json::array();
    for (const tasks::TalkTurn& turn : talk.turns) {
      turns.push_back(Json{{"topic", turn.topic},
                           {"user", turn.user},
                           {"thought", turn.thought},
                           {"answer", turn.answer}});
    }
    write_json_line(json);
    return;
  }
  write(fmt::format("# talk {}: {}\n", seed, talk.turns.back().topic));
  for (const tasks::TalkTurn& turn : talk.turns) {
    write(fmt::format("> {}\n", turn.user));
    if (!turn.thought.empty()) write(fmt::format("<think>\n{}\n</think>\n", turn.thought));
    write(fmt::format("{}\n", turn.answer));
  }
  write("\n");
}

Result<int> print_talks(const Options& options) {
  SPUTNIK_TRY(const tasks::TalkMaterial material, tasks::TalkMaterial::load(options.talk));
  const Split split = options.split == "test" ? Split::kTest : Split::kTrain;
  for (std::int64_t i = 0; i < options.count; ++i) {
    const std::uint64_t seed = options.seed + static_cast<std::uint64_t>(i);
    if (options.topic.empty()) {
      print_talk(seed, material.generate(seed, split), options);
    } else {
      SPUTNIK_TRY(const tasks::Talk talk, material.generate_topic(options.topic, seed, split));
      print_talk(seed, talk, options);
    }
  }
  return 0;
}

Result<int> run_gym(const Options& options) {
  if (!options.talk.empty()) return print_talks(options);
  if (options.list) {
    print_families(options.json);
    return 0;
  }
  if (options.check > 0) return check_families(options);
  if (options.bench) return bench_families(options);
  if (options.family.empty()) {
    return invalid_argument("name a family; `sputnik gym --list` shows them");
  }
  return print_tasks(options);
}

}  // namespace

void add_gym_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("gym", "Print, check and time the tasks that models are trained on");
  command->add_option("family", options->family,
                      "Family of tasks (for --check and --bench: or all)");
  auto* list =
      command->add_flag("--list", options->list, "All families, with levels and templates");
  command->add_option("--level", options->level, "Difficulty, from 1")->capture_default_str();
  command->add_option("--seed", options->seed, "Number of the first task")->capture_default_str();
  command->add_option("--count", options->count, "How many tasks")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command
      ->add_option("--split", options->split,
                   "test: held-out templates, names and one held-out setting")
      ->check(CLI::IsMember({"train", "test"}))
      ->capture_default_str();
  command
      ->add_option(
          "--trace", options->trace,
          "short: the answer alone; long: with a thought; corrected: with a mistake that is "
          "found")
      ->check(CLI::IsMember({"short", "long", "corrected"}))
      ->capture_default_str();
  auto* check = command
                    ->add_option("--check", options->check,
                                 "Check so many tasks of every level: traces, verifiers, splits")
                    ->check(CLI::PositiveNumber)
                    ->excludes(list);
  command->add_flag("--bench", options->bench, "Tasks made per second")
      ->excludes(list)
      ->excludes(check);
  auto* talk = command
                   ->add_option("--talk", options->talk,
                                "Print small talk instead, from this folder of material")
                   ->excludes(list)
                   ->excludes(check);
  command->add_option("--topic", options->topic, "One topic of the talk")->needs(talk);
  command->add_flag("--json", options->json, "One JSON object per line");
  command->footer(
      "Examples:\n"
      "  sputnik gym --list\n"
      "  sputnik gym countdown --level 2 --count 3 --trace corrected\n"
      "  sputnik gym knights --split test --seed 100 --count 1000 --json\n"
      "  sputnik gym --check 1000\n"
      "  sputnik gym --talk data/talk --count 10");
  command->callback([options, &exit_code] { exit_code = run(run_gym(*options)); });
}

}  // namespace sputnik::cli
