// sputnik plan: what something would take, before it is begun.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/option_checks.h"
#include "cli/progress.h"
#include "cli/run.h"
#include "cost/amounts.h"
#include "cost/meter.h"
#include "cost/planner.h"
#include "cost/presets.h"
#include "cost/published.h"
#include "formats/json.h"
#include "formats/printable.h"
#include "kernels/machine_limits.h"

namespace sputnik::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxConfigBytes = 16 << 20;
// Of the bf16 peak: what Sputnik reaches on one machine with models that it can try
// (docs/performance.md).
constexpr double kOwnMfu = 0.45;
// A single micro-batch that takes longer is not tried.
constexpr double kLongestTry_s = 60;
// Below it, products are too narrow for a large GPU.
constexpr std::int64_t kNarrowHiddenSize = 1024;

struct Options {
  std::string what, hardware, tokens;
  double mfu = 0, tflops = 0, price = -1, devices = 0;
  std::optional<double> mtp_share;
  std::int64_t context = 0;
  bool json = false;
};

// What is planned, with what the command line leaves open.
struct Request {
  TrainingJob job;
  CostRecipe rates;
  int n_threads = available_processors();
  std::optional<Recipe> recipe;
  bool is_v3 = false;  // trained as DeepSeek did
  bool knows_steps = false;
  std::vector<std::string> notes;
};

Result<Request> request_of_config(const Options& options, nlohmann::json config, std::string name) {
  Request request;
  TrainingJob& job = request.job;
  job.name = std::move(name);
  job.config = std::move(config);
  auto shape = ShapeModel::create(job.config);
  if (!shape.ok()) return std::move(shape).error().in(printable(job.name));
  const std::int64_t longest = shape.value().model->max_position_embeddings();
  job.context_length = std::min<std::int64_t>(4096, longest);
  if (options.context > 0) job.context_length = options.context;
  if (job.context_length > longest) {
    return invalid_argument("--context is {}, but max_position_embeddings is {}",
                            job.context_length, longest);
  }
  job.trainer.micro_batch_tokens = std::max<std::int64_t>(8192, job.context_length);
  job.mtp_share = options.mtp_share.value_or(1);
  if (options.tokens.empty()) {
    return invalid_argument("a configuration does not say how much is learned: give --tokens");
  }
  SPUTNIK_TRY(job.n_tokens, parse_amount(options.tokens));
  job.n_steps = std::ceil(job.n_tokens / static_cast<double>(job.trainer.batch.last_tokens));
  job.n_checkpoints = std::ceil(job.n_steps / 100);
  return request;
}

Result<Request> request_of(const Options& options) {
  const auto presets = preset_names();
  if (std::find(presets.begin(), presets.end(), options.what) != presets.end()) {
    SPUTNIK_TRY(nlohmann::json config, preset_config(options.what));
    Options as_published = options;
    if (options.tokens.empty())
      as_published.tokens = fmt::format("{}", published::kV3PretrainingTokens);
    SPUTNIK_TRY(Request request, request_of_config(as_published, std::move(config), options.what));
    // Report, section 4.2: 3072 sequences in a step at first, 15360 after 469 billion tokens.
    TrainerOptions& trainer = request.job.trainer;
    trainer.batch = {3072 * 4096, 15360 * 4096, 0.032};
    trainer.micro_batch_tokens = request.job.context_length;
    request.is_v3 = options.tokens.empty() && options.context == 0 && !options.mtp_share;
    return request;
  }
  const std::filesystem::path path(options.what);
  std::error_code ignored;
  if (path.extension() == ".toml") {
    SPUTNIK_TRY(Recipe recipe, Recipe::load(path));
    if (options.context > 0 || options.mtp_share)
      return invalid_argument("--context and --mtp are for configurations; a recipe says both");
    std::optional<double> n_tokens;
    if (!options.tokens.empty()) {
      SPUTNIK_TRY(n_tokens, parse_amount(options.tokens));
    }
    Request request;
    SPUTNIK_TRY(request.job, job_of(recipe, recipe.name, n_tokens));
    request.rates = recipe.cost;
    request.knows_steps = true;
    if (recipe.run.threads > 0) request.n_threads = static_cast<int>(recipe.run.threads);
    if (recipe.base != nullptr) {
      request.notes.push_back(
          fmt::format("It starts from {}, whose own training is not in this plan.",
                      printable(recipe.base->name)));
    }
    if (recipe.evaluation.every > 0)
      request.notes.push_back("Evaluations during the training are not in this plan.");
    request.recipe = std::move(recipe);
    return request;
  }
  const bool is_folder = std::filesystem::is_directory(path, ignored);
  const std::filesystem::path file = is_folder ? path / "config.json" : path;
  if (file.extension() != ".json") {
    return invalid_argument(
        "\"{}\" is neither a recipe (.toml) nor a model's config.json nor \"deepseek-v3\"",
        printable(options.what));
  }
  SPUTNIK_TRY(const std::string text, read_file(file, kMaxConfigBytes));
  auto config = parse_json(text);
  if (!config.ok()) return std::move(config).error().in(file.string());
  auto request = request_of_config(options, std::move(config).value(), file.string());
  return request;
}

