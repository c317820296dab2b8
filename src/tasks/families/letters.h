// Drawing words for the families that work on letters.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tasks/draw.h"
#include "tasks/words.h"

namespace sputnik::tasks {

// Different words of so many letters, from the split's list.
inline std::vector<std::string> draw_words(Draw& draw, std::size_t count, std::size_t shortest,
                                           std::size_t longest) {
  std::vector<std::string_view> fitting;
  for (const std::string_view word : letter_words(draw.split())) {
    if (shortest <= word.size() && word.size() <= longest) fitting.push_back(word);
  }
  const auto words = draw.sample(std::span<const std::string_view>(fitting), count);
  return {words.begin(), words.end()};
}

// Letters that spell nothing, so that no word can be guessed.
inline std::string draw_letters(Draw& draw, std::size_t count) {
  std::string letters;
  for (std::size_t i = 0; i < count; ++i) letters += static_cast<char>('a' + draw.between(0, 25));
  return letters;
}

// "c a t".
inline std::string spelled(std::string_view word, std::string_view separator = " ") {
  std::string text;
  for (const char c : word) {
    if (!text.empty()) text += separator;
    text += c;
  }
  return text;
}

}  // namespace sputnik::tasks
