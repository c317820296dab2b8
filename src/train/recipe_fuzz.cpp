// Any text is a recipe or one error.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "train/recipe.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto recipe = sputnik::Recipe::parse({reinterpret_cast<const char*>(data), size}, "folder");
  if (!recipe.ok() && recipe.error().message.find('\n') != std::string::npos) __builtin_trap();
  return 0;
}
