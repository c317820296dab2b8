#include "tasks/families/columns.h"

#include <array>

namespace sputnik::tasks {

std::vector<int> digits_of(std::int64_t value) {
  std::vector<int> digits;
  do {
    digits.push_back(static_cast<int>(value % 10));
    value /= 10;
  } while (value != 0);
  return digits;
}

std::string_view place_name(std::size_t place) {
  static constexpr std::array<std::string_view, 9> kNames = {
      "Ones",      "Tens",          "Hundreds",
      "Thousands", "Ten thousands", "Hundred thousands",
      "Millions",  "Ten millions",  "Hundred millions"};
  SPUTNIK_ASSERT(place < kNames.size());
  return kNames[place];
}

std::int64_t number_with_digits(Draw& draw, int digits) {
  std::int64_t low = 1;
  for (int i = 1; i < digits; ++i) low *= 10;
  return draw.between(digits == 1 ? 2 : low, 10 * low - 1);
}

void add_in_columns(Item& item, std::int64_t a, std::int64_t b) {
  const std::vector<int> x = digits_of(a), y = digits_of(b);
  int carry = 0;
  for (std::size_t i = 0; i < std::max(x.size(), y.size()); ++i) {
    const int top = i < x.size() ? x[i] : 0, bottom = i < y.size() ? y[i] : 0;
    const int sum = top + bottom + carry;
    std::string left = fmt::format("{} + {}", top, bottom);
    if (carry != 0) left += fmt::format(" + {}", carry);
    std::string tail = fmt::format(", write {}", sum % 10);
    tail += sum >= 10 ? ", carry 1." : ".";
    item.equation(fmt::format("{}: ", place_name(i)), left, sum, tail);
    carry = sum / 10;
  }
  if (carry != 0) item.say("The last carry is 1, write 1.");
}

void subtract_in_columns(Item& item, std::int64_t a, std::int64_t b) {
  SPUTNIK_ASSERT(a >= b && b >= 0);
  const std::vector<int> x = digits_of(a), y = digits_of(b);
  int borrow = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const int top = x[i] - borrow, bottom = i < y.size() ? y[i] : 0;
    const std::string lead = fmt::format("{}: ", place_name(i));
    std::string before;
    if (borrow != 0) before = fmt::format("{} - 1 = {}. ", x[i], top);
    borrow = top < bottom ? 1 : 0;
    if (borrow != 0) {
      before += fmt::format("{} is less than {}, so I borrow. ", top, bottom);
      item.equation(lead + before, fmt::format("{} - {}", top + 10, bottom), top + 10 - bottom,
                    fmt::format(", write {}.", top + 10 - bottom));
    } else {
      item.equation(lead + before, fmt::format("{} - {}", top, bottom), top - bottom,
                    fmt::format(", write {}.", top - bottom));
    }
  }
}

}  // namespace sputnik::tasks
