// The names, objects and short words that tasks are told with; each list has a part that only the
// test split uses.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "tasks/task.h"

namespace sputnik::tasks {

struct Person {
  std::string_view name, he, him, his;
};

struct Noun {
  std::string_view one, many;
};

// Where a story takes place. kHarbour occurs in the test split alone.
enum class Domain { kPlain, kShop, kSchool, kFarm, kKitchen, kTravel, kHarbour };

std::string_view to_string(Domain domain);

std::span<const Person> people(Split split);

// Things that can be counted, bought, given and lost there.
std::span<const Noun> things(Domain domain, Split split);

// Lower-case English words of three to ten letters, shortest first, for tasks about letters.
std::span<const std::string_view> letter_words(Split split);

// "1 apple", "7 apples".
std::string count_of(std::int64_t n, const Noun& noun);

// "forty-two". |n| < 10^9.
std::string number_words(std::int64_t n);

// "first", "second", ... up to tenth.
std::string_view ordinal(std::int64_t n);

// "a, b and c".
std::string join_and(std::span<const std::string> parts);
std::string join(std::span<const std::string> parts, std::string_view separator);
std::string join(std::span<const std::int64_t> parts, std::string_view separator);

}  // namespace sputnik::tasks
