#include "tasks/item.h"

namespace sputnik::tasks {

std::int64_t near_miss(Draw& draw, std::int64_t value) {
  const std::int64_t size = value < 0 ? -value : value;
  for (;;) {
    std::int64_t wrong = size;
    switch (draw.between(0, 5)) {
      case 0:
        wrong += 1;
        break;
      case 1:
        wrong -= 1;
        break;
      case 2:
        wrong += 2;
        break;
      case 3:
        wrong += 10;
        break;
      case 4:
        wrong -= 10;
        break;
      case 5:
        wrong -= 2;
        break;
    }
    // Ten more than 7 convinces nobody.
    const bool far = (wrong - size == 10 || size - wrong == 10) && size < 20;
    if (wrong >= 0 && !far) return value < 0 ? -wrong : wrong;
  }
}

void Item::equation(std::string_view lead, std::string_view left, std::int64_t value,
                    std::string_view tail) {
  const std::int64_t wrong = near_miss(draw, value);
  step(fmt::format("{}{} = {}{}", lead, left, value, tail),
       fmt::format("{}{} = {}.", lead, left, wrong),
       draw.one_of({fmt::format("{} is not {}.", left, wrong),
                    fmt::format("I should check: {} is not {}.", left, wrong),
                    "that does not look right.", "let me do that again.",
                    fmt::format("{} is not {}, let me do it again.", left, wrong)}));
}

void Item::choice(std::string_view lead, std::string_view right, std::string_view wrong,
                  std::string_view tail) {
  step(fmt::format("{}{}{}", lead, right, tail), fmt::format("{}{}{}", lead, wrong, tail),
       draw.one_of({"that is wrong.", "that is not right.", "I made a mistake.",
                    "let me look again.", "no, I should check that again."}));
}

}  // namespace sputnik::tasks