Hardware this_machine(const Request& request, const kernels::FlopPeaks& peaks) {
  Hardware hardware;
  hardware.name = "this";
  hardware.title = fmt::format("this machine, {} threads", request.n_threads);
  hardware.bf16_flops_per_s = request.job.trainer.precision == TrainingPrecision::kBfloat16
                                  ? peaks.bf16_flops_per_s
                                  : peaks.f32_flops_per_s;
  hardware.memory_bytes = static_cast<double>(available_memory_bytes());
  hardware.watts =
      request.rates.watts > 0 ? request.rates.watts : kDefaultWattsPerThread * request.n_threads;
  hardware.price_per_hour = request.rates.price_per_hour;
  hardware.mfu = kOwnMfu;
  return hardware;
}

// Tries the model on this machine, if it can be tried.
Result<void> try_here(Request& request, TrainingPlace& place) {
  SPUTNIK_TRY(const ShapeModel shape, ShapeModel::create(request.job.config));
  const TrainingMemory memory =
      training_memory(shape, request.job.trainer, request.job.context_length, request.job.mtp_share,
                      request.n_threads);
  const TrainerOptions& trainer = request.job.trainer;
  const double peak = place.hardware.bf16_flops_per_s;
  const double micro_s =
      TrainingCost(*shape.model, trainer.precision, trainer.checkpoint_layers)
          .flops(
              static_cast<double>(std::min(trainer.micro_batch_tokens, trainer.batch.last_tokens)),
              static_cast<double>(request.job.context_length))
          .executed() /
      std::max(kOwnMfu * peak, 1e9);
  const bool fits = memory.total() <= place.hardware.memory_bytes;
  if (!fits || micro_s > kLongestTry_s) {
    if (peak <= 0) return unsupported("there is no fast arithmetic here to tell a time from");
    place.mfu_source = fits ? "assumed, a single micro-batch would take too long to try"
                            : "assumed, the model does not fit this machine's memory";
    place.mfu = kOwnMfu;
    return ok_result();
  }
  const CalibrationJob job =
      request.recipe ? calibration_of(*request.recipe, request.job.config, request.n_threads)
                     : calibration_of(request.job.config, trainer, request.job.context_length,
                                      request.n_threads);
  Progress progress("trying some steps of it");
  progress.show(0, 1, "run");
  SPUTNIK_TRY(place.measured, calibrate(job));
  place.hardware.bf16_flops_per_s = place.measured->peak_flops_per_s;
  place.mfu_source = fmt::format("measured in {}", duration_text(place.measured->took_s));
  return ok_result();
}

