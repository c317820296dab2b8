#include "tokenizer/unicode_classes.h"

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "tokenizer/pcre2_testing.h"

namespace sputnik {
namespace {

// Which code points a pattern of one character matches.
std::vector<bool> matched_by(std::string_view pattern) {
  static const std::string kAll = [] {
    std::string all;
    for (std::uint32_t c = 0; c <= 0x10FFFF; ++c) {
      if (c < 0xD800 || c >= 0xE000) append_utf8(all, c);
    }
    return all;
  }();
  std::vector<bool> matched(0x110000);
  for (const std::string_view c : find_all(pattern, kAll))
    matched[decode_utf8(c).code_point] = true;
  return matched;
}

TEST(UnicodeClasses, AreThoseOfTheEngineForAllThatItKnows) {
  struct Case {
    const char* pattern;
    UnicodeClass bit;
  };
  const auto assigned = matched_by(R"(\P{Cn})");
  for (const auto& [pattern, bit] :
       {Case{R"(\p{L})", kLetter}, Case{R"(\p{M})", kMark}, Case{R"(\p{N})", kNumber},
        Case{R"(\p{P})", kPunctuation}, Case{R"(\p{S})", kSymbol},
        Case{"[\\p{Z}\\x{09}-\\x{0d}\\x{85}]", kSpace}, Case{R"([\r\n])", kNewline}}) {
    const auto expected = matched_by(pattern);
    std::size_t n = 0;
    for (std::uint32_t c = 0; c <= 0x10FFFF; ++c) {
      if (!assigned[c]) continue;  // the engine's Unicode is older
      ASSERT_EQ((unicode_classes().bits(c) & bit) != 0, expected[c])
          << pattern << " U+" << std::hex << c;
      n += expected[c];
    }
    EXPECT_GT(n, 1u) << pattern;
  }
}

TEST(UnicodeClasses, MalformedBytesAreOfNoClass) {
  for (const char* text : {"\x80", "\xC3", "\xE4\xB8", "\xF5", "\xED\xA0\x80"}) {
    const Char c = unicode_classes().at(text, 0);
    EXPECT_EQ(c.bits, 0);
    EXPECT_EQ(c.code_point, kReplacementCharacter);
    EXPECT_GE(c.n_bytes, 1);
  }
  // The character itself is a symbol.
  EXPECT_EQ(unicode_classes().at("\uFFFD", 0).bits, kSymbol);
}

TEST(UnicodeClasses, TheEndOfTextIsOfNoClassAndHasNoBytes) {
  EXPECT_EQ(unicode_classes().at("", 0).n_bytes, 0);
  EXPECT_EQ(unicode_classes().at("a", 1).n_bytes, 0);
  EXPECT_EQ(unicode_classes().at("a", 7).bits, 0);
  EXPECT_EQ(unicode_classes().bits(0x110000), 0);
}

}  // namespace
}  // namespace sputnik
