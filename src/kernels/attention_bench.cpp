// Attention, one thread. Decoding reads the whole cache for a few query rows: its ceiling is memory
// bandwidth (GB/s of cached keys and values, from more memory than caches hold). Prefill shares the
// cache between many rows: its ceiling is the FMA peak (GFLOP/s of the two products; keys that a
// row does not see are not counted).
#include <benchmark/benchmark.h>

#include <cmath>

#include "kernels/dispatch.h"
#include "kernels/kernel_cases_testing.h"
#include "kernels/machine_limits.h"
#include "tensor/quant_codec.h"

namespace sputnik::kernels {
namespace {

constexpr std::int64_t kBeyondCaches = 128 << 20;  // bytes

const MachineLimits& limits() {
  static const MachineLimits measured = measure_machine_limits(1);
  return measured;
}

struct Case {
  const char* name;
  std::int64_t key_dim, value_dim;
  std::int64_t rows_per_token;  // heads that share keys
  bool latent;                  // values are the first part of the keys
};
constexpr Case kCases[] = {
    {"llama-mha", 128, 128, 1, false},
    {"qwen2-1.5b", 128, 128, 6, false},
    {"deepseek-v2-lite-expanded", 192, 128, 1, false},
    {"deepseek-v2-lite-absorbed-half", 576, 512, 8, true},
    {"deepseek-v2-lite-absorbed", 576, 512, 16, true},
    {"deepseek-v3-absorbed", 576, 512, 128, true},
};

// The last n_tokens tokens of a sequence of n_keys attend to it.
void bench_attention(benchmark::State& state, const KernelTable* table, const Case& c,
                     std::int64_t n_keys, std::int64_t n_tokens) {
  const std::int64_t bytes_per_key = (c.key_dim + (c.latent ? 0 : c.value_dim)) * 2;
  const std::int64_t n_blocks = n_keys / kCacheBlock;
  const std::int64_t n_copies =
      n_tokens > 1 ? 1 : std::max<std::int64_t>(1, kBeyondCaches / bytes_per_key / n_keys);
  const std::vector<float> floats = random_floats(kCacheBlock * (c.key_dim + c.value_dim), 1);
  std::vector<std::uint16_t> data(static_cast<std::size_t>(n_copies * n_keys * bytes_per_key / 2));
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = float_to_half(floats[i % floats.size()]);
  std::vector<const void*> keys, values;
  for (std::int64_t b = 0; b < n_copies * n_blocks; ++b) {
    const std::uint16_t* const block = data.data() + b * kCacheBlock * bytes_per_key / 2;
    keys.push_back(block);
    values.push_back(c.latent ? block : block + kCacheBlock * c.key_dim);
  }
  std::vector<std::int64_t> limit;
  double n_scores = 0;
  for (std::int64_t t = n_tokens - 1; t >= 0; --t) {
    limit.insert(limit.end(), static_cast<std::size_t>(c.rows_per_token), n_keys - t);
    n_scores += static_cast<double>(c.rows_per_token * (n_keys - t));
  }
  const auto n_rows = static_cast<std::int64_t>(limit.size());
  const auto q = random_floats(n_rows * c.key_dim, 2);
  std::vector<float> out(static_cast<std::size_t>(n_rows * c.value_dim));
  AlignedBytes scratch(attention_scratch_bytes(c.key_dim, c.value_dim));
  std::int64_t copy = 0;
  for (auto _ : state) {
    const CachedKeysValues cache{
        DType::kF16, keys.data() + copy * n_blocks,      values.data() + copy * n_blocks,
        c.key_dim,   c.latent ? c.key_dim : c.value_dim, c.key_dim,
        c.value_dim};
    table->attention(q.data(), c.key_dim, n_rows, limit.data(), cache, 0.1f, out.data(),
                     c.value_dim, scratch.data());
    benchmark::ClobberMemory();
    copy = (copy + 1) % n_copies;
  }
  const double calls = static_cast<double>(state.iterations());
  const double bytes = calls * static_cast<double>(n_keys * bytes_per_key);
  const double flops = calls * 2 * n_scores * static_cast<double>(c.key_dim + c.value_dim);
  const auto rate = [](double x_per_run) {
    return benchmark::Counter(x_per_run, benchmark::Counter::kIsRate);
  };
  state.counters["GB/s"] = rate(bytes / 1e9);
  state.counters["GFLOP/s"] = rate(flops / 1e9);
  state.counters["of_read"] = rate(bytes / limits().read_bytes_per_s);
  state.counters["of_f32"] = rate(flops / limits().f32_flops_per_s);
}

const bool kRegistered = [] {
  for (const KernelTable* table : supported_tables()) {
    if (table == &reference_table()) continue;
    for (const Case& c : kCases) {
      for (const std::int64_t n_tokens : {1, 64}) {
        for (const std::int64_t n_keys : {512, 4096}) {
          const std::string name = std::string("attention/") + table->name + "/" + c.name +
                                   (n_tokens == 1 ? "/decode" : "/prefill") +
                                   "/keys:" + std::to_string(n_keys);
          benchmark::RegisterBenchmark(name.c_str(), [=, &c](benchmark::State& state) {
            bench_attention(state, table, c, n_keys, n_tokens);
          });
        }
      }
    }
  }
  return true;
}();

}  // namespace
}  // namespace sputnik::kernels
