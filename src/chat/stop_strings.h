// Stop strings: texts that end an answer and are not part of it. They may arrive cut anywhere.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sputnik::chat {

constexpr std::size_t kMaxStopStrings = 16;        // as DeepSeek's API allows
constexpr std::size_t kMaxStopStringBytes = 4096;  // each

// Passes text on as soon as it cannot be the beginning of a stop string any more, and not before.
// The outcome does not depend on how the text is cut into calls.
class StopStrings {
 public:
  // None: nothing is ever held back.
  StopStrings() = default;

  // kInvalidArgument: too many, an empty one, or one too long.
  static Result<StopStrings> create(std::vector<std::string> stops);

  // Appends to out what is now safe to show. True as soon as a stop string is complete: of several,
  // the one that ends first, and of those that end there the longest. What follows it is dropped,
  // now and later.
  bool feed(std::string_view text, std::string& out);

  // The answer ended otherwise: appends what was held back.
  void finish(std::string& out);

  bool stopped() const { return stopped_; }
  const std::string& match() const { return match_; }  // the one that ended it; empty: none

 private:
  // Knuth, Morris, Pratt: matched = length of the longest prefix of text that ends the input so
  // far.
  struct Pattern {
    std::string text;
    std::vector<std::size_t> failure;
    std::size_t matched = 0;
  };

  std::vector<Pattern> patterns_;
  std::string held_;  // the longest end of the input that may begin a stop string
  std::string match_;
  bool stopped_ = false;
};

}  // namespace sputnik::chat
