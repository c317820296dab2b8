#include "tokenizer/added_tokens.h"

#include <algorithm>

#include "tokenizer/unicode_classes.h"

namespace sputnik {
namespace {

// \w of Rust's regex crate, but for a few rare connectors and circled letters.
bool is_word_character(Char c) {
  return c.is(kLetter | kMark | kNumber) || c.code_point == '_';
}

// The character that ends at position, kEndOfText at the start of the text.
Char char_before(const UnicodeClasses& classes, std::string_view text, std::size_t position) {
  if (position == 0) return kEndOfText;
  const auto is_continuation = [&](std::size_t i) {
    return (static_cast<unsigned char>(text[i]) & 0xC0) == 0x80;
  };
  std::size_t n_bytes = 1;
  while (n_bytes < 4 && n_bytes < position && is_continuation(position - n_bytes)) ++n_bytes;
  const Char c = classes.at(text, position - n_bytes);
  if (c.n_bytes == n_bytes) return c;
  return {kReplacementCharacter, 0, 1};  // malformed
}

}  // namespace

AddedTokenMatcher::AddedTokenMatcher(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  std::size_t n_bytes = 0;
  for (const AddedToken& token : tokens_) n_bytes += token.content.size();
  edges_ = PairMap(n_bytes);
  token_at_.assign(1, -1);
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    std::uint32_t node = 0;
    for (const char c : tokens_[i].content) {
      const auto byte = static_cast<unsigned char>(c);
      if (const PairMap::Entry* edge = edges_.find(node, byte)) {
        node = edge->first;
        continue;
      }
      const auto child = static_cast<std::uint32_t>(token_at_.size());
      edges_.insert(node, byte, child, 0);
      token_at_.push_back(-1);
      node = child;
    }
    if (token_at_[node] < 0) token_at_[node] = static_cast<std::int32_t>(i);
    can_begin_[static_cast<unsigned char>(tokens_[i].content[0])] = true;
  }
  if (std::count(can_begin_.begin(), can_begin_.end(), true) == 1) {
    only_first_byte_ = static_cast<int>(std::find(can_begin_.begin(), can_begin_.end(), true) -
                                        can_begin_.begin());
  }
}

const AddedToken* AddedTokenMatcher::longest_at(std::string_view text, std::size_t position) const {
  const AddedToken* longest = nullptr;
  std::uint32_t node = 0;
  for (; position < text.size(); ++position) {
    const PairMap::Entry* edge = edges_.find(node, static_cast<unsigned char>(text[position]));
    if (edge == nullptr) break;
    node = edge->first;
    if (token_at_[node] >= 0) longest = &tokens_[static_cast<std::size_t>(token_at_[node])];
  }
  return longest;
}

AddedTokenMatcher::Match AddedTokenMatcher::find(std::string_view text, std::size_t begin) const {
  const Match none{text.size(), text.size(), -1};
  if (empty()) return none;
  const UnicodeClasses& classes = unicode_classes();
  for (std::size_t position = begin; position < text.size(); ++position) {
    if (only_first_byte_ >= 0) {
      position = text.find(static_cast<char>(only_first_byte_), position);
      if (position == std::string_view::npos) return none;
    } else if (!can_begin_[static_cast<unsigned char>(text[position])]) {
      continue;
    }
    const AddedToken* token = longest_at(text, position);
    if (token == nullptr) continue;
    Match match{position, position + token->content.size(), token->id};
    if (token->single_word && (is_word_character(char_before(classes, text, match.begin)) ||
                               is_word_character(classes.at(text, match.end)))) {
      position = match.end - 1;  // passed over whole: nothing shorter is looked for inside
      continue;
    }
    if (token->lstrip) {
      for (Char c = char_before(classes, text, match.begin);
           c.is(kSpace) && match.begin - c.n_bytes >= begin;
           c = char_before(classes, text, match.begin)) {
        match.begin -= c.n_bytes;
        if (match.begin == begin) break;
      }
    }
    if (token->rstrip) {
      for (Char c = classes.at(text, match.end); c.is(kSpace); c = classes.at(text, match.end)) {
        match.end += c.n_bytes;
      }
    }
    return match;
  }
  return none;
}

}  // namespace sputnik
