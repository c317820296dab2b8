// Element-wise operations, one thread, rows that stay in L2: the ceiling is the bandwidth of the
// caches, so they report bytes read and written.
#include <benchmark/benchmark.h>

#include "kernels/dispatch.h"
#include "kernels/kernel_cases_testing.h"

namespace sputnik::kernels {
namespace {

// f(table, x, w, y) works on rows of n floats and touches bytes_per_element of memory for each.
template <class F>
void register_row_benchmark(const char* operation, std::int64_t n, std::int64_t bytes_per_element,
                            F f) {
  for (const KernelTable* table : supported_tables()) {
    const std::string name = std::string(operation) + "/" + table->name + "/" + std::to_string(n);
    benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
      const auto x = random_floats(n, 1), w = random_floats(n, 2);
      std::vector<float> y(static_cast<std::size_t>(n));
      for (auto _ : state) {
        f(*table, x.data(), w.data(), y.data());
        benchmark::ClobberMemory();
      }
      state.SetBytesProcessed(state.iterations() * n * bytes_per_element);
    });
  }
}

const bool kRegistered = [] {
  for (const std::int64_t n : {1536, 7168}) {  // hidden_size of Qwen2-1.5B and DeepSeek-V3
    register_row_benchmark("rms_norm", n, 12,
                           [n](const KernelTable& t, const float* x, const float* w, float* y) {
                             t.rms_norm(x, w, y, n, 1e-6f);
                           });
    register_row_benchmark(
        "add", n, 12,
        [n](const KernelTable& t, const float* x, const float* w, float* y) { t.add(x, w, y, n); });
    register_row_benchmark("add_scaled", n, 12,
                           [n](const KernelTable& t, const float* x, const float*, float* y) {
                             t.add_scaled(0.5f, x, y, n);
                           });
    register_row_benchmark("float_to_half", n, 6,
                           [n](const KernelTable& t, const float* x, const float*, float* y) {
                             t.float_to_half(x, reinterpret_cast<std::uint16_t*>(y), n);
                           });
  }
  for (const std::int64_t n :
       {2048, 8960}) {  // intermediate sizes of DeepSeek-V3's experts and of Qwen2-1.5B
    register_row_benchmark("silu_mul", n, 12,
                           [n](const KernelTable& t, const float* x, const float* w, float* y) {
                             t.silu_mul(x, w, y, n);
                           });
  }
  for (const auto rope : {&KernelTable::rope_interleaved, &KernelTable::rope_half}) {
    const bool interleaved = rope == &KernelTable::rope_interleaved;
    register_row_benchmark(interleaved ? "rope_interleaved" : "rope_half", 128, 12,
                           [rope](const KernelTable& t, const float* x, const float* w, float* y) {
                             (t.*rope)(y, x, w, 64);
                           });
  }
  return true;
}();

}  // namespace
}  // namespace sputnik::kernels
