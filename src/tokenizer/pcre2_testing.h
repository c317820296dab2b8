// For tests of scanners: what a regular-expression engine makes of the published patterns.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sputnik {

// All matches of a pattern, from left to right. \p and \s know Unicode. Texts must be valid UTF-8.
std::vector<std::string_view> find_all(std::string_view pattern, std::string_view text);

// Cuts text at the matches of a pattern: those and what lies between them, in order, as Split with
// "behavior": "Isolated" does.
std::vector<std::string> split_by_pattern(std::string_view pattern, std::string_view text);
// The same with further patterns, each within the pieces that the ones before it left.
std::vector<std::string> split_by_patterns(std::span<const std::string_view> patterns,
                                           std::string_view text);

}  // namespace sputnik
