// sputnik eval: what a model can do, on items whose answers a program checks.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "cli/commands.h"
#include "cli/eval_output.h"
#include "cli/interrupt.h"
#include "cli/model_options.h"
#include "cli/option_checks.h"
#include "cli/run.h"
#include "cli/shipped_files.h"
#include "evaluation/gym_items.h"
#include "evaluation/report_html.h"
#include "evaluation/result_file.h"
#include "evaluation/run.h"
#include "evaluation/stable_hash.h"
#include "evaluation/suites.h"
#include "formats/printable.h"

namespace sputnik::cli {
namespace {

using evaluation::Item;
using Json = nlohmann::ordered_json;

constexpr std::int64_t kDefaultMaxTokens = 4096;
constexpr float kDefaultTemperature = 0.6f, kDefaultTopP = 0.95f;  // DeepSeek's, for reasoning

struct Options {
  ModelOptions model;
  std::vector<std::string> suites, item_files, compare;
  evaluation::GymOptions gym;
  std::string split = "both", template_name, output;
  std::int64_t limit = 0, n_samples = 0, max_tokens = 0, n_parallel = 0;
  std::optional<float> temperature, top_p;
  std::uint64_t seed = 0;
  bool list = false, no_thinking = false, bare = false, json = false;
};

// ------------------------------------------------------------------------------------------------
// items

// "gsm8k" or "gsm8k=FILE".
Result<std::vector<Item>> load_suite(const std::string& word, const Options& options) {
  const std::size_t equals = word.find('=');
  const std::string name = word.substr(0, equals);
  if (equals != std::string::npos)
    return evaluation::load_items(word.substr(equals + 1), name, options.bare);
  if (name == "gym") {
    evaluation::GymOptions gym = options.gym;
    if (options.split != "both")
      gym.splits = {options.split == "test" ? tasks::Split::kTest : tasks::Split::kTrain};
    return evaluation::make_gym_items(gym);
  }
  const evaluation::SuiteInfo* suite = evaluation::find_suite(name);
  if (suite == nullptr) {
    return not_found("there is no suite named '{}'; `sputnik eval --list` shows them",
                     printable(name));
  }
  if (!suite->ships) {
    return not_found("the items of {} do not ship (licence: {}); give your file: --suite {}=FILE",
                     name, suite->licence, name);
  }
  SPUTNIK_TRY(const auto path, find_shipped(fmt::format("data/suites/{}/items.jsonl", name)));
  return evaluation::load_items(path, name, options.bare);
}

Result<std::vector<Item>> load_all_items(const Options& options) {
  std::vector<Item> all;
  std::vector<std::string> names;
  const auto append = [&](std::vector<Item> items) -> Result<void> {
    const std::string& name = items.front().suite;
    if (std::find(names.begin(), names.end(), name) != names.end())
      return invalid_argument("the suite {} is given twice", printable(name));
    names.push_back(name);
    if (options.limit > 0 && static_cast<std::int64_t>(items.size()) > options.limit &&
        name != "gym")
      items.resize(static_cast<std::size_t>(options.limit));
    std::move(items.begin(), items.end(), std::back_inserter(all));
    return ok_result();
  };
  for (const std::string& word : options.suites) {
    SPUTNIK_TRY(auto items, load_suite(word, options));
    SPUTNIK_CHECK_OK(append(std::move(items)));
  }
  for (const std::string& file : options.item_files) {
    const std::string name = std::filesystem::path(file).stem().string();
    SPUTNIK_TRY(auto items, evaluation::load_items(file, name, options.bare));
    SPUTNIK_CHECK_OK(append(std::move(items)));
  }
  if (all.empty())
    return invalid_argument("name a suite (--suite) or a file (--items); --list shows the suites");
  return all;
}

// ------------------------------------------------------------------------------------------------
// the run

// Everything that decides what is asked and answered.
struct Setup {
  std::vector<Item> items;
  evaluation::RunOptions run;
  Json identity;
  std::filesystem::path folder;
  std::vector<std::pair<std::string, std::string>> facts;  // for people
  bool can_think = true;
};

SamplingParams sampling_of(const Options& options) {
  SamplingParams sampling;
  const bool greedy = options.n_samples <= 1;
  sampling.temperature = options.temperature.value_or(greedy ? 0 : kDefaultTemperature);
  sampling.top_p = options.top_p.value_or(sampling.temperature > 0 ? kDefaultTopP : 1.0f);
  return sampling;
}

// Tokens that a response may have, such that the longest prompt and it fit the model's context.
Result<std::int64_t> choose_max_tokens(const Options& options, const Model& model,
                                       std::int64_t n_prompt) {
  const std::int64_t context =
      options.model.context > 0 ? options.model.context : model.max_position_embeddings();
  const std::int64_t room = context - n_prompt;
  if (room < 1) {
    return invalid_argument(
        "the longest prompt has {} tokens and the context {}: no room for an answer", n_prompt,
        context);
  }
  if (options.max_tokens > room) {
    return invalid_argument(
        "the longest prompt has {} tokens, so that {} of the context of {} are left for a "
        "response, not {}",
        n_prompt, room, context, options.max_tokens);
  }
  return options.max_tokens > 0 ? options.max_tokens : std::min(kDefaultMaxTokens, room);
}

// With as many sequences as memory allows, at most 256.
Result<std::unique_ptr<Engine>> make_parallel_engine(const Options& options, const Model& model,
                                                     std::int64_t n_tokens) {
  constexpr std::int64_t kMostSequences = 256;
  EngineOptions engine;
  engine.n_threads = options.model.threads;
  engine.isa = options.model.isa;
  engine.precision = options.model.precision_value();
  engine.ignore_memory_check = options.model.ignore_memory_check;
  engine.context_length = n_tokens;
  engine.max_sequences = options.n_parallel > 0 ? options.n_parallel : kMostSequences;
  for (;;) {
    auto created = Engine::create(model, engine);
    const bool may_shrink = options.n_parallel == 0 && engine.max_sequences > 1;
    if (created.ok() || created.error().code != ErrorCode::kExhausted || !may_shrink)
      return created;
    engine.max_sequences /= 2;
  }
}

// 0.6, and not the double next to the float next to it.
Json as_written(float number) {
  return Json::parse(fmt::format("{}", number), nullptr, /*allow_exceptions=*/false);
}

std::string suite_names(std::span<const Item> items) {
  std::vector<std::string> names;
  for (const Item& item : items) {
    if (names.empty() || names.back() != item.suite) names.push_back(item.suite);
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

void note_facts(Setup& setup, const ModelInfo& info, const Options& options,
                std::string_view template_name) {
  const SamplingParams& sampling = setup.run.respond.sampling;
  setup.facts = {
      {"model", info.name},
      {"architecture", fmt::format("{}, {} parameters, {} used per token", info.architecture,
                                   info.n_parameters, info.n_active_parameters)},
      {"fingerprint", setup.identity["model"]["fingerprint"].get<std::string>()},
      {"template", fmt::format("{}{}", template_name, options.no_thinking ? ", no thinking" : "")},
      {"decoding",
       sampling.temperature == 0
           ? "greedy"
           : fmt::format("{} samples, temperature {}, top-p {}, seed {}", setup.run.n_samples,
                         sampling.temperature, sampling.top_p, options.seed)},
      {"response", fmt::format("at most {} tokens", setup.run.respond.max_tokens)},
      {"items", fmt::format("{}", setup.items.size())},
  };
}

// Families whose longest answer of a teacher is not far from what a response may have.
void note_long_traces(std::span<const evaluation::TraceLength> lengths, std::int64_t max_tokens) {
  std::vector<std::string> close;
  for (const evaluation::TraceLength& length : lengths) {
    if (2 * max_tokens < 3 * length.longest)
      close.push_back(fmt::format("{} {}", length.family->name, length.longest));
  }
  if (close.empty()) return;
  fmt::print(
      stderr,
      "note: a response may have {} tokens, and a teacher's longest have not much less: {}\n",
      max_tokens, fmt::join(close, ", "));
}

Result<Json> finish(const Setup& setup, const evaluation::ResponseLog& log, const Json& run) {
  const Json result =
      evaluation::make_result(setup.identity, run, setup.items, log.records(), setup.run.n_samples);
  const std::string text = result.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
  SPUTNIK_CHECK_OK(write_file_atomically(setup.folder / "result.json", text));
  evaluation::ReportInput report;
  report.title = fmt::format("{}: {}", setup.facts.front().second, suite_names(setup.items));
  report.facts = setup.facts;
  report.items = setup.items;
  report.records = log.records();
  report.n_samples = setup.run.n_samples;
  report.can_think = setup.can_think;
  SPUTNIK_CHECK_OK(
      write_file_atomically(setup.folder / "report.html", evaluation::html_report(report)));
  return result;
}

Result<int> evaluate(const Options& options) {
  Setup setup;
  SPUTNIK_TRY(setup.items, load_all_items(options));
  std::optional<tasks::Sandbox> sandbox;
  const bool has_code = std::any_of(setup.items.begin(), setup.items.end(), [](const Item& item) {
    return item.kind == evaluation::AnswerKind::kCode;
  });
  if (has_code) {
    SPUTNIK_TRY(sandbox, tasks::Sandbox::create());
  }

  SPUTNIK_TRY(const std::filesystem::path path, find_model(options.model.path));
  SPUTNIK_TRY(const Tokenizer tokenizer, load_tokenizer(path, options.model));
  SPUTNIK_TRY(const chat::ChatTemplate chat_template,
              find_template(options.template_name, tokenizer, path));
  SPUTNIK_TRY(LoadedModel loaded, load(path, options.model));
  const bool thinking = !options.no_thinking;
  SPUTNIK_TRY(const std::int64_t n_prompt,
              evaluation::longest_prompt(setup.items, tokenizer, chat_template, thinking));
  SPUTNIK_TRY(setup.run.respond.max_tokens, choose_max_tokens(options, *loaded.model, n_prompt));
  setup.run.respond.sampling = sampling_of(options);
  setup.run.respond.thinking = thinking;
  setup.run.n_samples = std::max<std::int64_t>(1, options.n_samples);
  setup.run.seed = options.seed;
  setup.can_think = evaluation::can_think(tokenizer, chat_template);
  const auto lengths = evaluation::trace_lengths(setup.items, tokenizer);
  SPUTNIK_CHECK_OK(evaluation::check_trace_lengths(lengths, setup.run.respond.max_tokens));
  SPUTNIK_TRY(const auto engine, make_parallel_engine(options, *loaded.model,
                                                      n_prompt + setup.run.respond.max_tokens));

  setup.identity = {{"model",
                     {{"name", loaded.info.name},
                      {"architecture", loaded.info.architecture},
                      {"parameters", loaded.info.n_parameters},
                      {"fingerprint", evaluation::fingerprint(*loaded.model)},
                      {"tokenizer", evaluation::fingerprint(tokenizer)}}},
                    {"options",
                     {{"items", evaluation::fingerprint(setup.items)},
                      {"template", chat_template.name()},
                      {"thinking", thinking},
                      {"samples", setup.run.n_samples},
                      {"temperature", as_written(setup.run.respond.sampling.temperature)},
                      {"top_p", as_written(setup.run.respond.sampling.top_p)},
                      {"seed", options.seed},
                      {"max_tokens", setup.run.respond.max_tokens},
                      {"precision", options.model.precision},
                      {"overrides", options.model.overrides},
                      {"kernels", engine->kernels().name}}}};
  note_facts(setup, loaded.info, options, chat_template.name());
  setup.folder = options.output.empty()
                     ? std::filesystem::path(fmt::format("eval-{}", path.stem().string()))
                     : std::filesystem::path(options.output);
  std::error_code error;
  std::filesystem::create_directories(setup.folder, error);
  if (error) return io_error("{}: {}", setup.folder.string(), error.message());
  SPUTNIK_TRY(auto log, evaluation::ResponseLog::open(
                            setup.folder / "responses.jsonl", setup.identity,
                            static_cast<std::int64_t>(setup.items.size()), setup.run.n_samples));

  note_long_traces(lengths, setup.run.respond.max_tokens);
  setup.run.respond.interrupted = &catch_interrupts();
  EvalProgress progress;
  const auto counts = evaluation::run_evaluation(
      *engine, tokenizer, chat_template, setup.items, setup.run, sandbox ? &*sandbox : nullptr, log,
      [&](const evaluation::RunCounts& c) { progress.show(c); });
  progress.end();
  if (!counts.ok()) {
    if (counts.error().code != ErrorCode::kCancelled) return counts.error();
    return make_error(ErrorCode::kCancelled,
                      "stopped with {} of {} responses; the same command goes on",
                      log.records().size(), log.n_expected());
  }
  const double seconds = progress.seconds();
  const Json run{{"seconds", seconds},
                 {"threads", engine->n_threads()},
                 {"sequences", engine->max_sequences()},
                 {"tokens", counts.value().n_tokens},
                 {"tokens_per_s", static_cast<double>(counts.value().n_tokens) / seconds}};
  SPUTNIK_TRY(const Json result, finish(setup, log, run));
  if (options.json) {
    write_json_line(result);
  } else {
    print_summary(evaluation::summarize(setup.items, log.records(), setup.run.n_samples),
                  setup.run.n_samples, setup.can_think);
    write(fmt::format("\n{}\n{}\n", (setup.folder / "result.json").string(),
                      (setup.folder / "report.html").string()));
  }
  return 0;
}

Result<int> compare(const Options& options) {
  SPUTNIK_TRY(const auto first, evaluation::read_result(options.compare[0]));
  SPUTNIK_TRY(const auto second, evaluation::read_result(options.compare[1]));
  SPUTNIK_TRY(const auto comparisons, evaluation::compare(first, second));
  print_comparisons(comparisons, first.model, second.model, options.json);
  return 0;
}

Result<int> run_eval(const Options& options) {
  if (options.list) {
    print_suites(options.json);
    return 0;
  }
  return options.compare.empty() ? evaluate(options) : compare(options);
}

void add_gym_options(CLI::App& command, Options& options) {
  command
      .add_option("--families", options.gym.families,
                  "Of the gym: names, or shipped, extra, probe, all")
      ->delimiter(',')
      ->capture_default_str();
  command
      .add_option("--levels", options.gym.levels,
                  "Of the gym: in-range, +1, +2, or levels like 3 or 2-4")
      ->delimiter(',')
      ->capture_default_str();
  command
      .add_option("--trained-level", options.gym.trained_level,
                  "The highest level in training (default: all but the last two of each family)")
      ->check(between(1, 100));
  command
      .add_option("--split", options.split,
                  "Wordings of the gym: train, as in training; test, held out; both")
      ->check(CLI::IsMember({"train", "test", "both"}))
      ->capture_default_str();
  command.add_option("--n", options.gym.n_items, "Tasks per family, levels and split")
      ->check(between(1, 1'000'000))
      ->capture_default_str();
}

}  // namespace

void add_eval_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("eval", "Measure what a model can do");
  command
      ->add_option("--model", options->model.path,
                   "GGUF file or model folder (default: $SPUTNIK_MODEL, or the shipped one)")
      ->type_name("PATH");
  command
      ->add_option("--suite", options->suites,
                   "gym, or a test set by name; NAME=FILE reads its items from a file")
      ->delimiter(',')
      ->type_name("NAME");
  command->add_option("--items", options->item_files, "JSON lines: docs/formats/eval-items.md")
      ->type_name("FILE")
      ->expected(1)
      ->take_all();
  command->add_flag("--list", options->list, "The suites that are known");
  command
      ->add_option("--compare", options->compare,
                   "Two results of the same items: who is better, and how sure that is")
      ->type_name("RESULT")
      ->expected(2);
  command
      ->add_option("--output", options->output,
                   "Folder of responses, result and report (default: eval-MODEL); what it holds of "
                   "the same evaluation is gone on with")
      ->type_name("FOLDER");
  command->add_option("--limit", options->limit, "Only the first so many items of each test set")
      ->check(between(1, 1'000'000));
  add_gym_options(*command, *options);
  command
      ->add_option("--samples", options->n_samples,
                   "Responses to each item, for pass@k and votes (default: one, greedy)")
      ->check(between(1, 1024));
  command
      ->add_option("--temperature", options->temperature,
                   "0 to 5; 0 is greedy (default: 0.6 with --samples)")
      ->check(between(0, 5));
  command->add_option("--top-p", options->top_p, "Up to 1 (default: 0.95 with a temperature)")
      ->check(between(0, 1));
  command->add_option("--seed", options->seed, "Of the samples")->capture_default_str();
  command
      ->add_option("--max-tokens", options->max_tokens,
                   "Most tokens of a response (default: 4096, or what the context leaves)")
      ->check(between(1, 1 << 24));
  command
      ->add_option("--parallel", options->n_parallel,
                   "Sequences at once (default: 256, or what memory allows)")
      ->check(between(1, 4096));
  add_template_option(*command, options->template_name);
  command->add_flag("--no-thinking", options->no_thinking,
                    "Answer at once, for models that can do both");
  command->add_flag("--bare", options->bare,
                    "Questions as they are, without a line that says how to answer");
  command->add_flag("--json", options->json, "Print the result as one line of JSON");
  add_run_options(*command, options->model);
  add_tokenizer_option(*command, options->model);
  command->footer(
      "Examples:\n"
      "  sputnik eval --model model --suite gym --max-tokens 256\n"
      "  sputnik eval --model model.gguf --suite gsm8k,math500 --samples 16 --limit 100\n"
      "  sputnik eval --compare eval-before eval-after");
  command->callback([options, &exit_code] { exit_code = run(run_eval(*options)); });
}

}  // namespace sputnik::cli
