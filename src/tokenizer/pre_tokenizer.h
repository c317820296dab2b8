// Cuts text into the words within which pieces are merged. See scanners.h for how.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "formats/tokenizer_json.h"
#include "tokenizer/run_pattern.h"
#include "tokenizer/scanners.h"
#include "tokenizer/unicode_classes.h"

namespace sputnik {

// Immutable: any number of threads may use one. Words lie in the text in order and cover it without
// gap.
class PreTokenizer {
 public:
  // kUnsupported: a pattern that is none of the known ones; the message shows it.
  static Result<PreTokenizer> create(std::span<const PreTokenizerStep> steps);

  // Calls on_word(std::string_view) for every word of text. Each stage cuts what the one before it
  // left, and looks at nothing outside of that.
  template <class OnWord>
  void split(std::string_view text, OnWord&& on_word) const {
    split_from(0, text, on_word);
  }

  bool add_prefix_space() const { return add_prefix_space_; }

 private:
  using Stage = std::variant<Scanner, RunPattern>;

  template <class OnWord>
  void split_from(std::size_t stage, std::string_view text, OnWord& on_word) const {
    if (stage == stages_.size()) {
      if (!text.empty()) on_word(text);
      return;
    }
    const bool last = stage + 1 == stages_.size();
    const auto cut = [&](auto&& next) {
      for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = next(begin);
        const std::string_view piece = text.substr(begin, end - begin);
        last ? on_word(piece) : split_from(stage + 1, piece, on_word);
        begin = end;
      }
    };
    if (const Scanner* scan = std::get_if<Scanner>(&stages_[stage])) {
      cut([&, scan = *scan](std::size_t begin) { return scan(*classes_, text, begin); });
    } else {
      const RunPattern& run = std::get<RunPattern>(stages_[stage]);
      cut([&](std::size_t begin) { return run.next(*classes_, text, begin); });
    }
  }

  PreTokenizer() = default;

  const UnicodeClasses* classes_ = &unicode_classes();
  std::vector<Stage> stages_;
  bool add_prefix_space_ = false;
};

// The steps that a GGUF file means by tokenizer.ggml.pre. kUnsupported names the known ones.
struct NamedPreTokenizer {
  std::vector<PreTokenizerStep> steps;
  bool nfc = false;
  bool ignore_merges = false;
};
Result<NamedPreTokenizer> named_pre_tokenizer(std::string_view pre);

// The way back. kUnsupported: no name means these steps.
Result<std::string_view> pre_tokenizer_name(const NamedPreTokenizer& pre_tokenizer);

}  // namespace sputnik
