// What a verifier accepts as a final answer: one value and nothing beside it. ASCII only; at most
// kMaxAnswerBytes, so that every check is short whatever a model writes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/rational.h"

namespace sputnik::tasks {

constexpr std::size_t kMaxAnswerBytes = 512;

// Without surrounding whitespace and one trailing period; empty if longer than kMaxAnswerBytes.
std::string_view trim_answer(std::string_view answer);

// "42", "-7", "+3", "1,234": a whole number within 64 bits, no leading zeros.
std::optional<std::int64_t> parse_integer(std::string_view answer);

// Also "2.50", "3/4", "-6/8".
std::optional<Rational> parse_number(std::string_view answer);

bool is_integer_answer(std::string_view answer, std::int64_t expected);

// The same letters in either case; quotes around the whole are forgiven.
bool is_word_answer(std::string_view answer, std::string_view expected);

// "yes", "no", "true", "false" in either case.
std::optional<bool> parse_yes_no(std::string_view answer);

// "3, 1, 2", "3 1 2" or "[3, 1, 2]": parts between commas or, without any comma, between spaces.
// None if a part is empty or there are more than max_parts.
std::optional<std::vector<std::string>> parse_list(std::string_view answer, std::size_t max_parts);

bool is_list_answer(std::string_view answer, const std::vector<std::string>& expected);

std::string lower_case(std::string_view text);

}  // namespace sputnik::tasks
