// Result files, compared with themselves.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "evaluation/result_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sputnik::evaluation;
  const auto result = parse_result({reinterpret_cast<const char*>(data), size}, "result.json");
  if (!result.ok()) return 0;
  const auto comparisons = compare(result.value(), result.value());
  if (!comparisons.ok()) return 0;
  for (const Comparison& c : comparisons.value()) {
    // Suites may have the same name: then the first is compared with each.
    if (c.n < c.n_both) std::abort();
    (void)c.p_value();
  }
  return 0;
}
