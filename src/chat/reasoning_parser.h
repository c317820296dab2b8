// Splits what a model generates into thought and answer, token by token.
//
// The marks are tokens, and so they are found by id: text that merely spells "</think>" in other
// tokens is text. What comes out is what DeepSeek's API calls reasoning_content and content:
// without the marks, and without the line breaks around them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "chat/encode.h"
#include "chat/stop_strings.h"
#include "chat/template.h"
#include "tokenizer/decoder.h"

namespace sputnik::chat {

struct AnswerEvent {
  enum class Kind {
    kReasoning,
    kContent,
    kMark,  // one of ReasoningOptions::mark_ids, in the answer; text is how it is spelled
    kEnd,
  };
  Kind kind = Kind::kContent;
  std::string text;      // whole UTF-8 characters; empty for kEnd and never otherwise
  std::int32_t id = -1;  // kMark

  bool operator==(const AnswerEvent&) const = default;
};

enum class EndReason {
  kNotEnded,
  kEndToken,
  kStopString,
  kCut,  // finish() was called: a limit, or somebody stopped it
};

struct ReasoningOptions {
  // Ids of the marks. Without both, everything is content: models that have no such tokens, and
  // those that spell the marks in several tokens, cannot be told apart from models that talk about
  // thoughts.
  std::optional<std::int32_t> think_id, end_think_id;
  std::vector<std::int32_t> end_ids;  // sorted
  // Control tokens that mean something within an answer: those of a tool's call. Sorted. Without
  // them, such tokens are text, or nothing if they are marked special.
  std::vector<std::int32_t> mark_ids;
  bool starts_in_thought = false;  // the prompt has opened it
  // The ids are the beginning of a text, not what follows a prompt: see StreamDecoderOptions.
  bool at_start_of_text = false;
};

// The rules. A thought is at the beginning of an answer or nowhere: it is opened by the prompt, or
// by the opening mark before anything but white space, and the first closing mark ends it for good.
// Later marks are text of the answer, which may be about such marks. A thought that is not closed
// before the end stays a thought. Stop strings are looked for in the content only.
//
// Events do not depend on time or on how often anybody looks: the concatenated text of each kind is
// a function of the ids. Text is held back only for the rest of a character, for line breaks that
// may turn out to be the thought's last, and for what may become a stop string. One thread at a
// time. The tokenizer must outlive the parser.
class ReasoningParser {
 public:
  ReasoningParser(const Tokenizer& tokenizer, ReasoningOptions options,
                  StopStrings stop_strings = {});

  // The options for an answer to this prompt.
  static ReasoningOptions options_for(const Tokenizer& tokenizer, const ChatTemplate& chat_template,
                                      const Rendered& prompt);

  // The events of one more token, valid until the next call. Nothing after the end.
  std::span<const AnswerEvent> feed(std::int32_t id);

  // No more tokens will come: the rest of the text, and the end. Nothing if the end has been.
  std::span<const AnswerEvent> finish();

  EndReason end_reason() const { return end_reason_; }
  bool ended() const { return end_reason_ != EndReason::kNotEnded; }
  const std::string& stop_string() const { return stop_strings_.match(); }  // that ended it
  // Now, or when the answer ended: then the thought was cut and there is no content.
  bool in_thought() const { return phase_ == Phase::kThought; }
  // Tokens of the thought, its closing mark included: completion_tokens_details.reasoning_tokens.
  std::int64_t n_reasoning_tokens() const { return n_reasoning_tokens_; }

 private:
  enum class Phase {
    kUndecided,  // nothing but white space yet, which is held back
    kThought,
    kAnswer,
  };

  void take_mark(std::int32_t id);
  void take_answer_mark(std::int32_t id);
  void take_text(std::string_view text);
  void take_thought(std::string_view text);
  void take_content(std::string_view text);
  void emit(AnswerEvent::Kind kind, std::string_view text);
  void end(EndReason reason);

  const Tokenizer* tokenizer_;
  ReasoningOptions options_;
  StopStrings stop_strings_;
  StreamDecoder decoder_;
  Phase phase_;
  EndReason end_reason_ = EndReason::kNotEnded;
  bool skips_line_breaks_ = false;  // right behind a mark
  std::string held_;                // kUndecided: white space; kThought: line breaks
  std::int64_t n_reasoning_tokens_ = 0;
  std::vector<AnswerEvent> events_;
  std::string safe_content_;  // scratch of take_content()
};

}  // namespace sputnik::chat
