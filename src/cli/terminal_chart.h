// Pictures of numbers for a terminal, and text that fits its columns.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sputnik::cli {

struct TerminalSize {
  int rows = 24, columns = 80;
  bool operator==(const TerminalSize&) const = default;
};

// Of the terminal behind a descriptor; 80 by 24 if it does not say.
TerminalSize terminal_size(int descriptor);

// Whether what is written there may move the cursor.
bool is_capable_terminal(int descriptor);
// NO_COLOR (no-color.org): set to anything but nothing, colours are not wanted.
bool wants_color();

// share of columns, in eighths of a column: "██████▍     ". Outside 0..1 and what is not a number:
// full or empty.
std::string bar(double share, int columns);

// One column for each number, or for several, of which it shows the mean: "█▆▄▃▂▁". All of one size
// lie at the bottom; a column without a number is blank.
std::string sparkline(std::span<const double> values, int columns);

// Foreign text as one line: valid UTF-8 without control characters and without those that reorder
// the line or take no place in it; line breaks and tabs become blanks.
std::string single_line(std::string_view text);

// Columns of a text from single_line(): two for wide characters, none for marks.
int columns_of(std::string_view text);
// At most that many columns of it; "…" at the end says that there is more.
std::string fit(std::string_view text, int columns);
// The same with blanks behind it, so that it takes all of them.
std::string fill(std::string_view text, int columns);
// A text from single_line() in lines, at most max_lines of them.
std::vector<std::string> wrap(std::string_view text, int columns, std::size_t max_lines);

}  // namespace sputnik::cli
