#include "cli/bench_runner.h"

#include <algorithm>
#include <chrono>
#include <span>

#include "base/memory.h"
#include "base/rng.h"
#include "base/thread_pool.h"
#include "cli/progress.h"
#include "engine/block_pool.h"
#include "engine/memory_need.h"
#include "kernels/dispatch.h"
#include "ops/cost_ops.h"
#include "ops/inference_ops.h"

namespace sputnik::cli {
namespace {

constexpr std::int64_t kChunk = 512;
constexpr std::int64_t kMaxTokens = std::int64_t{1} << 24;

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::int64_t blocks_for(std::int64_t n_tokens) {
  return (n_tokens + kBlockTokens - 1) / kBlockTokens;
}

bool has_quantized_weights(const Model& model) {
  const auto weights = model.weights();
  return std::any_of(weights.begin(), weights.end(),
                     [](const Weight* w) { return is_quantized_block(w->dtype); });
}

// Any tokens do: what a pass costs does not depend on them, but for the choice of experts.
std::vector<std::int32_t> random_tokens(std::int64_t n, std::int64_t vocab_size) {
  Rng rng(1);
  std::vector<std::int32_t> tokens(static_cast<std::size_t>(n));
  for (std::int32_t& token : tokens)
    token = static_cast<std::int32_t>(rng.uniform() * static_cast<double>(vocab_size));
  return tokens;
}

// Calls f(batch) for tokens [begin, end) of the sequence in chunks. Decoding (chunk 1) needs the
// logits of every token, a prompt those of its last one.
template <class F>
void for_each_chunk(std::span<const std::int32_t> tokens, std::int64_t begin, std::int64_t end,
                    std::int64_t chunk, std::span<const std::int32_t> block_table, const F& f) {
  Batch batch;
  for (std::int64_t at = begin; at < end; at += chunk) {
    const std::int64_t n = std::min(chunk, end - at);
    batch.clear();
    batch.add(tokens.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(n)), at,
              block_table, chunk == 1 || at + n == end ? n - 1 : n);
    f(batch);
  }
}

// One sequence on cache memory of its own. What stands behind the depth is written anew by every
// repetition.
class Runner {
 public:
  Runner(const Model& model, const BenchOptions& options, const kernels::KernelTable& kernels,
         BlockPool blocks, std::vector<std::int32_t> tokens)
      : model_(model),
        tokens_(std::move(tokens)),
        pool_(options.n_threads > 0 ? options.n_threads : available_processors()),
        blocks_(std::move(blocks)),
        ops_(kernels, pool_, blocks_.view(),
             {options.precision == Precision::kFast, MlaForm::kAbsorbed}) {
    blocks_.allocate(blocks_.n_blocks(), block_table_).value();
  }

  // Seconds for tokens [begin, end), chunk of them in a pass.
  double run(std::int64_t begin, std::int64_t end, std::int64_t chunk) {
    const Clock::time_point start = Clock::now();
    for_each_chunk(tokens_, begin, end, chunk, block_table_,
                   [&](const Batch& batch) { (void)model_.forward(ops_, batch); });
    return seconds_since(start);
  }

  int n_threads() const { return pool_.n_threads(); }

 private:
  const Model& model_;
  std::vector<std::int32_t> tokens_;
  ThreadPool pool_;
  BlockPool blocks_;
  InferenceOps ops_;
  std::vector<std::int32_t> block_table_;
};

// All sequences of one repetition, from prompts that differ. Counted are the passes that only
// prefill, and those that only decode: few do both.
struct BatchSpeed {
  double prefill_tokens_per_s = 0, decode_tokens_per_s = 0;
};
Result<BatchSpeed> generate_together(Engine& engine, const BenchOptions& options) {
  engine.weights_changed();  // nothing is left of the repetition before
  for (std::int64_t i = 0; i < options.n_sequences; ++i) {
    GenerationRequest request;
    request.prompt = random_tokens(options.n_prompt, engine.model().vocab_size());
    request.prompt[0] = static_cast<std::int32_t>(i % engine.model().vocab_size());
    request.max_tokens = options.n_generate;
    request.sampling.temperature = 1;
    request.sampling.seed = static_cast<std::uint64_t>(i);
    const auto added = engine.add(std::move(request));
    if (!added.ok()) return added.error();
  }
  double prefill_s = 0, decode_s = 0;
  std::int64_t n_decoded = 0, n_prefilled = 0;
  while (!engine.idle()) {
    const Clock::time_point start = Clock::now();
    const std::int64_t before = engine.n_computed_tokens();
    const auto n = static_cast<std::int64_t>(engine.step().size());
    const double seconds = seconds_since(start);
    const std::int64_t computed = engine.n_computed_tokens() - before;
    if (computed == n) {
      decode_s += seconds;
      n_decoded += n;
    } else {
      prefill_s += seconds;
      n_prefilled += computed;
    }
  }
  return BatchSpeed{static_cast<double>(n_prefilled) / prefill_s,
                    static_cast<double>(n_decoded) / decode_s};
}

Result<BenchResult> run_together(const Model& model, const BenchOptions& options) {
  if (options.n_prompt < 2 || options.n_generate < 2 || options.depth != 0) {
    return invalid_argument(
        "several sequences need a prompt and generated tokens, at least 2 of each, and no depth");
  }
  EngineOptions engine_options;
  engine_options.n_threads = options.n_threads;
  engine_options.isa = options.isa;
  engine_options.context_length = options.n_prompt + options.n_generate;
  engine_options.max_sequences = options.n_sequences;
  engine_options.precision = options.precision;
  engine_options.ignore_memory_check = options.ignore_memory_check;
  SPUTNIK_TRY(const auto engine, Engine::create(model, engine_options));
  BenchResult result;
  result.kernels = engine->kernels().name;
  result.n_threads = engine->n_threads();
  result.int8_products = options.precision == Precision::kFast && has_quantized_weights(model);
  result.costs = count_costs(model, options);
  Progress progress("measuring");
  std::vector<double> prefills, decodes;
  // The first is not counted: it brings the weights into memory and makes room for activations.
  for (int i = 0; i <= options.repetitions; ++i) {
    progress.show(i, options.repetitions + 1, "repetitions");
    SPUTNIK_TRY(const BatchSpeed speed, generate_together(*engine, options));
    if (i == 0) continue;
    prefills.push_back(speed.prefill_tokens_per_s);
    decodes.push_back(speed.decode_tokens_per_s);
  }
  result.prefill_tokens_per_s = spread_of(std::move(prefills));
  result.decode_tokens_per_s = spread_of(std::move(decodes));
  return result;
}

Result<void> check(const BenchOptions& o) {
  if (o.n_prompt < 0 || o.n_generate < 0 || o.depth < 0 ||
      std::max({o.n_prompt, o.n_generate, o.depth}) > kMaxTokens)
    return invalid_argument("prompt, generate and depth must be in 0..{}", kMaxTokens);
  if (o.n_prompt == 0 && o.n_generate == 0) return invalid_argument("there is nothing to measure");
  if (o.repetitions < 1 || o.repetitions > 1000)
    return invalid_argument("{} repetitions: give 1 to 1000", o.repetitions);
  if (o.n_threads < 0 || o.n_threads > 1024)
    return invalid_argument("{} threads: give 1 to 1024, or 0 for all processors", o.n_threads);
  return ok_result();
}

}  // namespace

