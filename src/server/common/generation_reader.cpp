#include "server/common/generation_reader.h"

#include <iterator>
#include <utility>

namespace sputnik::server {
namespace {

using service::Event;

bool can_join(const Event& a, const Event& b) {
  if (a.kind != b.kind || a.choice != b.choice) return false;
  if (a.kind == Event::Kind::kToolArguments) return a.tool_index == b.tool_index;
  return a.kind == Event::Kind::kReasoning || a.kind == Event::Kind::kContent;
}

}  // namespace

GenerationReader::GenerationReader(std::shared_ptr<service::Generation> generation,
                                   std::size_t from)
    : generation_(std::move(generation)), listener_(generation_->attach()), next_(from) {}

void GenerationReader::set_wake(std::function<void()> wake) {
  subscription_ = generation_->subscribe(std::move(wake));
}

std::vector<ReadEvent> GenerationReader::read() {
  std::vector<Event> events;
  const std::size_t end = generation_->events(next_, events);
  std::vector<ReadEvent> result;
  auto number = static_cast<std::int64_t>(next_);
  for (Event& event : events) {
    if (event.kind == Event::Kind::kProgress) {
      result.push_back({std::move(event), -1});
      continue;
    }
    if (!result.empty() && can_join(result.back().event, event)) {
      Event& last = result.back().event;
      last.text += event.text;
      last.logprobs.insert(last.logprobs.end(), std::make_move_iterator(event.logprobs.begin()),
                           std::make_move_iterator(event.logprobs.end()));
      result.back().number = number++;
    } else {
      result.push_back({std::move(event), number++});
    }
  }
  next_ = end;
  return result;
}

}  // namespace sputnik::server
