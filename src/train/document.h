// What a model learns from: documents, as text and as tokens.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tokenizer/tokenizer.h"

namespace sputnik {

// A document in parts that are tokenised apart.
struct Document {
  struct Range {
    std::size_t begin = 0, end = 0;
  };
  struct Part {
    std::string text;
    bool is_control = false;      // one control token, spelled out
    bool counts = true;           // false: the model reads it, but does not learn to write it
    std::vector<Range> mistakes;  // bytes of text that do not count
  };
  std::vector<Part> parts;
  // Plain text, which may be learned from both of its ends (fill in the middle).
  bool is_plain = false;
};

// counts[i]: whether the model learns to write tokens[i].
struct TokenDocument {
  std::vector<std::int32_t> tokens;
  std::vector<std::uint8_t> counts;
};

// The control tokens of documents, under the names that DeepSeek's tokenizers give them.
struct ControlTokens {
  static constexpr std::string_view kBos = "<｜begin▁of▁sentence｜>";
  static constexpr std::string_view kEos = "<｜end▁of▁sentence｜>";
  static constexpr std::string_view kPad = "<｜▁pad▁｜>";
  static constexpr std::string_view kUser = "<｜User｜>";
  static constexpr std::string_view kAssistant = "<｜Assistant｜>";
  static constexpr std::string_view kThink = "<think>";
  static constexpr std::string_view kEndThink = "</think>";
  static constexpr std::string_view kFimBegin = "<｜fim▁begin｜>";
  static constexpr std::string_view kFimHole = "<｜fim▁hole｜>";
  static constexpr std::string_view kFimEnd = "<｜fim▁end｜>";

  // All of them, in the order of their ids in a tokenizer of ours.
  static std::vector<std::string> all();
  // Those that a program which shows an answer has to see.
  static std::vector<std::string> shown() { return {std::string(kThink), std::string(kEndThink)}; }
  // kInvalidArgument names the one that the tokenizer lacks.
  static Result<void> check(const Tokenizer& tokenizer);
};

// A token that touches a mistake does not count. The tokenizer must know the control tokens.
TokenDocument tokenize_document(const Tokenizer& tokenizer, const Document& document);

// The text with a middle part behind its end (Bavarian et al. 2022, arXiv:2207.14255), in the order
// prefix, suffix, middle, which DeepSeek-V3 learned (report, section 4.1). Cut between characters
// that seed picks.
Document with_middle_at_end(const Document& plain, std::uint64_t seed);

}  // namespace sputnik
