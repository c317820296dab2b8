// Products of packed matrices, one thread, in the shapes of a small training step: rows of tokens
// times a weight (forward, and the gradient of its input), and the gradient of a weight.
#include <benchmark/benchmark.h>

#include "kernels/dispatch.h"
#include "kernels/kernel_cases_testing.h"

namespace sputnik::kernels {
namespace {

constexpr std::int64_t kTokens = 1536;   // of the whole product
constexpr std::int64_t kRowBlock = 192;  // rows of a per call, as the training operations take them

struct Shape {
  std::int64_t n, k;
};
constexpr Shape kShapes[] = {{128, 256}, {384, 128},  {80, 256},  {512, 64},
                             {256, 256}, {704, 256},  {256, 704}, {192, 256},
                             {256, 192}, {4096, 256}, {256, 4096}};

const bool kRegistered = [] {
  for (const KernelTable* table : supported_tables()) {
    if (table == &reference_table()) continue;
    for (const bool bf16 : {false, true}) {
      const GemmKernels& g = bf16 ? table->gemm_bf16 : table->gemm_f32;
      for (const Shape& s : kShapes) {
        const std::string suffix = std::string(bf16 ? "bf16/" : "f32/") + table->name + "/" +
                                   std::to_string(s.n) + "x" + std::to_string(s.k);
        benchmark::RegisterBenchmark(("gemm/" + suffix).c_str(), [=, &g](benchmark::State& state) {
          AlignedBytes a(kTokens * s.k * g.element_bytes), b(g.panels_bytes(s.n, s.k));
          std::fill_n(a.data(), a.size(), std::byte{0});
          std::fill_n(b.data(), b.size(), std::byte{0});
          std::vector<float> c(static_cast<std::size_t>(kTokens * s.n));
          for (auto _ : state) {
            for (std::int64_t row = 0; row < kTokens; row += kRowBlock) {
              g.multiply({a.data() + row * s.k * g.element_bytes, s.k, g.group}, b.data(),
                         g.panel_stride(s.k), kRowBlock, s.n, s.k, c.data() + row * s.n, s.n,
                         false);
            }
            benchmark::ClobberMemory();
          }
          state.counters["FLOP/s"] =
              benchmark::Counter(static_cast<double>(state.iterations() * 2 * kTokens * s.n * s.k),
                                 benchmark::Counter::kIsRate);
        });
        benchmark::RegisterBenchmark(
            ("gemm_of_weight/" + suffix).c_str(), [=, &g](benchmark::State& state) {
              AlignedBytes a(g.panels_bytes(s.n, kTokens)), b(g.panels_bytes(s.k, kTokens));
              std::fill_n(a.data(), a.size(), std::byte{0});
              std::fill_n(b.data(), b.size(), std::byte{0});
              std::vector<float> c(static_cast<std::size_t>(s.n * s.k));
              for (auto _ : state) {
                for (std::int64_t p = 0; p * kPanelColumns < s.n; ++p) {
                  const std::int64_t first = p * kPanelColumns;
                  g.multiply({a.data() + p * g.panel_stride(kTokens) * g.element_bytes, g.group,
                              panel_width(s.n, p) * g.group},
                             b.data(), g.panel_stride(kTokens),
                             std::min(kPanelColumns, s.n - first), s.k, kTokens,
                             c.data() + first * s.k, s.k, true);
                }
                benchmark::ClobberMemory();
              }
              state.counters["FLOP/s"] = benchmark::Counter(
                  static_cast<double>(state.iterations() * 2 * kTokens * s.n * s.k),
                  benchmark::Counter::kIsRate);
            });
      }
    }
  }
  return true;
}();

}  // namespace
}  // namespace sputnik::kernels
