// Questions in natural English with places for what a task is about.
//
// {name} is replaced by its slot; {name:w} spells its number in words, {name:C} begins with a
// capital. [one|two|three] becomes one of its parts, drawn each time; a part may hold slots.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tasks/draw.h"
#include "tasks/words.h"

namespace sputnik::tasks {

struct Template {
  Domain domain;
  std::string_view text;
  int tag = 0;  // which of the family's questions it asks, where there are several
};

// Whether only the test split uses this template of a bank.
bool is_held_out(std::span<const Template> bank, std::size_t index);

class Slots {
 public:
  void set(std::string_view name, std::string text);
  void set(std::string_view name, std::string_view text) { set(name, std::string(text)); }
  void set(std::string_view name, const char* text) { set(name, std::string(text)); }
  void set(std::string_view name, std::int64_t number) { set(name, std::to_string(number)); }

  // The slot must exist.
  const std::string& get(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> values_;
};

// Templates are ours: a slot that does not exist, or a bracket that is not closed, is a bug.
std::string expand(std::string_view text, const Slots& slots, Draw& draw);

}  // namespace sputnik::tasks
