// One answer: tokens from the engine -> events for whoever reads it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chat/reasoning_parser.h"
#include "chat/tool_call_parser.h"
#include "engine/engine.h"
#include "service/generation.h"
#include "service/prepare.h"

namespace sputnik::service {

// A token as it is kept: enough to make the same events again.
struct AnswerToken {
  std::int32_t id = -1;
  ThoughtClosed forced = ThoughtClosed::kNot;
  float logprob = 0;
  std::vector<std::pair<std::int32_t, float>> top;
};

// Events are a function of the tokens and of how they ended: whoever feeds the same gets the same,
// event by event. One thread at a time; tokenizer and model outlive it.
class AnswerStream {
 public:
  // id: of the generation; ids of tool calls are made of it.
  AnswerStream(const ServedModel& model, const Prepared& prepared, std::string_view id, int choice);

  // Appends the events of one more token.
  void feed(const AnswerToken& token, std::vector<Event>& out);
  // The engine has ended it, or somebody has. Appends the rest and kFinished.
  void finish(Finish finish, std::vector<Event>& out);
  void fail(Error error, std::vector<Event>& out);

  // The text ended before the engine noticed: a stop string came.
  bool ended() const { return parser_.ended(); }
  bool finished() const { return finished_; }
  bool thinking() const { return parser_.in_thought(); }
  Finish how() const { return how_; }

  const std::vector<AnswerToken>& tokens() const { return tokens_; }
  const std::string& content() const { return content_; }
  const std::string& reasoning() const { return reasoning_; }
  std::int64_t n_reasoning_tokens() const { return parser_.n_reasoning_tokens(); }

 private:
  void pass_on(std::span<const chat::AnswerEvent> events, std::vector<Event>& out);
  void pass_on_tools(std::span<const chat::ToolEvent> events, std::vector<Event>& out);
  Event& add(Event::Kind kind, std::string text, std::vector<Event>& out);
  TokenChance chance(std::int32_t id, float logprob) const;

  const ServedModel& model_;
  const int choice_;
  const bool logprobs_;
  const std::string id_;
  chat::ReasoningParser parser_;
  std::optional<chat::ToolCallParser> tools_;
  std::string echo_;
  std::vector<AnswerToken> tokens_;
  std::vector<TokenLogprobs> pending_;  // of tokens whose text has not come yet
  std::string content_, reasoning_;
  bool closing_ = false;  // that the thought is being closed has been said
  bool finished_ = false;
  Finish how_ = Finish::kStop;
};

}  // namespace sputnik::service
