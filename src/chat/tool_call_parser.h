// Finds calls of tools in an answer while it comes. It reads what ReasoningParser says is content.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chat/call_object.h"
#include "chat/reasoning_parser.h"
#include "chat/tool_calls.h"

namespace sputnik::chat {

struct ToolEvent {
  enum class Kind { kContent, kCallBegin, kArguments, kCallEnd };
  Kind kind = Kind::kContent;
  int index = 0;     // of the call, from 0
  std::string text;  // kContent; kCallBegin: the name; kArguments: a piece of their JSON text

  bool operator==(const ToolEvent&) const = default;
};

// Calls in the form of every family are found, whichever the model was asked for: models mix them.
// Marks may be control tokens or spelled. What begins like a call and is none is content, all of
// it; a call that is cut off or goes wrong in its arguments ends where it does. White space around
// calls is dropped. Within arguments, marks that are spelled in a JSON string are text.
//
// Text is held back while it may be a mark, or a call whose name is not known. The concatenation of
// what comes out does not depend on how the text was cut. One thread at a time.
class ToolCallParser {
 public:
  explicit ToolCallParser(ToolCallFormat format) : format_(std::move(format)) {}

  // The events of kContent and kMark; other kinds give none. Valid until the next call.
  std::span<const ToolEvent> feed(const AnswerEvent& event);
  std::span<const ToolEvent> feed_text(std::string_view text);
  std::span<const ToolEvent> feed_mark(std::int32_t id);
  // Nothing more will come.
  std::span<const ToolEvent> finish();

  int n_calls() const { return n_calls_; }

 private:
  enum class State {
    kContent,
    kObject,       // a call as one object
    kAfterObject,  // its end has been seen, but not its mark
    kBetween,      // DeepSeek: within the marks of all calls
    kHeader,       // DeepSeek: behind the mark of one call
    kName,         // DeepSeek: behind the separator, before an object of arguments
    kArguments,    // DeepSeek: JSON
    kAfterArguments,
  };

  void drain(bool everything);
  bool is_relevant(ToolMark mark) const;
  void take_char(char c);
  void take_mark(ToolMark mark);
  void take_object_char(char c);
  void open(State state, std::string_view mark_text);
  void begin_object(std::string_view mark_text);
  void give_up();
  void begin_call(std::string_view name);
  void add_arguments(std::string_view text);
  void end_call();
  void end_raw_arguments();
  void add_content(std::string_view text);
  void emit(ToolEvent::Kind kind, std::string_view text);

  ToolCallFormat format_;
  State state_ = State::kContent;
  std::string pending_;  // not yet looked at: it may be the beginning of a mark
  std::string space_;    // of the content, which may stand before a call
  bool has_content_ = false;
  std::string raw_;  // since the mark, for a call that is none
  CallObject object_;
  std::string fence_;       // before the object
  bool is_tagged_ = false;  // the object has a closing mark
  bool in_call_ = false;    // kCallBegin has been said
  std::string header_, name_, held_;
  JsonNesting nesting_;
  int n_calls_ = 0;
  std::vector<ToolEvent> events_;
};

}  // namespace sputnik::chat
