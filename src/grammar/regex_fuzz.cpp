#include <cstdint>
#include <string_view>

#include "grammar/fuzz_testing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sputnik::grammar;
  const auto grammar = regex({reinterpret_cast<const char*>(data), size});
  if (grammar.ok()) exercise_grammar(grammar.value(), {data, size});
  return 0;
}
