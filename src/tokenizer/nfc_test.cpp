#include "tokenizer/nfc.h"

#include <gtest/gtest.h>
#include <utf8proc.h>

#include <cstdlib>

#include "base/utf8.h"
#include "tokenizer/tokenizer_testing.h"

namespace sputnik {
namespace {

// The library's own way through, which takes quadratic time in the number of marks.
std::string library_nfc(const std::string& text) {
  utf8proc_uint8_t* normalized = nullptr;
  const auto n = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                              static_cast<utf8proc_ssize_t>(text.size()), &normalized,
                              static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  SPUTNIK_ASSERT(n >= 0);
  std::string result(reinterpret_cast<const char*>(normalized), static_cast<std::size_t>(n));
  std::free(normalized);
  return result;
}

void expect_nfc(const std::string& text) {
  ASSERT_EQ(to_nfc(text), library_nfc(text)) << text;
  ASSERT_TRUE(!is_surely_nfc(text) || text == library_nfc(text)) << text;
}

TEST(Nfc, EveryCodePointIsAsTheLibraryHasIt) {
  for (std::uint32_t c = 1; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string text;
    append_utf8(text, c);
    expect_nfc(text);
    // Beside a letter and a mark that much composes with.
    expect_nfc("a" + text + "\u0301");
  }
}

TEST(Nfc, TextIsAsTheLibraryHasIt) {
  Rng rng(1);
  constexpr std::string_view kParts[] = {"e",      "\u00e9", "\u0301",     "\u0323", "\u0308",
                                         "a",      " ",      "\u1100",     "\u1161", "\u11a8",
                                         "\uac00", "\u0915", "\u093c",     "\u212b", "\u1f82",
                                         "\u0f71", "\u0f72", "\U0001D15E", "x"};
  for (int i = 0; i < 20'000; ++i) {
    std::string text = random_text(rng, random_below(rng, 6));
    for (std::size_t n = random_below(rng, 8); n > 0; --n) {
      text += kParts[random_below(rng, std::size(kParts))];
    }
    expect_nfc(text);
  }
}

TEST(Nfc, MalformedTextStaysAsItIs) {
  EXPECT_EQ(to_nfc("\xC3"), "\xC3");
  EXPECT_EQ(to_nfc("\xFF\xCC\x81"), "\xFF\xCC\x81");  // a mark has nothing to combine with there
  EXPECT_EQ(to_nfc("e\xCC\x81\xED\xA0\x80"), "\u00e9\xED\xA0\x80");
  EXPECT_TRUE(is_surely_nfc("\xC3\x28"));
  Rng rng(2);
  for (int i = 0; i < 5'000; ++i) {
    const std::string text = random_bytes(rng, random_below(rng, 40));
    const std::string normalized = to_nfc(text);
    ASSERT_EQ(to_nfc(normalized), normalized);
    ASSERT_EQ(is_valid_utf8(text), is_valid_utf8(normalized));
  }
}

TEST(Nfc, ManyMarksAreSortedInNoTime) {
  // Quadratic time would be an hour.
  std::string text = "a";
  for (int i = 0; i < 300'000; ++i) text += i % 2 == 0 ? "\u0301" : "\u0323";
  const std::string normalized = to_nfc(text);
  EXPECT_TRUE(normalized.starts_with("\u1ea1\u0323"));
  EXPECT_TRUE(normalized.ends_with("\u0301\u0301"));
}

}  // namespace
}  // namespace sputnik