Result<TrainingPlace> place_of(const Options& options, Request& request) {
  TrainingPlace place;
  place.n_threads = request.n_threads;
  const std::string name = !options.hardware.empty() ? options.hardware
                           : request.is_v3           ? "h800"
                                                     : "this";
  const bool is_here = name == "this";
  place.n_devices = options.devices > 0         ? options.devices
                    : request.is_v3 && !is_here ? published::kV3Gpus
                                                : 1;
  if (is_here) {
    if (place.n_devices > 1) return invalid_argument("--devices: this machine is one");
    ThreadPool pool(request.n_threads);
    place.hardware = this_machine(request, kernels::measure_flop_peaks(pool));
    place.currency = request.rates.currency;
  } else {
    SPUTNIK_TRY(place.hardware, find_hardware(name));
  }
  if (options.price >= 0) place.hardware.price_per_hour = options.price;
  if (options.mfu > 0 || options.tflops > 0) {
    const double peak = place.hardware.bf16_flops_per_s;
    if (peak <= 0) return unsupported("there is no fast arithmetic here to take a share of");
    place.mfu = options.mfu > 0 ? options.mfu : options.tflops * 1e12 / peak;
    place.mfu_source = "as you say";
    if (place.mfu > 1) {
      return invalid_argument("--tflops {} is more than the peak of {:.3g}", options.tflops,
                              peak / 1e12);
    }
    return place;
  }
  if (is_here) {
    SPUTNIK_CHECK_OK(try_here(request, place));
    return place;
  }
  place.mfu = place.hardware.mfu;
  place.mfu_source = place.hardware.mfu_source;
  const auto hidden = request.job.config.value("hidden_size", std::int64_t{0});
  if (hidden < kNarrowHiddenSize) {
    request.notes.push_back(
        fmt::format("That share is of large models. With hidden_size {} it is far less; say what "
                    "you expect with --mfu.",
                    hidden));
  }
  return place;
}

void add_notes(const TrainingPlan& plan, const TrainingPlace& place, Request& request) {
  const double memory = place.hardware.memory_bytes;
  if (memory > 0 && plan.memory.total() > memory * place.n_devices) {
    request.notes.push_back(
        fmt::format("It does not fit: {} are needed, {} are there{}.",
                    bytes_text(plan.memory.total()), bytes_text(memory * place.n_devices),
                    place.hardware.name == "this"
                        ? std::string()
                        : fmt::format(", {} devices at least would do",
                                      whole_text(std::ceil(plan.memory.total() / memory)))));
  }
  if (request.is_v3 && place.hardware.name == "h800") {
    request.notes.push_back(
        fmt::format("DeepSeek says: {} H800 hours, {} at $2 (arXiv:2412.19437, table 1). This plan "
                    "knows its configuration, its tokens and its share of the peak; the hours "
                    "are {:+.1f} % of it.",
                    whole_text(published::kV3Pretraining.gpu_hours),
                    money_text(published::kV3Pretraining.dollars, "USD"),
                    100 * (plan.device_hours / published::kV3Pretraining.gpu_hours - 1)));
  }
}

