// The thread that owns an engine: everything that is computed for anybody is computed here.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "service/answer_stream.h"
#include "service/journal.h"
#include "service/local_generation.h"
#include "service/prepare.h"
#include "service/served_model.h"
#include "service/vote.h"

namespace sputnik::service {

// What is worth counting. Called by the worker's thread; must be quick.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void first_token(double /*ms since it was asked for*/) {}
  virtual void gap(double /*ms since the token before*/) {}
  virtual void finished(const GenerateRequest&, Finish, const Usage&, const Timing&) {}
};

// A generation on its way through the worker.
struct Job {
  std::shared_ptr<LocalGeneration> generation;
  GenerateRequest request;
  Prepared prepared;
  std::uint64_t tenant = 0, salt = 0;
  std::unique_ptr<Journal> journal;                    // null: it need not survive
  std::vector<std::unique_ptr<AnswerStream>> answers;  // of a resumed one: as far as they came
};

class Worker final : public GenerationControl {
 public:
  struct Options {
    std::int64_t max_queue = 512;    // sequences that wait
    bool read_answers_ahead = true;  // compute the history of the next turn when idle
    std::shared_ptr<Observer> observer;
    std::function<void(const std::string&)> log;  // rare events for people; any thread
  };

  // The model, its engine started, must outlive it.
  Worker(ServedModel& model, Options options);
  ~Worker() override;

  // kExhausted: the queue is full. Otherwise the generation gets its events from now on.
  Result<void> submit(std::unique_ptr<Job> job);
  void cancel(const std::string& id) override;
  void set_thinking_budget(const std::string& id, std::int64_t tokens) override;
  void answer_now(const std::string& id) override;

  // Waits for the result.
  Result<std::vector<float>> mean_hidden(std::vector<std::int32_t> tokens);

  EngineStats stats() const;
  // From how long answers took lately.
  int retry_after_s() const;

 private:
  using Clock = std::chrono::steady_clock;
  // A job with what the worker alone knows.
  struct Active;
  struct Place {
    Active* job;
    int choice;
  };

  void run();
  void post(std::function<void()> command);
  void start(std::unique_ptr<Job> job);
  void deliver(const StepOutput& output);
  void end_answer(Active& job, int choice, Finish finish, std::optional<Error> error = {});
  void count_vote(Active& job, int choice);
  void after_step();
  void finish(Active& job);
  void read_ahead(const Active& job);
  void report_progress(Active& job);
  std::string receipt_of(const Active& job) const;

  ServedModel& model_;
  Engine& engine_;
  const Options options_;

  // Of the worker's thread.
  std::map<std::string, std::unique_ptr<Active>> jobs_;  // by the generation's id
  std::unordered_map<SequenceId, Place> places_;
  std::vector<Active*> touched_;  // in this step
  Clock::time_point step_begin_, stats_time_;

  mutable std::mutex mutex_;  // of all below
  std::condition_variable wake_;
  std::deque<std::function<void()>> commands_;
  bool ending_ = false;
  std::int64_t n_unfinished_ = 0;  // answers
  EngineStats stats_;
  double mean_seconds_ = 5;  // of an answer
  std::thread thread_;
};

}  // namespace sputnik::service
