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

AnswerStream::AnswerStream(const ServedModel& model, const Prepared& prepared, int choice,
                           bool logprobs)
    : model_(model),
      choice_(choice),
      logprobs_(logprobs),
      parser_(model.tokenizer(), prepared.parsing, prepared.stop),
      echo_(prepared.echo) {}

TokenChance AnswerStream::chance(std::int32_t id, float logprob) const {
  return {id, std::string(model_.tokenizer().token_bytes(id)), logprob};
}

void AnswerStream::feed(const AnswerToken& token, std::vector<Event>& out) {
  SPUTNIK_ASSERT(!finished_);
  if (!echo_.empty()) {
    Event& event = out.emplace_back();
    event.choice = choice_;
    event.text = std::exchange(echo_, {});
  }
  if (token.forced != ThoughtClosed::kNot && !closing_) {
    closing_ = true;
    Event& event = out.emplace_back();
    event.kind = Event::Kind::kThoughtEnded;
    event.choice = choice_;
    event.thought_end = thought_end(token.forced);
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
  for (const chat::AnswerEvent& from : events) {
    if (from.kind == chat::AnswerEvent::Kind::kEnd) continue;
    const bool is_reasoning = from.kind == chat::AnswerEvent::Kind::kReasoning;
    (is_reasoning ? reasoning_ : content_) += from.text;
    Event& event = out.emplace_back();
    event.kind = is_reasoning ? Event::Kind::kReasoning : Event::Kind::kContent;
    event.choice = choice_;
    event.text = from.text;
    event.logprobs = std::exchange(pending_, {});
  }
}

void AnswerStream::finish(Finish finish, std::vector<Event>& out) {
  if (finished_) return;
  finished_ = true;
  const bool by_stop_string = parser_.end_reason() == chat::EndReason::kStopString;
  pass_on(parser_.finish(), out);
  how_ = by_stop_string && finish == Finish::kCancelled ? Finish::kStop : finish;
  Event& event = out.emplace_back();
  event.kind = Event::Kind::kFinished;
  event.choice = choice_;
  event.finish = how_;
}

void AnswerStream::fail(Error error, std::vector<Event>& out) {
  if (finished_) return;
  finished_ = true;
  how_ = Finish::kFailed;
  Event& event = out.emplace_back();
  event.kind = Event::Kind::kFinished;
  event.choice = choice_;
  event.finish = how_;
  event.error = std::move(error);
}

}  // namespace sputnik::service
