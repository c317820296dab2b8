#include "cli/terminal_chart.h"

#include <sys/ioctl.h>
#include <unistd.h>
#include <utf8proc.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/utf8.h"

namespace sputnik::cli {
namespace {

constexpr const char* kEighthsAcross[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
constexpr const char* kEighthsUp[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

int columns_of_character(std::uint32_t c) {
  return std::clamp(utf8proc_charwidth(static_cast<utf8proc_int32_t>(c)), 0, 2);
}

// Format characters (Cf) set directions, join, or hide; private and unassigned ones have no known
// width.
bool is_shown(std::uint32_t c) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return false;
    default:
      return true;
  }
}

}  // namespace

TerminalSize terminal_size(int descriptor) {
  struct winsize size {};
  TerminalSize result;
  if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0) return result;
  if (size.ws_row > 0) result.rows = size.ws_row;
  if (size.ws_col > 0) result.columns = size.ws_col;
  return result;
}

bool is_capable_terminal(int descriptor) {
  const char* type = std::getenv("TERM");
  return ::isatty(descriptor) != 0 && type != nullptr && *type != '\0' &&
         std::string_view(type) != "dumb";
}

bool wants_color() {
  const char* no_color = std::getenv("NO_COLOR");
  return no_color == nullptr || *no_color == '\0';
}

std::string bar(double share, int columns) {
  if (columns <= 0) return "";
  if (!(share > 0)) share = 0;
  const auto eighths = static_cast<int>(std::floor(std::min(share, 1.0) * 8 * columns));
  std::string text;
  for (int i = 0; i < eighths / 8; ++i) text += "█";
  text += kEighthsAcross[eighths % 8];
  text.append(static_cast<std::size_t>(columns - (eighths + 7) / 8), ' ');
  return text;
}

std::string sparkline(std::span<const double> values, int columns) {
  const auto n = std::min(static_cast<std::size_t>(std::max(columns, 0)), values.size());
  std::vector<double> means;
  for (std::size_t i = 0; i < n; ++i) {
    double sum = 0, count = 0;
    for (std::size_t j = i * values.size() / n; j < (i + 1) * values.size() / n; ++j) {
      if (!std::isfinite(values[j])) continue;
      sum += values[j];
      ++count;
    }
    means.push_back(sum / count);  // none: not a number
  }
  double low = HUGE_VAL, high = -HUGE_VAL;
  for (const double x : means) {
    if (!std::isfinite(x)) continue;
    low = std::min(low, x);
    high = std::max(high, x);
  }
  std::string text;
  for (const double x : means) {
    if (!std::isfinite(x)) {
      text += ' ';
      continue;
    }
    const double share = high > low ? (x - low) / (high - low) : 0;
    text += kEighthsUp[std::clamp(static_cast<int>(share * 8), 0, 7)];
  }
  return text;
}

std::string single_line(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const DecodedCodePoint c = decode_utf8(text);
    text.remove_prefix(c.n_bytes);
    if (c.code_point == '\n' || c.code_point == '\t' || c.code_point == '\r') {
      result += ' ';
    } else if (is_shown(c.code_point)) {
      append_utf8(result, c.code_point);
    }
  }
  return result;
}

int columns_of(std::string_view text) {
  int columns = 0;
  while (!text.empty()) {
    const DecodedCodePoint c = decode_utf8(text);
    text.remove_prefix(c.n_bytes);
    columns += columns_of_character(c.code_point);
  }
  return columns;
}

std::string fit(std::string_view text, int columns) {
  if (columns <= 0) return "";
  // A mark takes no column, but hundreds on one letter are no text.
  constexpr std::size_t kMaxBytesPerColumn = 32;
  std::size_t at = 0, end_before_dots = 0;
  int used = 0;
  while (at < text.size()) {
    const DecodedCodePoint c = decode_utf8(text.substr(at));
    const int width = columns_of_character(c.code_point);
    if (used + width > columns ||
        at + c.n_bytes > static_cast<std::size_t>(columns) * kMaxBytesPerColumn)
      return std::string(text.substr(0, end_before_dots)) + "…";
    at += c.n_bytes;
    used += width;
    if (used <= columns - 1) end_before_dots = at;
  }
  return std::string(text);
}

std::string fill(std::string_view text, int columns) {
  std::string result = fit(text, columns);
  result.append(static_cast<std::size_t>(std::max(columns - columns_of(result), 0)), ' ');
  return result;
}

std::vector<std::string> wrap(std::string_view text, int columns, std::size_t max_lines) {
  std::vector<std::string> lines;
  if (columns <= 0) return lines;
  while (!text.empty() && lines.size() < max_lines) {
    if (lines.size() + 1 == max_lines) {
      lines.push_back(fit(text, columns));
      break;
    }
    std::size_t at = 0, after_blank = 0;
    int used = 0;
    while (at < text.size()) {
      const DecodedCodePoint c = decode_utf8(text.substr(at));
      const int width = columns_of_character(c.code_point);
      if (used + width > columns) break;
      at += c.n_bytes;
      used += width;
      if (c.code_point == ' ') after_blank = at;
    }
    if (at < text.size() && after_blank > 0) at = after_blank;
    if (at == 0) at = decode_utf8(text).n_bytes;  // wider than a line
    lines.push_back(fit(text.substr(0, at), columns));
    text.remove_prefix(at);
  }
  return lines;
}

}  // namespace sputnik::cli
