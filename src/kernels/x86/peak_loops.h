// Loops that do nothing but one kind of arithmetic, on registers. Each returns a number that
// depends on all of it, so that nothing can be left out.
#pragma once

#include <cstdint>

namespace sputnik::kernels {

struct PeakLoop {
  std::int64_t (*run)(std::int64_t n_rounds);
  std::int64_t ops_per_round;
};

namespace avx2 {
PeakLoop int8_peak_loop();
PeakLoop f32_peak_loop();
}  // namespace avx2

namespace avx512_vnni {
PeakLoop int8_peak_loop();
PeakLoop f32_peak_loop();
}  // namespace avx512_vnni

namespace avx512_bf16 {
PeakLoop bf16_peak_loop();
}  // namespace avx512_bf16

}  // namespace sputnik::kernels
