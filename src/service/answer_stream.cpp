#include "service/answer_stream.h"

#include <utility>

namespace sputnik::service {
namespace {

ThoughtEnd thought_end(ThoughtClosed closed) {
  switch (closed) {
    case ThoughtClosed::kNot:
    case ThoughtClosed::kBudget:
      return ThoughtEnd::kBudget;
    case ThoughtClosed::kAskedFor:
      return ThoughtEnd::kAskedFor;
    case ThoughtClosed::kRepetition:
      return ThoughtEnd::kRepetition;
  }
  return ThoughtEnd::kBudget;
}

}  // namespace

AnswerStream::AnswerStream(const ServedModel& model, const Prepared& prepared, std::string_view id,
                           int choice)
    : model_(model),
      choice_(choice),
      logprobs_(prepared.sampling.logprobs || prepared.sampling.top_logprobs > 0),
      id_(id),
      parser_(model.tokenizer(), prepared.parsing, prepared.stop),
      echo_(prepared.echo) {
  if (prepared.tool_format) tools_.emplace(*prepared.tool_format);
}

Event& AnswerStream::add(Event::Kind kind, std::string text, std::vector<Event>& out) {
  Event& event = out.emplace_back();
  event.kind = kind;
  event.choice = choice_;
  event.text = std::move(text);
  return event;
}

TokenChance AnswerStream::chance(std::int32_t id, float logprob) const {
  return {id, std::string(model_.tokenizer().token_bytes(id)), logprob};
}

void AnswerStream::feed(const AnswerToken& token, std::vector<Event>& out) {
  SPUTNIK_ASSERT(!finished_);
  if (!echo_.empty()) add(Event::Kind::kContent, std::exchange(echo_, {}), out);
  if (token.forced != ThoughtClosed::kNot && !closing_) {
    closing_ = true;
    add(Event::Kind::kThoughtEnded, {}, out).thought_end = thought_end(token.forced);
  }
  if (logprobs_ && token.forced == ThoughtClosed::kNot) {
    TokenLogprobs& logprobs = pending_.emplace_back();
    logprobs.token = chance(token.id, token.logprob);
    for (const auto& [id, logprob] : token.top) logprobs.top.push_back(chance(id, logprob));
  }
  tokens_.push_back(token);
  pass_on(parser_.feed(token.id), out);
}

void AnswerStream::pass_on(std::span<const chat::AnswerEvent> events, std::vector<Event>& out) {
  using Kind = chat::AnswerEvent::Kind;
  for (const chat::AnswerEvent& from : events) {
    if (from.kind == Kind::kReasoning) {
      reasoning_ += from.text;
      add(Event::Kind::kReasoning, from.text, out).logprobs = std::exchange(pending_, {});
    } else if (tools_ && from.kind != Kind::kEnd) {
      pass_on_tools(tools_->feed(from), out);
    } else if (from.kind == Kind::kContent) {
      content_ += from.text;
      add(Event::Kind::kContent, from.text, out).logprobs = std::exchange(pending_, {});
    }
  }
}

void AnswerStream::pass_on_tools(std::span<const chat::ToolEvent> events, std::vector<Event>& out) {
  using Kind = chat::ToolEvent::Kind;
  for (const chat::ToolEvent& from : events) {
    switch (from.kind) {
      case Kind::kContent:
        content_ += from.text;
        add(Event::Kind::kContent, from.text, out).logprobs = std::exchange(pending_, {});
        break;
      case Kind::kCallBegin: {
        Event& event = add(Event::Kind::kToolCall, from.text, out);
        event.tool_index = from.index;
        event.tool_id = fmt::format("call_{}_{}_{}", id_, choice_, from.index);
        break;
      }
      case Kind::kArguments:
        add(Event::Kind::kToolArguments, from.text, out).tool_index = from.index;
        break;
      case Kind::kCallEnd:
        break;
    }
  }
}

void AnswerStream::finish(Finish finish, std::vector<Event>& out) {
  if (finished_) return;
  finished_ = true;
  const bool by_stop_string = parser_.end_reason() == chat::EndReason::kStopString;
  pass_on(parser_.finish(), out);
  if (tools_) pass_on_tools(tools_->finish(), out);
  how_ = by_stop_string && finish == Finish::kCancelled ? Finish::kStop : finish;
  if (how_ == Finish::kStop && tools_ && tools_->n_calls() > 0) how_ = Finish::kToolCalls;
  Event& event = add(Event::Kind::kFinished, {}, out);
  event.finish = how_;
  if (by_stop_string) event.stop_string = parser_.stop_string();
}

void AnswerStream::fail(Error error, std::vector<Event>& out) {
  if (finished_) return;
  finished_ = true;
  how_ = Finish::kFailed;
  Event& event = add(Event::Kind::kFinished, {}, out);
  event.finish = how_;
  event.error = std::move(error);
}

}  // namespace sputnik::service
