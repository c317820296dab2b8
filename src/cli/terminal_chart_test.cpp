#include "cli/terminal_chart.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>

#include "base/rng.h"
#include "base/utf8.h"

namespace sputnik::cli {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

TEST(TerminalChart, ABarFillsItsColumnsInEighths) {
  EXPECT_EQ(bar(0, 4), "    ");
  EXPECT_EQ(bar(0.5, 4), "██  ");
  EXPECT_EQ(bar(0.65625, 4), "██▋ ");
  EXPECT_EQ(bar(1, 4), "████");
  EXPECT_EQ(bar(7, 4), "████");
  EXPECT_EQ(bar(-1, 2), "  ");
  EXPECT_EQ(bar(kNaN, 2), "  ");
  EXPECT_EQ(bar(1, 0), "");
  for (int i = 0; i <= 100; ++i) EXPECT_EQ(columns_of(bar(i / 100.0, 7)), 7) << i;
}

TEST(TerminalChart, ASparklineSpansLowestToHighest) {
  EXPECT_EQ(sparkline(std::vector<double>{0, 1, 2, 3, 4, 5, 6, 7}, 80), "▁▂▃▄▅▆▇█");
  EXPECT_EQ(sparkline(std::vector<double>{3, 3}, 80), "▁▁");
  EXPECT_EQ(sparkline(std::vector<double>{0, 0, 8, 8}, 2), "▁█");
  EXPECT_EQ(sparkline(std::vector<double>{0, kNaN, 1}, 80), "▁ █");
  EXPECT_EQ(sparkline(std::vector<double>{0, kNaN, 1, 1}, 2), "▁█");
  EXPECT_EQ(sparkline({}, 80), "");
  EXPECT_EQ(sparkline(std::vector<double>{1}, 0), "");
}

TEST(TerminalChart, ForeignTextBecomesOneHarmlessLine) {
  EXPECT_EQ(single_line("a\nb\tc\r\nd"), "a b c  d");
  EXPECT_EQ(single_line("\x1b[2J\x07\x7f\xc2\x9b"), "[2J");
  EXPECT_EQ(single_line("\xff"), "\uFFFD");
  EXPECT_EQ(single_line("a\u202Eb\u2066c\u200Bd\uFEFF"), "abcd");  // directions, nothing at all
  EXPECT_EQ(single_line("你好 é"), "你好 é");
}

TEST(TerminalChart, TextIsCutByColumns) {
  EXPECT_EQ(columns_of("abc"), 3);
  EXPECT_EQ(columns_of("你好"), 4);
  EXPECT_EQ(columns_of("e\u0301"), 1);
  EXPECT_EQ(fit("abc", 3), "abc");
  EXPECT_EQ(fit("abcd", 3), "ab…");
  EXPECT_EQ(fit("你好吗", 5), "你好…");
  EXPECT_EQ(fit("你好吗", 4), "你…");
  EXPECT_EQ(fit("你", 1), "…");
  EXPECT_EQ(fit("a", 0), "");
  EXPECT_EQ(fill("你", 4), "你  ");
  EXPECT_EQ(fill("abcd", 3), "ab…");
}

TEST(TerminalChart, ManyMarksOnOneLetterTakeBoundedRoom) {
  std::string text = "a";
  for (int i = 0; i < 100'000; ++i) text += "\u0301";
  EXPECT_LT(fit(text, 80).size(), 4000u);
}

TEST(TerminalChart, LinesBreakAtBlanks) {
  EXPECT_EQ(wrap("one two three", 8, 9), (std::vector<std::string>{"one two ", "three"}));
  EXPECT_EQ(wrap("abcdefgh", 3, 9), (std::vector<std::string>{"abc", "def", "gh"}));
  EXPECT_EQ(wrap("one two three four", 8, 2), (std::vector<std::string>{"one two ", "three f…"}));
  EXPECT_EQ(wrap("你好", 1, 9).size(), 2u);
  EXPECT_TRUE(wrap("", 5, 9).empty());
  EXPECT_TRUE(wrap("abc", 0, 9).empty());
}

TEST(TerminalChart, NoTextIsWiderThanItsColumns) {
  Rng rng(5);
  for (int i = 0; i < 300; ++i) {
    std::string text;
    for (int j = 0; j < 60; ++j)
      append_utf8(text,
                  static_cast<std::uint32_t>(rng.next() % (rng.next() % 2 != 0 ? 0x250 : 0x20000)));
    const std::string line = single_line(text);
    const auto columns = static_cast<int>(rng.next() % 50);
    EXPECT_LE(columns_of(fit(line, columns)), columns);
    EXPECT_EQ(columns_of(fill(line, columns)), columns);
    for (const std::string& part : wrap(line, columns, 5)) EXPECT_LE(columns_of(part), columns);
  }
}

}  // namespace
}  // namespace sputnik::cli
