// How fast a model runs here, and what part of the machine's limits that is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"

namespace sputnik::cli {

struct BenchOptions {
  std::int64_t n_prompt = 512;   // tokens computed together, in chunks of 512; 0: not measured
  std::int64_t n_generate = 64;  // tokens computed one by one; 0: not measured
  std::int64_t depth = 0;        // tokens that are in the cache before either
  // More than 1: so many sequences at once through the engine, sampling included: a prompt of
  // n_prompt tokens and n_generate generated ones for each.
  std::int64_t n_sequences = 1;
  int n_threads = 0;  // 0: every processor there is
  int repetitions = 3;
  std::string isa;
  Precision precision = Precision::kFast;
  bool ignore_memory_check = false;
};

struct Spread {
  double median = 0, min = 0, max = 0;
};
Spread spread_of(std::vector<double> values);  // at least one

// What one pass over the prompt, and one generated token, must compute and move.
struct BenchCosts {
  double prefill_flops = 0;           // products with weights and attention
  double decode_bytes_per_token = 0;  // weights and cache, mean over the generated tokens
};

struct BenchResult {
  std::string kernels;
  int n_threads = 0;
  std::optional<Spread> prefill_tokens_per_s, decode_tokens_per_s;
  BenchCosts costs;
  bool int8_products = false;  // the prompt's products are those of 8-bit integers
};

// Loading is not in it. kExhausted, kInvalidArgument: see Engine::create.
Result<BenchResult> run_bench(const Model& model, const BenchOptions& options);

// Counted by the model itself, without computing.
BenchCosts count_costs(const Model& model, const BenchOptions& options);

}  // namespace sputnik::cli
