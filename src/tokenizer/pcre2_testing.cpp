#define PCRE2_CODE_UNIT_WIDTH 8

#include "tokenizer/pcre2_testing.h"

#include <pcre2.h>

#include <map>
#include <memory>

#include "base/assert.h"

namespace sputnik {
namespace {

struct FreeCode {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct FreeMatch {
  void operator()(pcre2_match_data* match) const { pcre2_match_data_free(match); }
};

PCRE2_SPTR units(std::string_view text) {
  return reinterpret_cast<PCRE2_SPTR>(text.data());
}

// Compiled once each.
const pcre2_code* compiled(std::string_view pattern) {
  static std::map<std::string, std::unique_ptr<pcre2_code, FreeCode>, std::less<>> codes;
  auto found = codes.find(pattern);
  if (found == codes.end()) {
    int error = 0;
    PCRE2_SIZE place = 0;
    std::unique_ptr<pcre2_code, FreeCode> code(
        pcre2_compile(units(pattern), pattern.size(), PCRE2_UTF | PCRE2_UCP | PCRE2_DOLLAR_ENDONLY,
                      &error, &place, nullptr));
    SPUTNIK_ASSERT(code != nullptr);
    pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);
    found = codes.emplace(pattern, std::move(code)).first;
  }
  return found->second.get();
}

}  // namespace

std::vector<std::string_view> find_all(std::string_view pattern, std::string_view text) {
  const pcre2_code* code = compiled(pattern);
  const std::unique_ptr<pcre2_match_data, FreeMatch> match(
      pcre2_match_data_create_from_pattern(code, nullptr));
  std::vector<std::string_view> found;
  // The text is checked once: a check at every match would take quadratic time.
  std::uint32_t options = 0;
  for (std::size_t begin = 0; begin < text.size(); options = PCRE2_NO_UTF_CHECK) {
    if (pcre2_match(code, units(text), text.size(), begin, options, match.get(), nullptr) < 0)
      break;
    const PCRE2_SIZE* range = pcre2_get_ovector_pointer(match.get());
    SPUTNIK_ASSERT(range[0] < range[1]);  // no pattern here matches nothing
    found.push_back(text.substr(range[0], range[1] - range[0]));
    begin = range[1];
  }
  return found;
}

std::vector<std::string> split_by_pattern(std::string_view pattern, std::string_view text) {
  std::vector<std::string> pieces;
  const char* end = text.data();  // of the last piece
  for (const std::string_view match : find_all(pattern, text)) {
    if (match.data() > end) pieces.emplace_back(end, match.data());
    pieces.emplace_back(match);
    end = match.data() + match.size();
  }
  if (end < text.data() + text.size()) pieces.emplace_back(end, text.data() + text.size());
  return pieces;
}

std::vector<std::string> split_by_patterns(std::span<const std::string_view> patterns,
                                           std::string_view text) {
  std::vector<std::string> pieces{std::string(text)};
  for (const std::string_view pattern : patterns) {
    std::vector<std::string> finer;
    for (const std::string& piece : pieces) {
      for (std::string& part : split_by_pattern(pattern, piece)) finer.push_back(std::move(part));
    }
    pieces = std::move(finer);
  }
  return pieces;
}

}  // namespace sputnik
