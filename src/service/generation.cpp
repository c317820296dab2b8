#include "service/generation.h"

namespace sputnik::service {

const char* to_string(Finish finish) {
  switch (finish) {
    case Finish::kStop:
      return "stop";
    case Finish::kLength:
      return "length";
    case Finish::kToolCalls:
      return "tool_calls";
    case Finish::kRepetition:
      return "repetition";
    case Finish::kCancelled:
      return "cancelled";
    case Finish::kVoteDecided:
      return "vote_decided";
    case Finish::kFailed:
      return "failed";
  }
  return "unknown";
}

std::optional<Finish> finish_of(std::string_view text) {
  for (const Finish finish :
       {Finish::kStop, Finish::kLength, Finish::kToolCalls, Finish::kRepetition, Finish::kCancelled,
        Finish::kVoteDecided, Finish::kFailed}) {
    if (text == to_string(finish)) return finish;
  }
  return std::nullopt;
}

const char* to_string(ThoughtEnd end) {
  switch (end) {
    case ThoughtEnd::kBudget:
      return "budget";
    case ThoughtEnd::kAskedFor:
      return "asked_for";
    case ThoughtEnd::kRepetition:
      return "repetition";
  }
  return "unknown";
}

}  // namespace sputnik::service
