#include "chat/call_object.h"

#include <utility>

#include "chat/ordered_json.h"

namespace sputnik::chat {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// The text of a JSON string, or nothing if it is none.
std::string unquoted(std::string_view json) {
  auto parsed = parse_ordered_json(json);
  if (!parsed.ok() || !parsed.value().is_string()) return {};
  return std::move(parsed).value().text;
}

}  // namespace

bool JsonNesting::feed(char c) {
  if (in_string_) {
    if (escaped_) {
      escaped_ = false;
    } else if (c == '\\') {
      escaped_ = true;
    } else if (c == '"') {
      in_string_ = false;
      return depth_ == 0;
    }
    return false;
  }
  if (c == '"') in_string_ = true;
  if (c == '{' || c == '[') ++depth_;
  return (c == '}' || c == ']') && --depth_ <= 0;
}

CallObject::State CallObject::feed(char c) {
  if (state_ == State::kGoingOn) state_ = step(c);
  return state_;
}

std::string CallObject::take_arguments() {
  if (state_ == State::kDone && !has_arguments_) {
    has_arguments_ = true;
    return "{}";
  }
  return std::exchange(arguments_, {});
}

CallObject::State CallObject::step(char c) {
  switch (step_) {
    case Step::kStart:
      if (c != '{') return is_space(c) ? State::kGoingOn : State::kBroken;
      step_ = Step::kFirstKey;
      return State::kGoingOn;
    case Step::kFirstKey:
    case Step::kKey:
      if (is_space(c)) return State::kGoingOn;
      if (c != '"') return State::kBroken;
      key_ = c;
      step_ = Step::kInKey;
      return State::kGoingOn;
    case Step::kInKey:
      key_ += c;
      if (c == '"' && !escaped_) {
        key_ = unquoted(key_);
        if (known_keys_only_ && !has_known_key()) return State::kBroken;
        step_ = Step::kColon;
      }
      escaped_ = c == '\\' && !escaped_;
      return State::kGoingOn;
    case Step::kColon:
      if (is_space(c)) return State::kGoingOn;
      step_ = Step::kValue;
      return c == ':' ? State::kGoingOn : State::kBroken;
    case Step::kValue:
      return is_space(c) ? State::kGoingOn : begin_value(c);
    case Step::kInValue:
      if (is_scalar_) {
        if (c != ',' && c != '}' && !is_space(c)) {
          value_ += c;
          return State::kGoingOn;
        }
        const State ended = end_value();
        return ended == State::kGoingOn ? step(c) : ended;
      }
      (is_streamed_ ? arguments_ : value_) += c;
      return nesting_.feed(c) ? end_value() : State::kGoingOn;
    case Step::kAfterValue:
      if (is_space(c)) return State::kGoingOn;
      if (c == ',') {
        step_ = Step::kKey;
        return State::kGoingOn;
      }
      if (c != '}') return State::kBroken;
      return has_name_ ? State::kDone : State::kBroken;
  }
  return State::kBroken;
}

bool CallObject::has_known_key() const {
  return key_ == "name" || key_ == "arguments" || key_ == "parameters" || key_ == "type" ||
         key_ == "id";
}

CallObject::State CallObject::begin_value(char c) {
  if (c == ',' || c == '}' || c == ']' || c == ':') return State::kBroken;
  if (key_ == "name" && c != '"') return State::kBroken;
  const bool is_arguments = (key_ == "arguments" || key_ == "parameters") && !has_arguments_;
  step_ = Step::kInValue;
  nesting_ = {};
  is_scalar_ = c != '"' && c != '{' && c != '[';
  is_streamed_ = is_arguments && c == '{';
  value_.clear();
  (is_streamed_ ? arguments_ : value_) += c;
  if (is_streamed_) has_arguments_ = true;
  if (!is_scalar_) nesting_.feed(c);
  return State::kGoingOn;
}

CallObject::State CallObject::end_value() {
  step_ = Step::kAfterValue;
  if (key_ == "name" && !has_name_) {
    name_ = unquoted(value_);
    if (name_.empty()) return State::kBroken;
    has_name_ = true;
  } else if ((key_ == "arguments" || key_ == "parameters") && !is_streamed_ && !has_arguments_) {
    has_arguments_ = true;
    arguments_ = value_ == "null" ? "{}" : value_.front() == '"' ? unquoted(value_) : value_;
  }
  return State::kGoingOn;
}

}  // namespace sputnik::chat
