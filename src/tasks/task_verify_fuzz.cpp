// Answers from anybody to any task: a verifier says yes or no, and yes only to a right one. Two
// bytes choose family and level, two the seed; the rest is the answer.
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "tasks/answer.h"
#include "tasks/final_answer.h"
#include "tasks/task.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sputnik::tasks;
  constexpr std::size_t kHeader = 4;
  if (size < kHeader) return 0;
  const Family& family = *families()[data[0] % families().size()];
  const int level = 1 + data[1] % family.n_levels;
  const std::uint64_t seed = data[2] + 256u * data[3];
  const Task task = generate({&family, level, seed, seed % 2 == 0 ? Split::kTrain : Split::kTest});
  const std::string_view answer(reinterpret_cast<const char*>(data) + kHeader, size - kHeader);
  SPUTNIK_ASSERT(verify(family, task.facts, task.answer));
  const bool accepted = verify(family, task.facts, answer);
  if (accepted) {
    // A right answer is short ASCII text, and stays right without the space around it. What is put
    // beside it makes it wrong.
    SPUTNIK_ASSERT(!trim_answer(answer).empty());
    for (const char c : answer) SPUTNIK_ASSERT(static_cast<unsigned char>(c) < 0x80);
    SPUTNIK_ASSERT(verify(family, task.facts, trim_answer(answer)));
    const std::string right(trim_answer(answer));
    SPUTNIK_ASSERT(!verify(family, task.facts, right + " or " + right));
    SPUTNIK_ASSERT(!verify(family, task.facts, right + "; " + right));
  }
  if (const auto extracted = extract_answer(answer)) {
    (void)verify(family, task.facts, *extracted);
  }
  return 0;
}
