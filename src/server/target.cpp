#include "server/target.h"

#include "base/utf8.h"

namespace sputnik::server {
namespace {

constexpr std::size_t kMaxParameters = 64;

int hex_digit(char c) {
  if ('0' <= c && c <= '9') return c - '0';
  if ('a' <= c && c <= 'f') return c - 'a' + 10;
  if ('A' <= c && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

// Whole, well-formed text without control characters.
std::optional<std::string> decode_text(std::string_view text, bool plus_is_space) {
  auto decoded = percent_decode(text, plus_is_space);
  if (!decoded || !is_valid_utf8(*decoded)) return std::nullopt;
  return decoded;
}

bool has_dot_segment(std::string_view path) {
  while (!path.empty()) {
    path.remove_prefix(1);  // '/'
    const std::string_view segment = path.substr(0, path.find('/'));
    if (segment == "." || segment == "..") return true;
    path.remove_prefix(segment.size());
  }
  return false;
}

Result<void> parse_query(std::string_view text, Target& target) {
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find('&'));
    text.remove_prefix(item.size());
    if (!text.empty()) text.remove_prefix(1);
    if (item.empty()) continue;
    if (target.query.size() == kMaxParameters)
      return invalid_argument("the query has more than {} parameters", kMaxParameters);
    const std::size_t equals = item.find('=');
    auto name = decode_text(item.substr(0, equals), true);
    auto value = decode_text(
        equals == std::string_view::npos ? std::string_view() : item.substr(equals + 1), true);
    if (!name || !value) return invalid_argument("the query is not percent-encoded UTF-8");
    target.query.emplace_back(std::move(*name), std::move(*value));
  }
  return ok_result();
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      if (text.size() - i < 3) return std::nullopt;
      const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

Result<Target> parse_target(std::string_view text) {
  Target target;
  if (text == "*") {
    target.path = "*";
    return target;
  }
  constexpr std::string_view kSchemes[] = {"http://", "https://"};
  for (const std::string_view scheme : kSchemes) {
    if (!text.starts_with(scheme)) continue;
    text.remove_prefix(scheme.size());
    target.authority = text.substr(0, text.find_first_of("/?#"));
    text.remove_prefix(target.authority.size());
    if (target.authority.empty()) return invalid_argument("the target names no host");
    break;
  }
  if (!text.starts_with('/')) return invalid_argument("the target does not begin with \"/\"");
  if (text.find('#') != std::string_view::npos)
    return invalid_argument("the target has a fragment");

  const std::size_t mark = text.find('?');
  auto path = decode_text(text.substr(0, mark), false);
  if (!path) return invalid_argument("the path is not percent-encoded UTF-8");
  for (const char c : *path)
    if (is_control(c)) return invalid_argument("the path holds a control character");
  if (has_dot_segment(*path)) return invalid_argument("the path holds \".\" or \"..\"");
  target.path = std::move(*path);
  if (mark != std::string_view::npos) SPUTNIK_CHECK_OK(parse_query(text.substr(mark + 1), target));
  return target;
}

}  // namespace sputnik::server
