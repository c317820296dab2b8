// Any text is material or one error, and what is made of material can be judged.
#include <cstddef>
#include <cstdint>
#include <string>

#include "tasks/talk.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sputnik::tasks;
  const TalkFile file{"fuzz", std::string(reinterpret_cast<const char*>(data), size)};
  const auto material = TalkMaterial::parse({&file, 1});
  if (!material.ok()) {
    if (material.error().message.find('\n') != std::string::npos) __builtin_trap();
    return 0;
  }
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    for (const Split split : {Split::kTrain, Split::kTest}) {
      const Talk talk = material.value().generate(seed, split);
      (void)check_talk(talk, talk.turns.back().answer);
    }
  }
  return 0;
}
