#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <chrono>

namespace sputnik {
namespace {

TEST(ThreadPool, CallsEveryWorkerOnce) {
  for (const int n_threads : {1, 2, 5}) {
    ThreadPool pool(n_threads);
    for (int round = 0; round < 200; ++round) {
      std::vector<std::atomic<int>> calls(n_threads);
      pool.run([&](int worker) { ++calls[worker]; });
      for (const auto& n : calls) ASSERT_EQ(n.load(), 1);
    }
  }
}

TEST(ThreadPool, ParallelForCoversEveryIndexOnceInAlignedRanges) {
  ThreadPool pool(3);
  for (const std::int64_t n : {0, 1, 7, 64, 1000}) {
    std::vector<std::atomic<int>> calls(static_cast<std::size_t>(n));
    pool.parallel_for(n, 16, [&](std::int64_t begin, std::int64_t end, int) {
      EXPECT_EQ(begin % 16, 0);
      for (std::int64_t i = begin; i < end; ++i) ++calls[static_cast<std::size_t>(i)];
    });
    for (const auto& count : calls) ASSERT_EQ(count.load(), 1);
  }
}

// More threads than processors: most workers come too late for most of these.
TEST(ThreadPool, WorkersThatComeTooLateBeginNothing) {
  ThreadPool pool(16);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<int> calls(24);  // not atomic: a range belongs to one worker, and is done on return
    pool.parallel_for(24, 1, [&](std::int64_t begin, std::int64_t end, int) {
      for (std::int64_t i = begin; i < end; ++i) ++calls[static_cast<std::size_t>(i)];
    });
    for (const int n : calls) ASSERT_EQ(n, 1);
  }
}

TEST(ThreadPool, RunAfterParallelForReachesEveryWorker) {
  ThreadPool pool(4);
  for (int round = 0; round < 500; ++round) {
    std::atomic<int> ranges{0}, calls{0};
    pool.parallel_for(8, 1, [&](std::int64_t, std::int64_t, int) { ++ranges; });
    pool.run([&](int) { ++calls; });
    ASSERT_EQ(ranges.load(), 8);
    ASSERT_EQ(calls.load(), 4);
  }
}

TEST(ThreadPool, WakesWorkersThatFellAsleep) {
  ThreadPool pool(2);
  std::atomic<int> calls{0};
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    pool.run([&](int) { ++calls; });
  }
  EXPECT_EQ(calls.load(), 6);
}

TEST(ThreadPool, ThisMachineHasAProcessor) {
  EXPECT_GE(available_processors(), 1);
}

}  // namespace
}  // namespace sputnik
