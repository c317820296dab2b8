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
