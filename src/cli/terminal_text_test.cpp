#include "cli/terminal_text.h"

#include <gtest/gtest.h>

namespace sputnik::cli {
namespace {

TEST(TerminalText, HasNoControlCharacters) {
  EXPECT_EQ(without_controls("\x1b[2Jred\x07\b\r\x7f"), "[2Jred");
  EXPECT_EQ(without_controls("a\xc2\x9b"
                             "b\xc2\x80"),
            "ab");
  EXPECT_EQ(without_controls(std::string_view("\0", 1)), "");
}

TEST(TerminalText, IsOtherwiseTheText) {
  const std::string text = "line\n\tgrün \xc2\xa0 你好 🙂";
  EXPECT_EQ(without_controls(text), text);
}

}  // namespace
}  // namespace sputnik::cli