Json to_json(const Request& request, const TrainingPlace& place, const TrainingPlan& plan) {
  const Hardware& hardware = place.hardware;
  const TrainingMemory& memory = plan.memory;
  Json operations = Json::object();
  for (const auto& [name, flops] : plan.by_operation) {
    operations[name] = {
        {"forward", flops.forward}, {"backward", flops.backward}, {"again", flops.again}};
  }
  Json json = {{"model", request.job.name},
               {"parameters", plan.n_parameters},
               {"active_parameters", plan.n_active},
               {"tokens", plan.n_tokens},
               {"steps", request.job.n_steps},
               {"context_length", request.job.context_length},
               {"flops",
                {{"model", plan.flops.model()},
                 {"forward", plan.flops.forward},
                 {"backward", plan.flops.backward},
                 {"computed_again", plan.flops.again},
                 {"executed", plan.flops.executed()},
                 {"prediction_module", plan.mtp_flops},
                 {"six_active_parameters_tokens", plan.plain_flops},
                 {"operations", operations}}},
               {"memory_bytes",
                {{"weights", memory.weights},
                 {"gradients", memory.gradients},
                 {"moments", memory.moments},
                 {"average", memory.average},
                 {"packed_weights", memory.packed},
                 {"activations", memory.activations},
                 {"program", memory.program},
                 {"total", memory.total()}}},
               {"hardware",
                {{"name", hardware.name},
                 {"title", hardware.title},
                 {"devices", place.n_devices},
                 {"bf16_flops_per_s", hardware.bf16_flops_per_s},
                 {"fp8_flops_per_s", hardware.fp8_flops_per_s},
                 {"memory_bytes", hardware.memory_bytes},
                 {"watts", hardware.watts},
                 {"price_per_hour", hardware.price_per_hour}}},
               {"mfu", plan.mfu},
               {"mfu_source", place.mfu_source},
               {"flops_per_s", plan.flops_per_s},
               {"tokens_per_s", plan.n_tokens / (plan.seconds - plan.other_s)},
               {"seconds", plan.seconds},
               {"seconds_beside_steps", plan.other_s},
               {"device_hours", plan.device_hours},
               {"energy_j", plan.energy_j},
               {"money", plan.money},
               {"currency", place.currency},
               {"notes", request.notes}};
  if (place.measured) {
    json["calibration"] = {{"seconds", place.measured->took_s},
                           {"seconds_per_token", place.measured->seconds_per_token},
                           {"ops_memory_bytes", place.measured->ops_memory_bytes},
                           {"planned_ops_memory_bytes", memory.of_ops()}};
  }
  return json;
}

void print_for_people(const Request& request, const TrainingPlace& place,
                      const TrainingPlan& plan) {
  const Hardware& hardware = place.hardware;
  const TrainingMemory& memory = plan.memory;
  const auto line = [](std::string_view what, const std::string& text) {
    write(fmt::format("{:<10}{}\n", what, text));
  };
  const bool is_here = hardware.name == "this";
  line("model", fmt::format("{}: {} parameters, {} used per token", printable(request.job.name),
                            count_text(static_cast<double>(plan.n_parameters)),
                            count_text(static_cast<double>(plan.n_active))));
  line("training",
       fmt::format("{} tokens, {} steps, sequences of at most {}", count_text(plan.n_tokens),
                   whole_text(request.job.n_steps), request.job.context_length));
  line("on", place.n_devices > 1
                 ? fmt::format("{} x {}", whole_text(place.n_devices), hardware.title)
                 : hardware.title);
  line("work",
       fmt::format("{} FLOP: {} forward, {} backward", power_of_ten_text(plan.flops.model()),
                   power_of_ten_text(plan.flops.forward), power_of_ten_text(plan.flops.backward)));
  if (plan.mtp_flops > 0) {
    line("", fmt::format("{:.1f} % of it for predicting a second token",
                         100 * plan.mtp_flops / plan.flops.model()));
  }
  line("", fmt::format("{} beside that for what is computed again instead of kept",
                       power_of_ten_text(plan.flops.again)));
  line("", fmt::format("6 x used parameters x tokens, the usual estimate, says {}",
                       power_of_ten_text(plan.plain_flops)));
  line("memory",
       fmt::format(
           "{}: weights {}, gradients {}, moments {}{}, packed weights {}, a batch {}, program {}",
           bytes_text(memory.total()), bytes_text(memory.weights), bytes_text(memory.gradients),
           bytes_text(memory.moments),
           memory.average > 0 ? ", average " + bytes_text(memory.average) : "",
           bytes_text(memory.packed), bytes_text(memory.activations), bytes_text(memory.program)));
  const bool is_fast = plan.flops_per_s >= 1e12;
  line("speed",
       fmt::format(
           "{:.3g} {}{}, {:.1f} % of the {} peak", plan.flops_per_s / (is_fast ? 1e12 : 1e9),
           is_fast ? "TFLOPS" : "GFLOPS", place.n_devices > 1 ? " each" : "", 100 * plan.mfu,
           request.job.trainer.precision == TrainingPrecision::kBfloat16 || !is_here ? "bf16"
                                                                                     : "float32"));
  line("", place.mfu_source);
  line("", fmt::format("{} tokens a second",
                       count_text(plan.n_tokens / (plan.seconds - plan.other_s))));
  line("time", fmt::format("{}{}", duration_text(plan.seconds),
                           place.n_devices > 1
                               ? fmt::format(", {} device hours", whole_text(plan.device_hours))
                               : std::string()));
  line("energy", fmt::format("{} at {:.0f} W{}{}", energy_text(plan.energy_j), hardware.watts,
                             place.n_devices > 1 ? " each" : "",
                             is_here && request.rates.watts > 0 ? "" : ", an estimate"));
  line("money", fmt::format("{} at {} an hour{}", money_text(plan.money, place.currency),
                            money_text(hardware.price_per_hour, place.currency),
                            place.n_devices > 1 ? " each" : ""));
  for (const std::string& note : request.notes) write(note + "\n");
}

