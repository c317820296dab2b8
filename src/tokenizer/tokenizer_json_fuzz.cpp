// Whatever the text: an Error, or a tokenizer that encodes and decodes.
#include <cstdint>
#include <string>

#include "tokenizer/tokenizer_fuzz_testing.h"
#include "tokenizer/tokenizer_testing.h"

namespace {

// A vocabulary needs a piece for nearly every byte. "<bytes>": 0 stands for all 256 of them, with
// the ids 0 to 255, so that inputs are short and changes fall on what matters.
std::string with_bytes(std::string text) {
  static const std::string kAll = [] {
    std::string all;
    for (int byte = 0; byte < 256; ++byte) {
      std::string letter = sputnik::letters_of_bytes(std::string(1, static_cast<char>(byte)));
      if (letter == "\"" || letter == "\\") letter.insert(0, "\\");
      all += fmt::format("{}\"{}\": {}", byte == 0 ? "" : ", ", letter, byte);
    }
    return all;
  }();
  constexpr std::string_view kShort = "\"<bytes>\": 0";
  const std::size_t place = text.find(kShort);
  if (place != std::string::npos) text.replace(place, kShort.size(), kAll);
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  auto spec = sputnik::parse_tokenizer_json(with_bytes(std::string(input)));
  // The input is as good a text as any, and holds all added tokens.
  if (spec.ok()) sputnik::exercise_tokenizer(std::move(spec).value(), input);
  return 0;
}
