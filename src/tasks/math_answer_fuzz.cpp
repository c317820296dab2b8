// Any text as mathematics: compared without end or crash; equality is reflexive and symmetric.
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "tasks/answer.h"
#include "tasks/sandbox.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sputnik::tasks;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t middle = text.find('\n');
  const std::string_view a = text.substr(0, middle);
  const std::string_view b = middle == std::string_view::npos ? a : text.substr(middle + 1);
  const bool equal = math_equal(a, b);
  SPUTNIK_ASSERT(equal == math_equal(b, a));
  if (equal) SPUTNIK_ASSERT(math_equal(a, a) && math_equal(b, b));
  (void)extract_answer(text);
  (void)extract_choice(text, 5);
  (void)extract_program(text);
  return 0;
}