Result<int> plan_train(const Options& options) {
  SPUTNIK_TRY(Request request, request_of(options));
  SPUTNIK_TRY(const TrainingPlace place, place_of(options, request));
  SPUTNIK_TRY(const TrainingPlan plan, plan_training(request.job, place));
  add_notes(plan, place, request);
  if (options.json) {
    write_json_line(to_json(request, place, plan));
  } else {
    print_for_people(request, place, plan);
  }
  return 0;
}

}  // namespace

void add_plan_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* plan = app.add_subcommand("plan", "What something would take, before it is begun");
  plan->require_subcommand(1);
  plan->footer("Example:\n  sputnik plan train recipes/tiny-smoke.toml");
  CLI::App* train =
      plan->add_subcommand("train", "Time, memory, energy and money that a training would take");
  train
      ->add_option("what", options->what,
                   "A recipe, a model's config.json or folder, or \"deepseek-v3\"")
      ->type_name("RECIPE|CONFIG")
      ->required();
  std::string names;
  for (const Hardware& hardware : known_hardware()) names += hardware.name + ", ";
  train
      ->add_option("--hardware", options->hardware,
                   names + "or this: the model is tried for some seconds")
      ->type_name("NAME");
  train->add_option("--devices", options->devices, "How many of them")->check(between(1, 1e7));
  train->add_option("--tokens", options->tokens, "How much is learned, like 60M or 14.8T")
      ->type_name("N");
  train->add_option("--context", options->context, "Length of sequences, of a config.json")
      ->check(between(1, 1 << 20));
  train
      ->add_option("--mtp", options->mtp_share,
                   "Share of the tokens that the prediction module learns from; of a config.json")
      ->check(between(0, 1));
  auto* mfu = train->add_option("--mfu", options->mfu, "Share of the bf16 peak that is reached")
                  ->check(between(0.001, 1));
  train->add_option("--tflops", options->tflops, "The same as a speed, of one device")
      ->check(between(1e-6, 1e6))
      ->excludes(mfu);
  train->add_option("--price", options->price, "Of one device and hour")->check(between(0, 1e6));
  train->add_flag("--json", options->json, "Print one JSON object");
  train->footer(
      "Examples:\n"
      "  sputnik plan train recipes/tiny-smoke.toml\n"
      "  sputnik plan train recipes/tiny-smoke.toml --hardware h100 --mfu 0.05 --price 2.2\n"
      "  sputnik plan train deepseek-v3\n"
      "  sputnik plan train model/config.json --tokens 20B --hardware a100 --devices 8");
  train->callback([options, &exit_code] { exit_code = run(plan_train(*options)); });
}

}  // namespace sputnik::cli
