#include "chat/reasoning_parser.h"

#include <algorithm>
#include <utility>

namespace sputnik::chat {
namespace {

constexpr std::string_view kLineBreaks = "\r\n";
constexpr std::string_view kWhiteSpace = " \t\r\n";

}  // namespace

ReasoningParser::ReasoningParser(const Tokenizer& tokenizer, ReasoningOptions options,
                                 StopStrings stop_strings)
    : tokenizer_(&tokenizer),
      options_(std::move(options)),
      stop_strings_(std::move(stop_strings)),
      decoder_(tokenizer, {.skip_special = true, .at_start = options_.at_start_of_text}) {
  const bool has_marks = options_.think_id.has_value() && options_.end_think_id.has_value();
  phase_ = !has_marks                   ? Phase::kAnswer
           : options_.starts_in_thought ? Phase::kThought
                                        : Phase::kUndecided;
  skips_line_breaks_ = phase_ == Phase::kThought;
}

ReasoningOptions ReasoningParser::options_for(const Tokenizer& tokenizer,
                                              const ChatTemplate& chat_template,
                                              const Rendered& prompt) {
  ReasoningOptions options;
  const auto think_id = tokenizer.id_of("<think>"), end_think_id = tokenizer.id_of("</think>");
  if (chat_template.is_chat() && think_id.has_value() && end_think_id.has_value() &&
      tokenizer.is_control(*think_id) && tokenizer.is_control(*end_think_id)) {
    options.think_id = think_id;
    options.end_think_id = end_think_id;
  }
  options.end_ids = end_token_ids(tokenizer, chat_template);
  options.starts_in_thought = prompt.opens_thought;
  options.at_start_of_text = prompt.text.empty();
  return options;
}

std::span<const AnswerEvent> ReasoningParser::feed(std::int32_t id) {
  events_.clear();
  if (ended()) return {};
  const bool was_in_thought = in_thought();
  if (std::binary_search(options_.end_ids.begin(), options_.end_ids.end(), id)) {
    take_text(decoder_.flush());
    if (!ended()) end(EndReason::kEndToken);
    return events_;
  }
  if (id == options_.think_id || id == options_.end_think_id) {
    take_text(decoder_.flush());  // a character that the mark cuts in two
    if (!ended()) take_mark(id);
  } else if (phase_ != Phase::kThought &&
             std::binary_search(options_.mark_ids.begin(), options_.mark_ids.end(), id)) {
    take_text(decoder_.flush());
    if (!ended()) take_answer_mark(id);
  } else {
    take_text(decoder_.push(id));
  }
  if (was_in_thought) ++n_reasoning_tokens_;
  return events_;
}

std::span<const AnswerEvent> ReasoningParser::finish() {
  events_.clear();
  if (ended()) return {};
  take_text(decoder_.flush());
  if (!ended()) end(EndReason::kCut);
  return events_;
}

void ReasoningParser::take_mark(std::int32_t id) {
  const bool opens = id == options_.think_id;
  if (phase_ == Phase::kUndecided) {
    // A closing mark alone is an empty thought whose opening mark the prompt has had.
    phase_ = opens ? Phase::kThought : Phase::kAnswer;
    skips_line_breaks_ = true;
    held_.clear();
  } else if (phase_ == Phase::kThought && !opens) {
    phase_ = Phase::kAnswer;
    skips_line_breaks_ = true;
    held_.clear();
  } else if (phase_ == Phase::kThought && skips_line_breaks_) {
    // The model repeats the mark with which the prompt ends.
  } else {
    take_text(tokenizer_->token_bytes(id));
  }
}

// What may have become a stop string before the mark does not become one across it.
void ReasoningParser::take_answer_mark(std::int32_t id) {
  phase_ = Phase::kAnswer;
  skips_line_breaks_ = false;
  take_content(std::exchange(held_, {}));
  if (ended()) return;
  safe_content_.clear();
  stop_strings_.finish(safe_content_);
  emit(AnswerEvent::Kind::kContent, safe_content_);
  events_.push_back({AnswerEvent::Kind::kMark, std::string(tokenizer_->token_bytes(id)), id});
}

void ReasoningParser::take_text(std::string_view text) {
  if (skips_line_breaks_) {
    text.remove_prefix(std::min(text.find_first_not_of(kLineBreaks), text.size()));
  }
  if (text.empty()) return;
  skips_line_breaks_ = false;
  switch (phase_) {
    case Phase::kUndecided:
      if (text.find_first_not_of(kWhiteSpace) == text.npos) {
        held_ += text;
        return;
      }
      phase_ = Phase::kAnswer;
      held_ += text;
      take_content(std::exchange(held_, {}));
      return;
    case Phase::kThought:
      take_thought(text);
      return;
    case Phase::kAnswer:
      take_content(text);
      return;
  }
}

void ReasoningParser::take_thought(std::string_view text) {
  const std::size_t last = text.find_last_not_of(kLineBreaks);
  if (last == text.npos) {
    held_ += text;
    return;
  }
  held_ += text.substr(0, last + 1);
  emit(AnswerEvent::Kind::kReasoning, held_);
  held_ = text.substr(last + 1);
}

void ReasoningParser::take_content(std::string_view text) {
  safe_content_.clear();
  const bool stopped = stop_strings_.feed(text, safe_content_);
  emit(AnswerEvent::Kind::kContent, safe_content_);
  if (stopped) {
    end_reason_ = EndReason::kStopString;
    events_.push_back({AnswerEvent::Kind::kEnd, {}});
  }
}

void ReasoningParser::emit(AnswerEvent::Kind kind, std::string_view text) {
  if (text.empty()) return;
  if (!events_.empty() && events_.back().kind == kind) {
    events_.back().text += text;
  } else {
    events_.push_back({kind, std::string(text)});
  }
}

// The thought's last line breaks are dropped, as they would have been before its mark.
void ReasoningParser::end(EndReason reason) {
  if (phase_ == Phase::kUndecided) {
    phase_ = Phase::kAnswer;
    take_content(std::exchange(held_, {}));
  }
  if (ended()) return;  // the white space was a stop string
  safe_content_.clear();
  stop_strings_.finish(safe_content_);
  emit(AnswerEvent::Kind::kContent, safe_content_);
  end_reason_ = reason;
  events_.push_back({AnswerEvent::Kind::kEnd, {}});
}

}  // namespace sputnik::chat
