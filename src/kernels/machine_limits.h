// What this machine can do at best: the ceilings that speeds are compared with.
#pragma once

#include "base/thread_pool.h"

namespace sputnik::kernels {

struct MachineLimits {
  double
      read_bytes_per_s;   // from memory: every thread sums its part of an array that no cache holds
  double int8_ops_per_s;  // the best 8-bit multiply-add this machine has; multiplication and
                          // addition are two
  double f32_flops_per_s;   // fused multiply-add, two
  double bf16_flops_per_s;  // products of bfloat16 summed in float32; that of float32 where there
                            // is no instruction for it
};

// Medians of short runs with this many threads, about a second in all. Other work on the machine
// lowers them. Zero operations where no fast kernels run: there is no honest ceiling for plain
// loops.
MachineLimits measure_machine_limits(int n_threads);

// Arithmetic alone, on a pool's threads: a fifth of a second, and no memory.
struct FlopPeaks {
  double f32_flops_per_s, bf16_flops_per_s;  // as in MachineLimits
};
FlopPeaks measure_flop_peaks(ThreadPool& pool);

}  // namespace sputnik::kernels
