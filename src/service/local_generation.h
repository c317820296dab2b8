// A generation of this process: written by the worker's thread, read by anybody.
#pragma once

#include <atomic>
#include <condition_variable>
#include <list>

#include "service/generation.h"

namespace sputnik::service {

// What can be asked of a running generation; the worker carries it out before the next token.
class GenerationControl {
 public:
  virtual ~GenerationControl() = default;
  virtual void cancel(const std::string& id) = 0;
  virtual void set_thinking_budget(const std::string& id, std::int64_t tokens) = 0;
  virtual void answer_now(const std::string& id) = 0;
};

class LocalGeneration final : public Generation,
                              public std::enable_shared_from_this<LocalGeneration> {
 public:
  // control must outlive every generation that is not finished.
  LocalGeneration(GenerationInfo info, bool detached, GenerationControl& control);

  const GenerationInfo& info() const override { return info_; }
  std::size_t events(std::size_t from, std::vector<Event>& out) const override;
  bool finished() const override { return finished_; }
  Usage usage() const override;
  Timing timing() const override;
  std::optional<VoteResult> vote() const override;
  std::string receipt() const override;
  Progress progress() const override;
  std::unique_ptr<Subscription> subscribe(std::function<void()> wake) override;
  std::shared_ptr<void> attach() override;
  void cancel() override;
  void set_thinking_budget(std::int64_t tokens) override;
  void answer_now() override;

  // For the worker.
  void publish(std::vector<Event> events);
  void set_usage(const Usage& usage);
  void set_progress(const Progress& progress);
  // The last event is kDone, or kFailed if there is an error.
  struct End {
    Usage usage;
    Timing timing;
    std::optional<VoteResult> vote;
    std::string receipt;
    std::optional<Error> error;
  };
  void finish(End end);

 private:
  class Listener;
  void wake_listeners();  // with the lock held

  const GenerationInfo info_;
  const bool detached_;
  GenerationControl& control_;

  mutable std::mutex mutex_;  // of all below
  std::vector<Event> events_;
  std::atomic<bool> finished_ = false;
  Usage usage_;
  Timing timing_;
  Progress progress_;
  std::optional<VoteResult> vote_;
  std::string receipt_;
  std::list<std::function<void()>> listeners_;
  int n_attached_ = 0;
};

}  // namespace sputnik::service
