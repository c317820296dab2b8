#include "cli/sampling_options.h"

#include <CLI/CLI.hpp>
#include <limits>
#include <random>

#include "cli/option_checks.h"

namespace sputnik::cli {

SamplingParams SamplingOptions::resolve(std::uint64_t otherwise) const {
  SamplingParams result = params;
  if (greedy) result.temperature = 0;
  result.seed = seed.value_or(otherwise);
  return result;
}

void add_sampling_options(CLI::App& command, SamplingOptions& options) {
  SamplingParams& p = options.params;
  auto* greedy = command.add_flag("--greedy", options.greedy, "Always the most probable token");
  command.add_option("--temperature", p.temperature, "0 to 5; 0 is greedy")
      ->check(between(0, 5))
      ->capture_default_str()
      ->excludes(greedy);
  command.add_option("--top-k", p.top_k, "Only the k most probable tokens; 0: all")
      ->check(between(0, std::numeric_limits<std::int32_t>::max()))
      ->capture_default_str();
  command
      .add_option("--top-p", p.top_p, "Only the most probable tokens, of this probability in all")
      ->check(between(0, 1))
      ->capture_default_str();
  command
      .add_option("--min-p", p.min_p, "Only tokens this probable, relative to the most probable")
      ->check(between(0, 1))
      ->capture_default_str();
  command.add_option("--repetition-penalty", p.repetition_penalty, "Up to 10; 1: none")
      ->check(between(0, 10))
      ->capture_default_str();
  command.add_option("--frequency-penalty", p.frequency_penalty, "-2 to 2")
      ->check(between(-2, 2))
      ->capture_default_str();
  command.add_option("--presence-penalty", p.presence_penalty, "-2 to 2")
      ->check(between(-2, 2))
      ->capture_default_str();
  command.add_option("--seed", options.seed, "The same seed gives the same answer")
      ->check(between(0, 18446744073709551615.0));
}

std::uint64_t random_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

}  // namespace sputnik::cli
