// The pieces of one tile of attention in training, one thread: 64 queries, 64 keys, key_dim 48,
// value_dim 32, and the way back through norms and activations.
#include <benchmark/benchmark.h>

#include "kernels/dispatch.h"
#include "kernels/kernel_cases_testing.h"

namespace sputnik::kernels {
namespace {

constexpr std::int64_t kTile = 64;

template <class F>
void add_benchmark(const std::string& operation, const KernelTable* table, double flops, F f) {
  benchmark::RegisterBenchmark(
      (operation + "/" + table->name).c_str(), [=](benchmark::State& state) {
        for (auto _ : state) {
          f();
          benchmark::ClobberMemory();
        }
        if (flops > 0) {
          state.counters["FLOP/s"] = benchmark::Counter(
              flops * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
        }
      });
}

// Buffers that live as long as the program.
float* floats(std::int64_t n, std::uint64_t seed) {
  static std::vector<std::vector<float>> all;
  all.reserve(64);
  return all.emplace_back(random_floats(n, seed)).data();
}

const bool kRegistered = [] {
  float* const scores = floats(kTile * kTile, 1);
  float* const dp = floats(kTile * kTile, 2);
  float* const out = floats(kTile * kTile, 3);
  float* const elements = floats(kTile * kTile, 4);
  float* const panels = floats(kTile * kTile, 5);
  float* const row = floats(kTile, 6);
  float* const sum = floats(kTile, 7);
  for (const KernelTable* table : supported_tables()) {
    if (table == &reference_table()) continue;
    const GemmKernels& g = table->gemm_bf16;
    const AttentionTile whole{kTile, kTile, kTile, kTile, 0.1f};
    add_benchmark("softmax_tile", table, 0,
                  [=] { table->softmax_tile(whole, scores, row, sum, out, 32, 32); });
    add_benchmark("softmax_tile_backward", table, 0,
                  [=] { table->softmax_tile_backward(whole, scores, dp, row, sum); });
    add_benchmark("to_rows", table, 0,
                  [=, &g] { g.to_rows(scores, kTile, kTile, kTile, elements, kTile, 0); });
    add_benchmark("pack_rows", table, 0,
                  [=, &g] { g.pack_rows(elements, kTile, kTile, kTile, panels); });
    for (const auto& shape : {std::pair{64, 48}, {64, 32}, {32, 64}, {48, 64}}) {
      const std::int64_t n = shape.first, k = shape.second;
      add_benchmark("gemm_tile/" + std::to_string(n) + "x" + std::to_string(k), table,
                    2.0 * static_cast<double>(kTile * n * k), [=, &g] {
                      g.multiply({elements, kTile, g.group}, panels, 0, kTile, n, k, out, n, false);
                    });
    }
    for (const std::int64_t n : {192, 256}) {
      float *x = floats(n, 8), *w = floats(n, 9), *dy = floats(n, 10), *dx = floats(n, 11),
            *dw = floats(n, 12);
      add_benchmark("rms_norm_backward/" + std::to_string(n), table, 0,
                    [=] { table->rms_norm_backward(x, w, dy, dx, dw, n, 1e-6f, true); });
      add_benchmark("silu_mul_backward/" + std::to_string(n), table, 0,
                    [=] { table->silu_mul_backward(x, w, dy, dx, dw, n, true); });
    }
    float* const logits = floats(4096, 13);
    add_benchmark("cross_entropy_row/4096", table, 0,
                  [=] { (void)table->cross_entropy_row(logits, 4096, 7, 1.0f); });
  }
  return true;
}();

}  // namespace
}  // namespace sputnik::kernels
