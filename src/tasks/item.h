// One task while its family makes it.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/draw.h"
#include "tasks/task.h"
#include "tasks/template.h"

namespace sputnik::tasks {

// One line of a thought. A line that can go wrong has a slip, the wrong line that a careless solver
// would write, and a notice, what the solver says on seeing it (after "Wait, ").
struct Step {
  std::string text, slip, notice;
};

struct Item {
  const int level;
  Draw& draw;
  const Template& form;
  // Given: name, name2 .. name5 with he/him/his of the first two; thing, things .. thing3, things3
  // from the form's domain. The family adds what its templates ask for.
  Slots slots;
  std::vector<Noun> nouns;  // those of thing, thing2 and thing3

  // What the family fills.
  Facts facts;
  std::string answer;
  std::vector<Step> steps;

  void say(std::string text) { steps.push_back({std::move(text), "", ""}); }
  void step(std::string text, std::string slip, std::string notice) {
    steps.push_back({std::move(text), std::move(slip), std::move(notice)});
  }
  // "{lead}{left} = {value}{tail}", which goes wrong as "{lead}{left} = {near miss}.".
  void equation(std::string_view lead, std::string_view left, std::int64_t value,
                std::string_view tail = ".");
  // "{lead}{right}{tail}", which goes wrong with another word in its place.
  void choice(std::string_view lead, std::string_view right, std::string_view wrong,
              std::string_view tail = ".");
};

// A number that somebody could have got instead of value, of the same sign.
std::int64_t near_miss(Draw& draw, std::int64_t value);

// A level's row of a table of difficulties.
template <class Row, std::size_t N>
const Row& at_level(const Row (&table)[N], int level) {
  SPUTNIK_ASSERT(1 <= level && level <= static_cast<int>(N));
  return table[level - 1];
}

}  // namespace sputnik::tasks
