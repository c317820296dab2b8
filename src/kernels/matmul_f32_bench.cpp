// Float products, one thread. One token reads every weight once: the ceiling is memory bandwidth
// (GB/s of weights, from a matrix that no cache holds). Many tokens reuse weights: the ceiling is
// the FMA peak (GFLOP/s; a multiplication and an addition are two). The shares are of this
// machine's limits, measured beside it.
#include <benchmark/benchmark.h>

#include <algorithm>

#include "kernels/dispatch.h"
#include "kernels/float_weights_testing.h"
#include "kernels/machine_limits.h"

namespace sputnik::kernels {
namespace {

constexpr std::int64_t kBeyondCaches = 128 << 20;  // bytes

const MachineLimits& limits() {
  static const MachineLimits measured = measure_machine_limits(1);
  return measured;
}

struct Case {
  const char* name;
  DType dtype;
  std::int64_t n_rows, n_cols;
  bool transposed;
};
constexpr Case kCases[] = {
    {"deepseek-v2-lite/router/f32", DType::kF32, 64, 2048, false},
    {"deepseek-v3/router/bf16", DType::kBF16, 256, 7168, false},
    {"qwen2-1.5b/q_proj/bf16", DType::kBF16, 1536, 1536, false},
    {"qwen2-1.5b/down_proj/f16", DType::kF16, 1536, 8960, false},
    {"deepseek-v3/expert_gate_proj/f8", DType::kF8E4M3, 2048, 7168, false},
    {"deepseek-v2-lite/kv_b_proj_value/q4_k", DType::kQ4_K, 128, 512, false},
    {"deepseek-v2-lite/kv_b_proj_key/f16", DType::kF16, 128, 512, true},
    {"deepseek-v2-lite/kv_b_proj_key/q4_k", DType::kQ4_K, 128, 512, true},
};

void bench_matmul_f32(benchmark::State& state, const KernelTable* table, const Case& c,
                      std::int64_t n_tokens) {
  const std::int64_t bytes_per_row = row_bytes(c.dtype, c.n_cols);
  const std::int64_t n_rows =
      n_tokens > 6 ? c.n_rows
                   : std::max<std::int64_t>(1, kBeyondCaches / bytes_per_row / c.n_rows) * c.n_rows;
  const FloatWeights w = float_weights(c.dtype, n_rows, c.n_cols, 1);
  const std::int64_t n_in = c.transposed ? c.n_rows : c.n_cols,
                     n_out = c.transposed ? c.n_cols : c.n_rows;
  const auto x = random_floats(n_tokens * n_in, 2);
  std::vector<float> y(static_cast<std::size_t>(n_tokens * n_out));
  AlignedBytes scratch(matmul_f32_scratch_bytes(c.n_cols));
  std::int64_t first_row = 0;
  for (auto _ : state) {
    (c.transposed ? table->matmul_f32_transposed : table->matmul_f32)(
        rows_from(w.rows, first_row, c.n_rows), x.data(), n_in, n_tokens, y.data(), n_out,
        scratch.data());
    benchmark::ClobberMemory();
    first_row = (first_row + c.n_rows) % n_rows;
  }
  const double calls = static_cast<double>(state.iterations());
  const double bytes = calls * static_cast<double>(c.n_rows * bytes_per_row);
  const double flops = 2 * calls * static_cast<double>(c.n_rows * c.n_cols * n_tokens);
  const auto rate = [](double x_per_run) {
    return benchmark::Counter(x_per_run, benchmark::Counter::kIsRate);
  };
  state.counters["GB/s"] = rate(bytes / 1e9);
  state.counters["GFLOP/s"] = rate(flops / 1e9);
  state.counters["of_read"] = rate(bytes / limits().read_bytes_per_s);
  state.counters["of_f32"] = rate(flops / limits().f32_flops_per_s);
}

// Decodes from L2 into L1: the ceiling would be the bandwidth of stores, 4 bytes per weight.
void bench_dequantize_row(benchmark::State& state, const KernelTable* table, DType dtype) {
  constexpr std::int64_t kCols = 7168;
  const FloatWeights w = float_weights(dtype, 1, kCols, 1);
  std::vector<float> y(kCols);
  for (auto _ : state) {
    table->dequantize_row(dtype, w.rows.data, y.data(), kCols);
    benchmark::ClobberMemory();
  }
  state.counters["Gweights/s"] = benchmark::Counter(
      static_cast<double>(state.iterations()) * kCols / 1e9, benchmark::Counter::kIsRate);
}

const bool kRegistered = [] {
  for (const KernelTable* table : supported_tables()) {
    if (table == &reference_table()) continue;
    for (const Case& c : kCases) {
      for (const std::int64_t n_tokens : {1, 4, 8, 512}) {
        const std::string name = std::string("matmul_f32") + (c.transposed ? "_transposed/" : "/") +
                                 table->name + "/" + c.name + "/tokens:" + std::to_string(n_tokens);
        benchmark::RegisterBenchmark(name.c_str(), [=, &c](benchmark::State& state) {
          bench_matmul_f32(state, table, c, n_tokens);
        });
      }
    }
    for (const DType dtype : kAllDTypes) {
      const std::string name =
          std::string("dequantize_row/") + table->name + "/" + std::string(sputnik::name(dtype));
      benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
        bench_dequantize_row(state, table, dtype);
      });
    }
  }
  return true;
}();

}  // namespace
}  // namespace sputnik::kernels
