// Writes answers into the store while they come, whoever else listens.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "assistant/store.h"
#include "service/generation.h"
#include "service/service.h"

namespace sputnik::server::app {

// Of one generation. Any thread may call the public functions.
class Recording {
 public:
  struct Answer {
    std::int64_t message_id = 0;
    int choice = 0;
    std::string facts = "{}";  // what was known before the first token
  };

  service::Generation& generation() const { return *generation_; }
  const std::shared_ptr<service::Generation>& shared() const { return generation_; }
  assistant::Store& store() const { return store_; }
  const std::vector<std::int64_t>& message_ids() const { return message_ids_; }

  // All that there will be has been stored, or could not be.
  bool is_over() const;
  // true: it is over.
  bool wait(std::chrono::milliseconds most) const;
  // wake is called once, when it is over; at once if it is already.
  void on_end(std::function<void()> wake);

 private:
  friend class Recorder;
  using Clock = std::chrono::steady_clock;

  struct Progress {
    Answer answer;
    std::string reasoning, content;  // not stored yet
    std::optional<service::Finish> finish;
    std::optional<service::ThoughtEnd> thought_end;
    std::optional<Clock::time_point> thought_began, thought_ended;
  };

  Recording(std::shared_ptr<service::Generation> generation, assistant::Store& store,
            std::vector<Answer> answers, std::int64_t n_stored);

  // Of the recorder's thread.
  void read(Clock::time_point now);
  Result<void> write();
  Result<void> write_end();
  std::string facts_of(const Progress& answer) const;

  const std::shared_ptr<service::Generation> generation_;
  assistant::Store& store_;
  std::vector<std::int64_t> message_ids_;
  std::shared_ptr<void> listener_;  // an answer of a temporary conversation goes on for its sake
  std::unique_ptr<service::Generation::Subscription> subscription_;
  std::vector<Progress> answers_;
  std::size_t next_ = 0;  // event to be read
  std::size_t n_stored_;  // events whose text was in the store when it was begun
  bool has_news_ = false, ended_ = false, stopped_ = false;
  std::optional<Error> error_;
  Clock::time_point written_;
  int n_failures_ = 0;

  mutable std::mutex mutex_;
  mutable std::condition_variable over_changed_;
  bool over_ = false;
  std::vector<std::function<void()>> on_end_;
};

class Recorder {
 public:
  Recorder(service::Service& service, std::function<void(const std::string&)> log);
  // Writes down what has come so far; what is not finished stays "running" in the store.
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // Answers that were running when the process ended: they are gone on with, or, where that is not
  // possible, marked as interrupted.
  Result<void> resume(assistant::Store& store);
  std::shared_ptr<Recording> record(std::shared_ptr<service::Generation> generation,
                                    assistant::Store& store,
                                    std::vector<Recording::Answer> answers);
  // nullptr: this message is not being written.
  std::shared_ptr<Recording> find(const assistant::Store& store, std::int64_t message_id) const;
  std::vector<std::shared_ptr<Recording>> running() const;

 private:
  std::shared_ptr<Recording> begin(std::shared_ptr<Recording> recording);
  void run();
  void serve(const std::shared_ptr<Recording>& recording, bool must_write);

  service::Service& service_;
  const std::function<void(const std::string&)> log_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::list<std::shared_ptr<Recording>> recordings_;
  bool has_news_ = false, ending_ = false;
  std::thread thread_;
};

}  // namespace sputnik::server::app
