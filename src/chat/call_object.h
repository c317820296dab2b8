// A call written as one JSON object, {"name": N, "arguments": A}, read while it is written.
#pragma once

#include <string>
#include <string_view>

namespace sputnik::chat {

// Follows how deep JSON text is nested, without asking whether it is valid.
class JsonNesting {
 public:
  // True: the value that began with the first bracket or quote has ended with this character.
  bool feed(char c);
  bool in_string() const { return in_string_; }

 private:
  int depth_ = 0;
  bool in_string_ = false, escaped_ = false;
};

// Keys may come in any order; "parameters" is another word for "arguments", and arguments may be
// JSON in a string. Other keys are passed over.
class CallObject {
 public:
  enum class State {
    kGoingOn,
    kDone,    // the object has ended
    kBroken,  // this is no such object
  };

  // known_keys_only: an object with another key than calls have is no call.
  explicit CallObject(bool known_keys_only = false) : known_keys_only_(known_keys_only) {}

  State feed(char c);
  State state() const { return state_; }
  bool has_started() const { return step_ != Step::kStart; }  // its bracket has come

  // The name is known, and arguments have begun or the object has ended.
  bool has_begun() const { return has_name_ && (has_arguments_ || state_ == State::kDone); }
  const std::string& name() const { return name_; }
  // What has come of the arguments since the last time. Only if has_begun().
  std::string take_arguments();

 private:
  enum class Step { kStart, kFirstKey, kKey, kInKey, kColon, kValue, kInValue, kAfterValue };

  State step(char c);
  State begin_value(char c);
  State end_value();
  bool has_known_key() const;

  bool known_keys_only_;
  State state_ = State::kGoingOn;
  Step step_ = Step::kStart;
  bool escaped_ = false;  // in a key
  std::string key_, value_;
  JsonNesting nesting_;
  bool is_scalar_ = false;    // the value is a number or a word
  bool is_streamed_ = false;  // the value is an object of arguments, passed on as it comes
  bool has_name_ = false, has_arguments_ = false;
  std::string name_, arguments_;
};

}  // namespace sputnik::chat
