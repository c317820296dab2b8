// One fork-join pool: run() and parallel_for() return when all work is done. Work is split over
// outputs, never over a reduction, so results do not depend on the number of threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace sputnik {

// A borrowed callable: no allocation, must outlive the call it is passed to.
template <class Signature>
class FunctionRef;
template <class R, class... Args>
class FunctionRef<R(Args...)> {
 public:
  template <class F>
  requires(!std::is_same_v<std::decay_t<F>, FunctionRef>)
      FunctionRef(F&& f)  // NOLINT: implicit by design, it is a parameter type
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))),
        call_([](void* object, Args... args) -> R {
          return (*static_cast<std::remove_reference_t<F>*>(object))(std::forward<Args>(args)...);
        }) {}
  R operator()(Args... args) const { return call_(object_, std::forward<Args>(args)...); }

 private:
  void* object_;
  R (*call_)(void*, Args...);
};

// Owns n_threads - 1 workers; the calling thread is worker 0. One caller at a time.
class ThreadPool {
 public:
  explicit ThreadPool(int n_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int n_threads() const { return n_threads_; }

  // Calls f(worker) once per worker, worker in [0, n_threads).
  void run(FunctionRef<void(int)> f);

  // Calls f(begin, end, worker) for disjoint ranges that cover [0, n). Ranges begin at multiples of
  // grain and are handed out as workers become free. Does not wait for workers that have not begun:
  // on a busy machine a thread may not get a processor for milliseconds.
  void parallel_for(std::int64_t n, std::int64_t grain,
                    FunctionRef<void(std::int64_t, std::int64_t, int)> f);

 private:
  void work(int worker);
  bool enter(std::uint32_t generation);
  void open(const FunctionRef<void(int)>& task);
  void close_and_wait();

  int n_threads_;
  int n_spins_;  // how long an idle thread looks for work before it sleeps
  std::vector<std::thread> workers_;
  const FunctionRef<void(int)>* task_ = nullptr;  // of the generation that runs now
  // Counts the tasks; sleeping workers wait for it to change.
  alignas(64) std::atomic<std::uint32_t> generation_{0};
  // Generation (high 32 bits), whether workers may still begin its task (kOpen), and how many are
  // at it.
  alignas(64) std::atomic<std::uint64_t> gate_{0};
  alignas(64) std::atomic<std::uint32_t> n_finished_{0};  // workers, of this generation
  alignas(64) std::atomic<bool> stop_{false};
};

// The processors this process may use (affinity and cgroup quota respected), at least 1.
int available_processors();

}  // namespace sputnik
