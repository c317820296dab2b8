// sputnik bench: speed, beside the limits of the machine.
#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/memory.h"
#include "cli/bench_runner.h"
#include "cli/commands.h"
#include "cli/model_options.h"
#include "cli/option_checks.h"
#include "cli/run.h"
#include "kernels/machine_limits.h"

namespace sputnik::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  ModelOptions model;
  BenchOptions bench;
  bool json = false;
};

struct Report {
  double load_s = 0;
  std::int64_t peak_rss_bytes = 0;
  BenchResult result;
  bool is_together = false;
  kernels::MachineLimits limits{};

  // Parts of what the machine can do at best; no value where nothing was measured to compare.
  std::optional<double> decode_share() const {
    // Sequences that decode together share the weights that are read: another limit holds.
    if (is_together || !result.decode_tokens_per_s || limits.read_bytes_per_s <= 0)
      return std::nullopt;
    return result.decode_tokens_per_s->median * result.costs.decode_bytes_per_token /
           limits.read_bytes_per_s;
  }
  std::optional<double> prefill_share(std::int64_t n_prompt) const {
    const double peak = result.int8_products ? limits.int8_ops_per_s : limits.f32_flops_per_s;
    if (!result.prefill_tokens_per_s || peak <= 0) return std::nullopt;
    return result.prefill_tokens_per_s->median * result.costs.prefill_flops /
           static_cast<double>(n_prompt) / peak;
  }
};

Result<Report> measure(const Options& options) {
  Report report;
  const auto start = std::chrono::steady_clock::now();
  SPUTNIK_TRY(const LoadedModel loaded, load(options.model.path, options.model));
  report.load_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  report.is_together = options.bench.n_sequences > 1;
  SPUTNIK_TRY(report.result, run_bench(*loaded.model, options.bench));
  // Before the limits: they need memory of their own.
  report.peak_rss_bytes = peak_resident_bytes();
  report.limits = kernels::measure_machine_limits(report.result.n_threads);
  return report;
}

Json to_json(const std::optional<Spread>& spread) {
  if (!spread) return nullptr;
  return {{"median", spread->median}, {"min", spread->min}, {"max", spread->max}};
}

Json to_json(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json to_json(const Options& options, const Report& report) {
  const BenchResult& result = report.result;
  return {{"model", options.model.path},
          {"threads", result.n_threads},
          {"kernels", result.kernels},
          {"precision", options.model.precision},
          {"prompt", options.bench.n_prompt},
          {"generate", options.bench.n_generate},
          {"depth", options.bench.depth},
          {"sequences", options.bench.n_sequences},
          {"repetitions", options.bench.repetitions},
          {"prefill_tokens_per_s", to_json(result.prefill_tokens_per_s)},
          {"decode_tokens_per_s", to_json(result.decode_tokens_per_s)},
          {"load_s", report.load_s},
          {"peak_rss_bytes", report.peak_rss_bytes},
          {"decode_share_of_bandwidth", to_json(report.decode_share())},
          {"prefill_share_of_peak", to_json(report.prefill_share(options.bench.n_prompt))},
          {"limits",
           {{"read_bytes_per_s", report.limits.read_bytes_per_s},
            {"int8_ops_per_s", report.limits.int8_ops_per_s},
            {"f32_flops_per_s", report.limits.f32_flops_per_s}}}};
}

void print_speed(std::string_view label, const std::optional<Spread>& speed,
                 const std::optional<double>& share, std::string_view of_what) {
  if (!speed) return;
  write(fmt::format("{:<9}{:.2f} tokens/s ({:.2f} to {:.2f})", label, speed->median, speed->min,
                    speed->max));
  if (share) write(fmt::format(", {:.0f} % of {}", 100 * *share, of_what));
  write("\n");
}

void print_for_people(const Options& options, const Report& report) {
  const BenchResult& result = report.result;
  write(fmt::format("{} threads, {} kernels, depth {}, {} repetitions: median (spread)\n",
                    result.n_threads, result.kernels, options.bench.depth,
                    options.bench.repetitions));
  print_speed("prefill", result.prefill_tokens_per_s, report.prefill_share(options.bench.n_prompt),
              result.int8_products ? "the 8-bit peak" : "the float32 peak");
  print_speed("decode", result.decode_tokens_per_s, report.decode_share(), "the memory bandwidth");
  write(fmt::format("{:<9}{:.3f} s\n{:<9}{:.0f} MB at most\n", "load", report.load_s, "memory",
                    static_cast<double>(report.peak_rss_bytes) / 1e6));
  write(fmt::format("limits   read {:.1f} GB/s, 8-bit {:.0f} Gop/s, float32 {:.0f} Gflop/s\n",
                    report.limits.read_bytes_per_s / 1e9, report.limits.int8_ops_per_s / 1e9,
                    report.limits.f32_flops_per_s / 1e9));
}

}  // namespace

void add_bench_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  BenchOptions& bench = options->bench;
  CLI::App* command = app.add_subcommand("bench", "Measure speed, beside the machine's limits");
  command->add_option("--model", options->model.path, "GGUF file or model folder")
      ->type_name("PATH")
      ->required();
  command->add_option("--prompt", bench.n_prompt, "Tokens to prefill; 0: do not")
      ->check(between(0, 1 << 24))
      ->capture_default_str();
  command->add_option("--generate", bench.n_generate, "Tokens to decode; 0: do not")
      ->check(between(0, 1 << 24))
      ->capture_default_str();
  command->add_option("--depth", bench.depth, "Tokens in the cache before that")
      ->check(between(0, 1 << 24))
      ->capture_default_str();
  command
      ->add_option("--sequences", bench.n_sequences,
                   "So many at once, each with a prompt and generated tokens, drawn at temperature "
                   "1")
      ->check(between(1, 1 << 16))
      ->capture_default_str();
  command->add_option("--threads", bench.n_threads, "Threads; 0: one per processor")
      ->check(between(0, 1024))
      ->capture_default_str();
  command->add_option("--repetitions", bench.repetitions, "Runs of which the median is reported")
      ->check(between(1, 1000))
      ->capture_default_str();
  command
      ->add_option("--isa", bench.isa,
                   "Kernels: reference, avx2 or avx512_vnni (default: the best there are)")
      ->type_name("NAME");
  command
      ->add_option("--precision", options->model.precision,
                   "fast: 8-bit activations with quantised weights; exact: float32")
      ->check(CLI::IsMember({"fast", "exact"}))
      ->capture_default_str();
  command
      ->add_option("--set", options->model.overrides,
                   "Replaces or adds a value of the model's config; may be repeated")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->take_all();
  command->add_flag("--ignore-memory-check", bench.ignore_memory_check,
                    "Start even if the model seems not to fit");
  command->add_flag("--json", options->json, "Print one JSON object");
  command->footer(
      "Examples:\n"
      "  sputnik bench --model model.gguf --prompt 512 --generate 64 --threads 2 "
      "--repetitions 5\n"
      "  sputnik bench --model model.gguf --sequences 256 --prompt 60 --generate 120");
  command->callback([options, &exit_code] {
    exit_code = run([&]() -> Result<int> {
      options->bench.precision = options->model.precision_value();
      SPUTNIK_TRY(const Report report, measure(*options));
      if (options->json) {
        write_json_line(to_json(*options, report));
      } else {
        print_for_people(*options, report);
      }
      return 0;
    }());
  });
}

}  // namespace sputnik::cli
