#include "service/local_generation.h"

#include <iterator>
#include <utility>

namespace sputnik::service {

// Removes itself. While it does, the worker may be calling it: the lock is held for both.
class LocalGeneration::Listener final : public Subscription {
 public:
  Listener(std::shared_ptr<LocalGeneration> generation,
           std::list<std::function<void()>>::iterator place)
      : generation_(std::move(generation)), place_(place) {}
  ~Listener() override {
    const std::lock_guard lock(generation_->mutex_);
    generation_->listeners_.erase(place_);
  }

 private:
  std::shared_ptr<LocalGeneration> generation_;
  std::list<std::function<void()>>::iterator place_;
};

LocalGeneration::LocalGeneration(GenerationInfo info, bool detached, GenerationControl& control)
    : info_(std::move(info)), detached_(detached), control_(control) {}

std::size_t LocalGeneration::events(std::size_t from, std::vector<Event>& out) const {
  const std::lock_guard lock(mutex_);
  if (from < events_.size())
    out.insert(out.end(), events_.begin() + static_cast<std::ptrdiff_t>(from), events_.end());
  return std::max(from, events_.size());
}

Usage LocalGeneration::usage() const {
  const std::lock_guard lock(mutex_);
  return usage_;
}

Timing LocalGeneration::timing() const {
  const std::lock_guard lock(mutex_);
  return timing_;
}

std::optional<VoteResult> LocalGeneration::vote() const {
  const std::lock_guard lock(mutex_);
  return vote_;
}

std::string LocalGeneration::receipt() const {
  const std::lock_guard lock(mutex_);
  return receipt_;
}

Generation::Progress LocalGeneration::progress() const {
  const std::lock_guard lock(mutex_);
  return progress_;
}

std::unique_ptr<Generation::Subscription> LocalGeneration::subscribe(std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  listeners_.push_back(std::move(wake));
  return std::make_unique<Listener>(shared_from_this(), std::prev(listeners_.end()));
}

std::shared_ptr<void> LocalGeneration::attach() {
  const std::lock_guard lock(mutex_);
  ++n_attached_;
  return std::shared_ptr<void>(this, [self = shared_from_this()](void*) {
    bool last = false;
    {
      const std::lock_guard inner(self->mutex_);
      last = --self->n_attached_ == 0;
    }
    if (last && !self->detached_) self->cancel();
  });
}

void LocalGeneration::cancel() {
  if (!finished_) control_.cancel(info_.id);
}

void LocalGeneration::set_thinking_budget(std::int64_t tokens) {
  if (!finished_) control_.set_thinking_budget(info_.id, tokens);
}

void LocalGeneration::answer_now() {
  if (!finished_) control_.answer_now(info_.id);
}

void LocalGeneration::wake_listeners() {
  for (const auto& wake : listeners_) wake();
}

void LocalGeneration::publish(std::vector<Event> events) {
  if (events.empty()) return;
  const std::lock_guard lock(mutex_);
  events_.insert(events_.end(), std::make_move_iterator(events.begin()),
                 std::make_move_iterator(events.end()));
  wake_listeners();
}

void LocalGeneration::set_usage(const Usage& usage) {
  const std::lock_guard lock(mutex_);
  usage_ = usage;
}

void LocalGeneration::set_progress(const Progress& progress) {
  const std::lock_guard lock(mutex_);
  const bool moved = progress.queue_position != progress_.queue_position ||
                     progress.prompt_done != progress_.prompt_done;
  progress_ = progress;
  if (moved) wake_listeners();
}

void LocalGeneration::finish(End end) {
  Event last;
  last.kind = end.error ? Event::Kind::kFailed : Event::Kind::kDone;
  last.error = std::move(end.error);
  const std::lock_guard lock(mutex_);
  usage_ = end.usage;
  timing_ = end.timing;
  vote_ = std::move(end.vote);
  receipt_ = std::move(end.receipt);
  events_.push_back(std::move(last));
  finished_ = true;
  wake_listeners();
}

}  // namespace sputnik::service
