#include "kernels/machine_limits.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/memory.h"
#include "kernels/dispatch.h"

#if defined(__x86_64__)
#include "kernels/x86/peak_loops.h"
#include "kernels/x86/x86_tables.h"
#endif

namespace sputnik::kernels {
namespace {

constexpr int kRuns = 7;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// A limit is what the machine can do: whatever disturbs a run only makes it slower.
double best(const std::array<double, kRuns>& values) {
  return *std::max_element(values.begin(), values.end());
}

// Keeps results alive that nothing else reads.
volatile std::uint64_t g_sink;

std::uint64_t sum_words(const std::uint64_t* words, std::int64_t n) {
  std::array<std::uint64_t, 8> sums{};
  for (std::int64_t i = 0; i + 8 <= n; i += 8) {
    for (std::size_t k = 0; k < 8; ++k) sums[k] += words[i + static_cast<std::int64_t>(k)];
  }
  std::uint64_t sum = 0;
  for (const std::uint64_t s : sums) sum += s;
  return sum;
}

double read_bytes_per_s(ThreadPool& pool) {
  // Larger than any last-level cache likely to be met, smaller than what a small machine can spare.
  const std::int64_t available = available_memory_bytes();
  const std::int64_t n_bytes =
      std::clamp<std::int64_t>(available / 8, std::int64_t{16} << 20, std::int64_t{256} << 20);
  std::vector<std::uint64_t> words(static_cast<std::size_t>(n_bytes / 8), 1);
  const std::int64_t per_thread = n_bytes / 8 / pool.n_threads();
  const auto read = [&](int worker) {
    g_sink = sum_words(words.data() + worker * per_thread, per_thread);
  };
  pool.run(read);
  std::array<double, kRuns> rates{};
  for (double& rate : rates) {
    const auto start = std::chrono::steady_clock::now();
    pool.run(read);
    rate = static_cast<double>(per_thread * 8 * pool.n_threads()) / seconds_since(start);
  }
  return best(rates);
}

#if defined(__x86_64__)
double ops_per_s(ThreadPool& pool, const PeakLoop& loop) {
  constexpr std::int64_t kRounds = 1'000'000;  // 3 to 10 ms
  const auto run = [&](int) { g_sink = static_cast<std::uint64_t>(loop.run(kRounds)); };
  pool.run(run);  // lets the clock settle
  std::array<double, kRuns> rates{};
  for (double& rate : rates) {
    const auto start = std::chrono::steady_clock::now();
    pool.run(run);
    rate =
        static_cast<double>(kRounds * loop.ops_per_round * pool.n_threads()) / seconds_since(start);
  }
  return best(rates);
}
#endif

}  // namespace

FlopPeaks measure_flop_peaks([[maybe_unused]] ThreadPool& pool) {
  FlopPeaks peaks{};
#if defined(__x86_64__)
  if (avx512_vnni_table().supported()) {
    peaks.f32_flops_per_s = ops_per_s(pool, avx512_vnni::f32_peak_loop());
  } else if (avx2_table().supported()) {
    peaks.f32_flops_per_s = ops_per_s(pool, avx2::f32_peak_loop());
  }
  peaks.bf16_flops_per_s = avx512_bf16_table().supported()
                               ? ops_per_s(pool, avx512_bf16::bf16_peak_loop())
                               : peaks.f32_flops_per_s;
#endif
  return peaks;
}

MachineLimits measure_machine_limits(int n_threads) {
  ThreadPool pool(n_threads);
  MachineLimits limits{};
  limits.read_bytes_per_s = read_bytes_per_s(pool);
#if defined(__x86_64__)
  if (avx512_vnni_table().supported()) {
    limits.int8_ops_per_s = ops_per_s(pool, avx512_vnni::int8_peak_loop());
  } else if (avx2_table().supported()) {
    limits.int8_ops_per_s = ops_per_s(pool, avx2::int8_peak_loop());
  }
#endif
  const FlopPeaks peaks = measure_flop_peaks(pool);
  limits.f32_flops_per_s = peaks.f32_flops_per_s;
  limits.bf16_flops_per_s = peaks.bf16_flops_per_s;
  return limits;
}

}  // namespace sputnik::kernels
