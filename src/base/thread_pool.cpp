#include "base/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/assert.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sputnik {
namespace {

// Operations of one token follow each other within microseconds: spin that long before sleeping,
// because waking a sleeping thread costs more than the operation.
constexpr int kSpins = 4'000;

constexpr std::uint64_t kOpen = std::uint64_t{1} << 31;
constexpr std::uint64_t kInside = kOpen - 1;

void pause_processor() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

}  // namespace

ThreadPool::ThreadPool(int n_threads)
    // With more threads than processors, a thread that spins only keeps another from its work.
    : n_threads_(n_threads), n_spins_(n_threads <= available_processors() ? kSpins : 0) {
  SPUTNIK_ASSERT(n_threads >= 1);
  for (int worker = 1; worker < n_threads; ++worker) {
    workers_.emplace_back([this, worker] { work(worker); });
  }
}

ThreadPool::~ThreadPool() {
  stop_.store(true);
  generation_.fetch_add(1);
  generation_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

bool ThreadPool::enter(std::uint32_t generation) {
  std::uint64_t gate = gate_.load(std::memory_order_acquire);
  while ((gate & kOpen) != 0 && gate >> 32 == generation) {
    if (gate_.compare_exchange_weak(gate, gate + 1, std::memory_order_acq_rel)) return true;
  }
  return false;
}

void ThreadPool::work(int worker) {
  std::uint32_t seen = 0;
  for (;;) {
    for (int spin = 0; spin < n_spins_ && generation_.load(std::memory_order_acquire) == seen;
         ++spin) {
      pause_processor();
    }
    generation_.wait(seen, std::memory_order_acquire);
    if (stop_.load()) return;
    seen = generation_.load(std::memory_order_acquire);
    if (!enter(seen)) continue;
    (*task_)(worker);
    // Counted before it leaves: the next task counts anew once everybody has left.
    n_finished_.fetch_add(1, std::memory_order_release);
    n_finished_.notify_one();
    gate_.fetch_sub(1, std::memory_order_acq_rel);
    gate_.notify_one();
  }
}

void ThreadPool::open(const FunctionRef<void(int)>& task) {
  task_ = &task;
  n_finished_.store(0, std::memory_order_relaxed);
  const std::uint32_t generation = generation_.load(std::memory_order_relaxed) + 1;
  gate_.store(std::uint64_t{generation} << 32 | kOpen, std::memory_order_release);
  generation_.store(generation, std::memory_order_release);
  generation_.notify_all();
}

// No worker begins any more; those that have are waited for.
void ThreadPool::close_and_wait() {
  gate_.fetch_and(~kOpen, std::memory_order_acq_rel);
  std::uint64_t gate = gate_.load(std::memory_order_acquire);
  for (int spin = 0; spin < n_spins_ && (gate & kInside) != 0; ++spin) {
    pause_processor();
    gate = gate_.load(std::memory_order_acquire);
  }
  while ((gate & kInside) != 0) {
    gate_.wait(gate, std::memory_order_acquire);
    gate = gate_.load(std::memory_order_acquire);
  }
}

void ThreadPool::run(FunctionRef<void(int)> f) {
  if (n_threads_ == 1) return f(0);
  open(f);
  f(0);
  const auto n_workers = static_cast<std::uint32_t>(n_threads_ - 1);
  for (std::uint32_t n; (n = n_finished_.load(std::memory_order_acquire)) < n_workers;) {
    n_finished_.wait(n, std::memory_order_acquire);
  }
  close_and_wait();
}

void ThreadPool::parallel_for(std::int64_t n, std::int64_t grain,
                              FunctionRef<void(std::int64_t, std::int64_t, int)> f) {
  SPUTNIK_ASSERT(grain >= 1);
  if (n <= 0) return;
  if (n_threads_ == 1 || n <= grain) return f(0, n, 0);
  std::atomic<std::int64_t> next{0};
  const auto take_ranges = [&](int worker) {
    for (;;) {
      const std::int64_t begin = next.fetch_add(grain, std::memory_order_relaxed);
      if (begin >= n) return;
      f(begin, std::min(begin + grain, n), worker);
    }
  };
  const FunctionRef<void(int)> task(take_ranges);
  open(task);
  task(0);
  close_and_wait();
}

int available_processors() {
  cpu_set_t set;
  int n = static_cast<int>(std::thread::hardware_concurrency());
  if (::sched_getaffinity(0, sizeof(set), &set) == 0) n = CPU_COUNT(&set);
  // A container's quota, cgroup v2: "max 100000" or "200000 100000" (microseconds per period).
  if (std::FILE* file = std::fopen("/sys/fs/cgroup/cpu.max", "re"); file != nullptr) {
    double quota = 0, period = 0;
    if (std::fscanf(file, "%lf %lf", &quota, &period) == 2 && period > 0) {
      n = std::min(n, std::max(1, static_cast<int>(std::ceil(quota / period))));
    }
    std::fclose(file);
  }
  return std::max(n, 1);
}

}  // namespace sputnik
