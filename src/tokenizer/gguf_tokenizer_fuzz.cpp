// Whatever the bytes: an Error, or a tokenizer that encodes and decodes.
#include <cstdint>
#include <vector>

#include "formats/gguf.h"
#include "tokenizer/gguf_tokenizer.h"
#include "tokenizer/tokenizer_fuzz_testing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto* begin = reinterpret_cast<const std::byte*>(data);
  const std::vector<std::byte> bytes(begin, begin + size);
  const auto file = sputnik::GgufFile::parse(bytes);
  if (!file.ok()) return 0;
  auto spec = sputnik::tokenizer_spec_from_gguf(file.value().metadata());
  if (!spec.ok()) return 0;
  sputnik::exercise_tokenizer(std::move(spec).value(), {reinterpret_cast<const char*>(data), size});
  return 0;
}
