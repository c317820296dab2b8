// One listener of a generation: where it has read to, and what has come since.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "service/generation.h"

namespace sputnik::server {

// An event, or several neighbours whose text has been joined.
struct ReadEvent {
  service::Event event;
  std::int64_t number = -1;  // of the last one joined; -1: progress, which has none
};

// Used by one thread at a time. Listens from its construction to its destruction: the last listener
// that leaves a generation ends it.
class GenerationReader {
 public:
  explicit GenerationReader(std::shared_ptr<service::Generation> generation, std::size_t from = 0);

  // wake is called, by another thread, when there may be something to read.
  void set_wake(std::function<void()> wake);
  // What has come since the last call.
  std::vector<ReadEvent> read();

  const service::Generation& generation() const { return *generation_; }

 private:
  // Members are destroyed from the last to the first: nobody is woken once the listener is gone.
  std::shared_ptr<service::Generation> generation_;
  std::shared_ptr<void> listener_;
  std::unique_ptr<service::Generation::Subscription> subscription_;
  std::size_t next_;
};

}  // namespace sputnik::server