Spread spread_of(std::vector<double> values) {
  SPUTNIK_ASSERT(!values.empty());
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  const double median =
      values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  return {median, values.front(), values.back()};
}

Result<BenchResult> run_bench(const Model& model, const BenchOptions& options) {
  SPUTNIK_CHECK_OK(check(options));
  if (options.n_sequences > 1) return run_together(model, options);
  SPUTNIK_TRY(const kernels::KernelTable* table, kernels::choose_table(options.isa));
  const std::int64_t n_tokens = options.depth + std::max(options.n_prompt, options.n_generate);
  SPUTNIK_CHECK_OK(check_memory(memory_need(model, n_tokens, 1, kChunk, options.precision),
                                n_tokens,
                                options.ignore_memory_check ? 0 : available_memory_bytes()));
  SPUTNIK_TRY(BlockPool blocks,
              BlockPool::create(model.cache_shape(), cache_dtype(model, options.precision),
                                blocks_for(n_tokens)));
  Runner runner(model, options, *table, std::move(blocks),
                random_tokens(n_tokens, model.vocab_size()));
  BenchResult result;
  result.kernels = table->name;
  result.n_threads = runner.n_threads();
  result.int8_products = options.precision == Precision::kFast && has_quantized_weights(model);
  result.costs = count_costs(model, options);

  Progress progress("measuring");
  const std::int64_t depth = options.depth;
  for (std::int64_t at = 0; at < depth; at += kChunk) {
    progress.show(at, depth, "tokens of depth");
    (void)runner.run(at, std::min(at + kChunk, depth), kChunk);
  }
  const auto measure = [&](std::int64_t n, std::int64_t chunk,
                           std::string_view what) -> std::optional<Spread> {
    if (n == 0) return std::nullopt;
    // Not counted: it brings the weights into memory and makes room for activations.
    (void)runner.run(depth, depth + std::min(n, chunk), chunk);
    std::vector<double> speeds;
    for (int i = 0; i < options.repetitions; ++i) {
      progress.show(i, options.repetitions, what);
      speeds.push_back(static_cast<double>(n) / runner.run(depth, depth + n, chunk));
    }
    return spread_of(std::move(speeds));
  };
  result.prefill_tokens_per_s = measure(options.n_prompt, kChunk, "prefills");
  result.decode_tokens_per_s = measure(options.n_generate, 1, "decodes");
  return result;
}

BenchCosts count_costs(const Model& model, const BenchOptions& options) {
  CostOps ops(model.cache_shape(), cache_dtype(model, options.precision));
  const std::int64_t depth = options.depth;
  const auto tokens =
      random_tokens(depth + std::max(options.n_prompt, options.n_generate), model.vocab_size());
  BenchCosts costs;
  for_each_chunk(tokens, depth, depth + options.n_prompt, kChunk, {}, [&](const Batch& batch) {
    (void)model.forward(ops, batch);
    costs.prefill_flops += ops.cost().flops();
  });
  if (options.n_generate > 0) {
    // Cost grows linearly with the position, so the token in the middle is the mean.
    const std::int64_t middle = depth + options.n_generate / 2;
    for_each_chunk(tokens, middle, middle + 1, 1, {}, [&](const Batch& batch) {
      (void)model.forward(ops, batch);
      costs.decode_bytes_per_token = ops.cost().bytes();
    });
  }
  return costs;
}

}  // namespace sputnik::cli
