#include "chat/tool_call_parser.h"

#include <algorithm>
#include <utility>

namespace sputnik::chat {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

std::span<const ToolEvent> ToolCallParser::feed(const AnswerEvent& event) {
  if (event.kind == AnswerEvent::Kind::kContent) return feed_text(event.text);
  if (event.kind == AnswerEvent::Kind::kMark) return feed_mark(event.id);
  events_.clear();
  return events_;
}

std::span<const ToolEvent> ToolCallParser::feed_text(std::string_view text) {
  events_.clear();
  pending_ += text;
  drain(false);
  return events_;
}

std::span<const ToolEvent> ToolCallParser::feed_mark(std::int32_t id) {
  events_.clear();
  drain(true);
  for (int i = 0; i < kNumToolMarks; ++i) {
    if (format_.mark_ids[i] == id) take_mark(static_cast<ToolMark>(i));
  }
  return events_;
}

std::span<const ToolEvent> ToolCallParser::finish() {
  events_.clear();
  drain(true);
  switch (state_) {
    case State::kContent:
      if (n_calls_ == 0 || has_content_) emit(ToolEvent::Kind::kContent, space_);
      space_.clear();
      break;
    case State::kObject:
    case State::kHeader:
    case State::kName:
      in_call_ ? end_call() : give_up();
      break;
    default:
      if (in_call_) end_call();
  }
  state_ = State::kContent;
  return events_;
}

// Character by character, but marks as a whole. What may become a mark waits.
void ToolCallParser::drain(bool everything) {
  std::size_t at = 0;
  while (at < pending_.size()) {
    const std::string_view rest = std::string_view(pending_).substr(at);
    std::optional<ToolMark> found;
    bool may_become_one = false;
    if (rest[0] == '<') {
      for (int i = 0; i < kNumToolMarks; ++i) {
        const auto mark = static_cast<ToolMark>(i);
        if (!is_relevant(mark)) continue;
        const std::string_view text = text_of(mark);
        if (rest.starts_with(text)) found = mark;
        may_become_one |= text.starts_with(rest);
      }
    }
    if (found) {
      at += text_of(*found).size();
      take_mark(*found);
    } else if (may_become_one && !everything) {
      break;
    } else {
      ++at;
      take_char(rest[0]);
    }
  }
  pending_.erase(0, at);
}

// Which marks count if they are spelled.
bool ToolCallParser::is_relevant(ToolMark mark) const {
  switch (state_) {
    case State::kContent:
      return mark == ToolMark::kTaggedBegin || mark == ToolMark::kCallsBegin ||
             mark == ToolMark::kCallBegin || mark == ToolMark::kPythonTag;
    case State::kObject:
      return false;  // the object knows its end; until then marks are in its strings
    case State::kAfterObject:
      return mark == ToolMark::kTaggedEnd || mark == ToolMark::kTaggedBegin;
    case State::kArguments:
      return (mark == ToolMark::kCallEnd || mark == ToolMark::kCallsEnd) && !nesting_.in_string();
    default:
      return mark != ToolMark::kTaggedBegin && mark != ToolMark::kTaggedEnd &&
             mark != ToolMark::kPythonTag;
  }
}

void ToolCallParser::take_char(char c) {
  raw_ += c;
  switch (state_) {
    case State::kContent:
      raw_.clear();
      // A Llama's call is the answer itself, or follows another call.
      if (c == '{' && format_.kind == ToolCallFormat::Kind::kLlama && !has_content_) {
        begin_object({});
        take_object_char(c);
        raw_ += c;
      } else if (format_.kind == ToolCallFormat::Kind::kLlama && n_calls_ > 0 && !has_content_ &&
                 (c == ';' || c == ',')) {
        return;
      } else {
        add_content({&c, 1});
      }
      return;
    case State::kObject:
      return take_object_char(c);
    case State::kAfterObject:
      if (!is_space(c) && c != '`' && c != '}') {
        state_ = State::kContent;
        take_char(c);
      }
      return;
    case State::kBetween:
      if (!is_space(c)) {
        state_ = State::kContent;
        take_char(c);
      }
      return;
    case State::kHeader:
      header_ += c;
      return;
    case State::kName:
      if (c == '{') {
        const std::string_view named =
            trimmed(std::string_view(name_).substr(0, name_.find("```")));
        begin_call(named.empty() ? trimmed(header_) : trimmed(named.substr(0, named.find('\n'))));
        state_ = State::kArguments;
        nesting_ = {};
        held_.clear();
        return take_char(c);
      }
      name_ += c;
      return;
    case State::kArguments:
      // A fence may follow arguments that are not whole.
      if (is_space(c) || c == '`') {
        held_ += c;
      } else {
        add_arguments(std::exchange(held_, {}));
        add_arguments({&c, 1});
      }
      if (nesting_.feed(c)) state_ = State::kAfterArguments;
      return;
    case State::kAfterArguments:
      return;
  }
}

void ToolCallParser::take_mark(ToolMark mark) {
  const std::string_view text = text_of(mark);
  switch (mark) {
    case ToolMark::kTaggedBegin:
    case ToolMark::kPythonTag:
      if (state_ == State::kObject) {
        in_call_ ? end_call() : give_up();
      } else if (in_call_) {
        end_call();
      }
      begin_object(text);
      is_tagged_ = mark == ToolMark::kTaggedBegin;
      return;
    case ToolMark::kTaggedEnd:
      if (state_ == State::kObject) {
        raw_ += text;
        in_call_ ? end_call() : give_up();
      }
      if (state_ == State::kAfterObject) state_ = State::kContent;
      return;
    case ToolMark::kCallsBegin:
    case ToolMark::kCallBegin:
      if (in_call_) end_call();
      if (state_ == State::kObject) give_up();
      open(mark == ToolMark::kCallsBegin ? State::kBetween : State::kHeader, text);
      header_.clear();
      name_.clear();
      return;
    case ToolMark::kSeparator:
      raw_ += text;
      if (state_ == State::kHeader) state_ = State::kName;
      return;
    case ToolMark::kCallEnd:
    case ToolMark::kCallsEnd:
      raw_ += text;
      if (state_ == State::kHeader) return give_up();
      if (state_ == State::kName) end_raw_arguments();
      if (in_call_) end_call();
      state_ = mark == ToolMark::kCallEnd ? State::kBetween : State::kContent;
      return;
  }
}

void ToolCallParser::open(State state, std::string_view mark_text) {
  if (state_ == State::kContent) space_.clear();
  if (state_ != State::kBetween) raw_.clear();
  raw_ += mark_text;
  state_ = state;
}

void ToolCallParser::begin_object(std::string_view mark_text) {
  raw_ = space_;  // comes back if this is no call
  space_.clear();
  raw_ += mark_text;
  object_ = CallObject(mark_text.empty());
  fence_.clear();
  is_tagged_ = false;
  state_ = State::kObject;
}

void ToolCallParser::take_object_char(char c) {
  // A fence around the object: "```json".
  const bool in_fence = !fence_.empty() && fence_.size() < 8 && c >= 'a' && c <= 'z';
  if (!object_.has_started() && (c == '`' || in_fence)) {
    fence_ += c;
    return;
  }
  const auto state = object_.feed(c);
  if (object_.has_begun()) {
    if (!in_call_) begin_call(object_.name());
    add_arguments(object_.take_arguments());
  }
  if (state == CallObject::State::kGoingOn) return;
  if (!in_call_) return give_up();
  end_call();
  state_ = is_tagged_ ? State::kAfterObject : State::kContent;
}

// It was content after all.
void ToolCallParser::give_up() {
  state_ = State::kContent;
  add_content(std::exchange(raw_, {}));
}

void ToolCallParser::begin_call(std::string_view name) {
  in_call_ = true;
  has_content_ = false;
  emit(ToolEvent::Kind::kCallBegin, name);
}

void ToolCallParser::add_arguments(std::string_view text) {
  if (!text.empty()) emit(ToolEvent::Kind::kArguments, text);
}

void ToolCallParser::end_call() {
  emit(ToolEvent::Kind::kCallEnd, {});
  in_call_ = false;
  ++n_calls_;
  raw_.clear();
  held_.clear();
  state_ = State::kContent;
}

// What stands behind the separator is no object: a name, and perhaps something in a fence.
void ToolCallParser::end_raw_arguments() {
  std::string_view text = trimmed(name_);
  std::string_view name = trimmed(header_);
  if (const std::size_t fence = text.find("```"); fence != text.npos) {
    if (fence > 0) name = trimmed(text.substr(0, fence));
    text.remove_prefix(fence + 3);
    if (text.starts_with("json")) text.remove_prefix(4);
    if (text.ends_with("```")) text.remove_suffix(3);
  } else if (name == "function") {
    const std::size_t line = std::min(text.find('\n'), text.size());
    name = trimmed(text.substr(0, line));
    text.remove_prefix(line);
  }
  begin_call(name);
  text = trimmed(text);
  add_arguments(text.empty() ? "{}" : text);
  end_call();
}

void ToolCallParser::add_content(std::string_view text) {
  for (const char c : text) {
    if (is_space(c)) {
      // White space behind a call belongs to it.
      if (n_calls_ == 0 || has_content_) space_ += c;
      continue;
    }
    has_content_ = true;
    space_ += c;
    emit(ToolEvent::Kind::kContent, space_);
    space_.clear();
  }
}

void ToolCallParser::emit(ToolEvent::Kind kind, std::string_view text) {
  if (kind == ToolEvent::Kind::kContent && text.empty()) return;
  const bool joins = kind == ToolEvent::Kind::kContent || kind == ToolEvent::Kind::kArguments;
  if (joins && !events_.empty() && events_.back().kind == kind) {
    events_.back().text += text;
  } else {
    events_.push_back({kind, kind == ToolEvent::Kind::kContent ? 0 : n_calls_, std::string(text)});
  }
}

}  // namespace sputnik::chat
