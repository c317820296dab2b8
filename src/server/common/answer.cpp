#include "server/common/answer.h"

namespace sputnik::server {

using service::Event;

void Answer::add(const Event& event) {
  if (event.kind == Event::Kind::kProgress || event.kind == Event::Kind::kDone ||
      event.kind == Event::Kind::kFailed) {
    return;
  }
  const auto index = static_cast<std::size_t>(event.choice);
  if (choices.size() <= index) choices.resize(index + 1);
  AnswerChoice& choice = choices[index];
  const auto call = [&]() -> AnswerCall& {
    const auto i = static_cast<std::size_t>(event.tool_index);
    if (choice.calls.size() <= i) choice.calls.resize(i + 1);
    return choice.calls[i];
  };
  const auto append = [&](std::vector<service::TokenLogprobs>& to) {
    to.insert(to.end(), event.logprobs.begin(), event.logprobs.end());
  };
  switch (event.kind) {
    case Event::Kind::kReasoning:
      choice.reasoning += event.text;
      append(choice.reasoning_logprobs);
      break;
    case Event::Kind::kContent:
      choice.content += event.text;
      append(choice.content_logprobs);
      break;
    case Event::Kind::kThoughtEnded:
      choice.thought_end = event.thought_end;
      break;
    case Event::Kind::kToolCall:
      call().id = event.tool_id;
      call().name = event.text;
      break;
    case Event::Kind::kToolArguments:
      call().arguments += event.text;
      break;
    case Event::Kind::kFinished:
      choice.finish = event.finish;
      choice.stop_string = event.stop_string;
      break;
    default:
      break;
  }
}

}  // namespace sputnik::server
