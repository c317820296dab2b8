// A whole answer, put together from its events, for replies that come in one piece.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "service/generation.h"

namespace sputnik::server {

struct AnswerCall {
  std::string id, name, arguments;
};

struct AnswerChoice {
  std::string reasoning, content;
  std::vector<service::TokenLogprobs> reasoning_logprobs, content_logprobs;
  std::vector<AnswerCall> calls;
  std::optional<service::ThoughtEnd> thought_end;
  service::Finish finish = service::Finish::kStop;
  std::string stop_string;
};

struct Answer {
  std::vector<AnswerChoice> choices;  // at least as many as there were events of

  void add(const service::Event& event);
};

}  // namespace sputnik::server
