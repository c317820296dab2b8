#include "tasks/template.h"

#include <cctype>
#include <cstdlib>

namespace sputnik::tasks {
namespace {

constexpr std::size_t kHoldOutEvery = 5;

// The text of "{name:w}", given "name:w".
std::string slot_text(std::string_view slot, const Slots& slots) {
  const std::size_t colon = slot.find(':');
  std::string text = slots.get(slot.substr(0, colon));
  if (colon == std::string_view::npos) return text;
  const std::string_view modifier = slot.substr(colon + 1);
  if (modifier == "w") return number_words(std::strtoll(text.c_str(), nullptr, 10));
  SPUTNIK_ASSERT(modifier == "C" && !text.empty());
  text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

}  // namespace

bool is_held_out(std::span<const Template> bank, std::size_t index) {
  return bank[index].domain == Domain::kHarbour || index % kHoldOutEvery == kHoldOutEvery - 1;
}

void Slots::set(std::string_view name, std::string text) {
  for (auto& [key, value] : values_) {
    if (key == name) {
      value = std::move(text);
      return;
    }
  }
  values_.emplace_back(name, std::move(text));
}

const std::string& Slots::get(std::string_view name) const {
  const auto slot = std::find_if(values_.begin(), values_.end(),
                                 [&](const auto& value) { return value.first == name; });
  SPUTNIK_ASSERT(slot != values_.end());
  return slot->second;
}

std::string expand(std::string_view text, const Slots& slots, Draw& draw) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '{') {
      const std::size_t end = text.find('}', i);
      SPUTNIK_ASSERT(end != std::string_view::npos);
      out += slot_text(text.substr(i + 1, end - i - 1), slots);
      i = end + 1;
    } else if (text[i] == '[') {
      const std::size_t end = text.find(']', i);
      SPUTNIK_ASSERT(end != std::string_view::npos);
      const std::string_view choices = text.substr(i + 1, end - i - 1);
      const auto n = static_cast<std::size_t>(std::count(choices.begin(), choices.end(), '|')) + 1;
      std::size_t begin = 0;
      for (std::size_t skip = draw.index(n); skip > 0; --skip) begin = choices.find('|', begin) + 1;
      const std::size_t stop = choices.find('|', begin);
      out += expand(choices.substr(begin, stop == std::string_view::npos ? stop : stop - begin),
                    slots, draw);
      i = end + 1;
    } else {
      out += text[i++];
    }
  }
  return out;
}

}  // namespace sputnik::tasks
