#include "service/worker.h"

#include <sodium.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "service/receipt.h"

namespace sputnik::service {

struct Worker::Active {
  Job job;
  std::vector<SequenceId> sequences;  // by choice; 0: not running
  std::vector<Event> events;          // not published yet
  std::optional<Vote> vote;
  Usage usage;
  Clock::time_point asked, began, first_token, last_token;
  bool has_begun = false, has_token = false, is_touched = false;
  int n_open = 0;  // answers that go on
  std::optional<Error> error;

  AnswerStream& answer(int choice) { return *job.answers[static_cast<std::size_t>(choice)]; }
};

namespace {

constexpr std::chrono::milliseconds kStatsEvery{20};

double ms_between(std::chrono::steady_clock::time_point a,
                  std::chrono::steady_clock::time_point b) {
  return std::chrono::duration<double, std::milli>(b - a).count();
}

Finish finish_of(FinishReason reason) {
  switch (reason) {
    case FinishReason::kLength:
      return Finish::kLength;
    case FinishReason::kRepetition:
      return Finish::kRepetition;
    case FinishReason::kFailed:
      return Finish::kFailed;
    case FinishReason::kNone:
    case FinishReason::kStop:
    case FinishReason::kPrefilled:
      break;
  }
  return Finish::kStop;
}

}  // namespace

Worker::Worker(ServedModel& model, Options options)
    : model_(model), engine_(model.engine()), options_(std::move(options)) {
  stats_ = engine_.stats();
  thread_ = std::thread([this] { run(); });
}

Worker::~Worker() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  thread_.join();
  // Whoever still reads is told; journals stay, so that the answers go on after the next start.
  for (auto& [id, active] : jobs_) {
    active->job.generation->publish(std::move(active->events));
    LocalGeneration::End end;
    end.error = make_error(ErrorCode::kCancelled, "the server was stopped");
    active->job.generation->finish(std::move(end));
  }
}

void Worker::post(std::function<void()> command) {
  {
    const std::lock_guard lock(mutex_);
    commands_.push_back(std::move(command));
  }
  wake_.notify_all();
}

Result<void> Worker::submit(std::unique_ptr<Job> job) {
  {
    const std::lock_guard lock(mutex_);
    const std::int64_t n_waiting = n_unfinished_ - engine_.max_sequences();
    if (n_waiting >= options_.max_queue)
      return exhausted("{} answers are waiting already", n_waiting);
    n_unfinished_ += job->request.n;
  }
  // std::function wants to be copied.
  post([this, shared = std::make_shared<std::unique_ptr<Job>>(std::move(job))] {
    start(std::move(*shared));
  });
  return ok_result();
}

void Worker::cancel(const std::string& id) {
  post([this, id] {
    const auto it = jobs_.find(id);
    if (it == jobs_.end()) return;
    for (int choice = 0; choice < it->second->job.request.n; ++choice)
      end_answer(*it->second, choice, Finish::kCancelled);
  });
}

void Worker::set_thinking_budget(const std::string& id, std::int64_t tokens) {
  post([this, id, tokens] {
    const auto it = jobs_.find(id);
    if (it == jobs_.end()) return;
    for (const SequenceId sequence : it->second->sequences)
      engine_.set_thought_budget(sequence, tokens);
  });
}

void Worker::answer_now(const std::string& id) {
  post([this, id] {
    const auto it = jobs_.find(id);
    if (it == jobs_.end()) return;
    for (const SequenceId sequence : it->second->sequences) engine_.close_thought(sequence);
  });
}

namespace {

// Keeps its promise even if nobody comes to it.
struct Asked {
  std::promise<Result<std::vector<float>>> promise;
  bool answered = false;
  ~Asked() {
    if (!answered) promise.set_value(make_error(ErrorCode::kCancelled, "the server was stopped"));
  }
};

}  // namespace

Result<std::vector<float>> Worker::mean_hidden(std::vector<std::int32_t> tokens) {
  auto asked = std::make_shared<Asked>();
  auto future = asked->promise.get_future();
  post([this, asked = std::move(asked), tokens = std::move(tokens)] {
    asked->answered = true;
    asked->promise.set_value(engine_.mean_hidden(tokens));
  });
  return future.get();
}

EngineStats Worker::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

int Worker::retry_after_s() const {
  const std::lock_guard lock(mutex_);
  const double waiting = static_cast<double>(n_unfinished_) /
                         static_cast<double>(std::max<std::int64_t>(engine_.max_sequences(), 1));
  return static_cast<int>(std::clamp(std::ceil(mean_seconds_ * waiting), 1.0, 600.0));
}

void Worker::run() {
  for (;;) {
    std::deque<std::function<void()>> commands;
    {
      std::unique_lock lock(mutex_);
      // Counting free blocks takes as long as a step of a tiny model.
      if (engine_.idle() || Clock::now() - stats_time_ > kStatsEvery) {
        stats_ = engine_.stats();
        stats_time_ = Clock::now();
      }
      if (engine_.idle()) wake_.wait(lock, [this] { return ending_ || !commands_.empty(); });
      if (ending_) break;
      commands.swap(commands_);
    }
    for (const auto& command : commands) command();
    step_begin_ = Clock::now();
    for (const StepOutput& output : engine_.step()) deliver(output);
    after_step();
    if (const auto error = engine_.disk_error(); error && options_.log)
      options_.log("the cache is no longer written to disk: " + error->message);
  }
  // Promises that nobody would keep.
  const std::lock_guard lock(mutex_);
  commands_.clear();
}

void Worker::start(std::unique_ptr<Job> job) {
  auto active = std::make_unique<Active>();
  active->job = std::move(*job);
  active->asked = Clock::now();
  const int n = active->job.request.n;
  const bool resumed = !active->job.answers.empty();
  if (active->job.request.vote) active->vote.emplace(n);
  active->sequences.assign(static_cast<std::size_t>(n), 0);
  active->usage.prompt_cache_miss_tokens =
      static_cast<std::int64_t>(active->job.prepared.prompt.size());
  Active& a = *active;
  jobs_[a.job.generation->info().id] = std::move(active);
  touched_.push_back(&a);
  a.is_touched = true;
  a.n_open = n;
  for (int choice = 0; choice < n; ++choice) {
    if (!resumed) {
      a.job.answers.push_back(std::make_unique<AnswerStream>(model_, a.job.prepared,
                                                             a.job.generation->info().id, choice));
    } else if (a.answer(choice).finished()) {
      --a.n_open;
      count_vote(a, choice);
      continue;
    }
    GenerationRequest request = a.job.prepared.engine_request(model_, choice);
    request.priority = a.job.request.priority;
    request.tenant = a.job.tenant;
    request.cache_salt = a.job.salt;
    request.keep_off_disk = a.job.request.keep_off_disk;
    for (const AnswerToken& token : a.answer(choice).tokens()) request.answer.push_back(token.id);
    auto added = engine_.add(std::move(request));
    if (!added.ok()) {
      end_answer(a, choice, Finish::kFailed, std::move(added).error());
      continue;
    }
    a.sequences[static_cast<std::size_t>(choice)] = added.value();
    places_[added.value()] = {&a, choice};
  }
}

void Worker::deliver(const StepOutput& output) {
  const auto place = places_.find(output.sequence);
  if (place == places_.end()) return;  // read ahead, or ended a moment ago
  Active& a = *place->second.job;
  const int choice = place->second.choice;
  if (!a.is_touched) {
    a.is_touched = true;
    touched_.push_back(&a);
  }
  const auto now = Clock::now();
  if (output.token.id >= 0) {
    if (!a.has_token) {
      a.has_token = true;
      a.first_token = now;
      if (!a.has_begun) {  // it was read within this step
        a.has_begun = true;
        a.began = step_begin_;
      }
      if (options_.observer) options_.observer->first_token(ms_between(a.asked, now));
    } else if (options_.observer) {
      options_.observer->gap(ms_between(a.last_token, now));
    }
    a.last_token = now;
    a.usage.prompt_cache_hit_tokens =
        std::max(a.usage.prompt_cache_hit_tokens, output.n_cache_hits);
    AnswerToken token{output.token.id, output.forced, output.token.logprob, {}};
    for (const TokenLogprob& top : output.token.top) token.top.emplace_back(top.id, top.logprob);
    if (a.job.journal) a.job.journal->add(choice, token);
    a.answer(choice).feed(token, a.events);
  }
  if (output.finish_reason != FinishReason::kNone) {
    places_.erase(place);
    a.sequences[static_cast<std::size_t>(choice)] = 0;
    end_answer(a, choice, finish_of(output.finish_reason), output.error);
  } else if (a.answer(choice).ended()) {
    end_answer(a, choice, Finish::kStop);
  }
}

void Worker::count_vote(Active& a, int choice) {
  if (!a.vote) return;
  if (a.answer(choice).how() == Finish::kStop) {
    a.vote->count(choice, a.answer(choice).content());
  } else {
    a.vote->skip();
  }
}

// Whatever ended it: the engine, a stop string, somebody.
void Worker::end_answer(Active& a, int choice, Finish finish, std::optional<Error> error) {
  AnswerStream& answer = a.answer(choice);
  if (answer.finished()) return;
  if (!a.is_touched) {
    a.is_touched = true;
    touched_.push_back(&a);
  }
  if (SequenceId& sequence = a.sequences[static_cast<std::size_t>(choice)]; sequence != 0) {
    places_.erase(sequence);
    engine_.cancel(sequence);
    sequence = 0;
  }
  if (error) {
    a.error = error;
    answer.fail(std::move(*error), a.events);
  } else {
    answer.finish(finish, a.events);
  }
  if (a.job.journal) a.job.journal->finish(choice, answer.how());
  --a.n_open;
  count_vote(a, choice);
  if (!a.vote || !a.job.request.vote->early_stop || finish == Finish::kVoteDecided ||
      !a.vote->decided())
    return;
  for (int other = 0; other < a.job.request.n; ++other) end_answer(a, other, Finish::kVoteDecided);
}

void Worker::report_progress(Active& a) {
  Generation::Progress progress;
  const auto n_prompt = static_cast<std::int64_t>(a.job.prepared.prompt.size());
  progress.prompt_total = n_prompt;
  progress.prompt_done = a.has_token ? n_prompt : 0;
  progress.thinking = a.answer(0).thinking();
  for (const auto& answer : a.job.answers)
    progress.n_tokens += static_cast<std::int64_t>(answer->tokens().size());
  for (const SequenceId sequence : a.sequences) {
    const auto state = engine_.state(sequence);
    if (!state) continue;
    if (!a.has_token) {
      progress.queue_position = state->queue_position;
      progress.prompt_done = std::min(state->n_computed, n_prompt);
    }
    if (state->queue_position < 0 && !a.has_begun) {
      a.has_begun = true;
      a.began = Clock::now();
    }
    if (state->n_cache_hits >= 0)
      a.usage.prompt_cache_hit_tokens =
          std::max(a.usage.prompt_cache_hit_tokens, state->n_cache_hits);
    break;
  }
  a.usage.prompt_cache_miss_tokens = n_prompt - a.usage.prompt_cache_hit_tokens;
  a.usage.completion_tokens = progress.n_tokens;
  a.usage.reasoning_tokens = 0;
  for (const auto& answer : a.job.answers) a.usage.reasoning_tokens += answer->n_reasoning_tokens();
  a.job.generation->set_usage(a.usage);
  a.job.generation->set_progress(progress);
}

void Worker::after_step() {
  // Journals first: what has been seen is kept.
  for (Active* const a : touched_) {
    if (!a->job.journal) continue;
    if (auto written = a->job.journal->flush(); !written.ok() && options_.log)
      options_.log("an answer will not survive a crash: " + written.error().message);
  }
  for (Active* const a : touched_) {
    a->is_touched = false;
    report_progress(*a);
    a->job.generation->publish(std::exchange(a->events, {}));
    if (a->n_open == 0) finish(*a);
  }
  touched_.clear();
  for (auto& [id, a] : jobs_)
    if (!a->has_token) report_progress(*a);
}

void Worker::finish(Active& a) {
  LocalGeneration::End end;
  end.usage = a.usage;
  const auto now = Clock::now();
  end.timing.queued_ms = ms_between(a.asked, a.has_begun ? a.began : now);
  if (a.has_begun && a.has_token) {
    end.timing.prompt_ms = ms_between(a.began, a.first_token);
    end.timing.generation_ms = ms_between(a.first_token, a.last_token);
  }
  if (a.vote) end.vote = a.vote->result();
  if (a.error && a.job.request.n == 1) end.error = a.error;
  end.receipt = receipt_of(a);
  if (options_.observer)
    options_.observer->finished(a.job.request, a.answer(0).how(), a.usage, end.timing);
  if (!end.error) read_ahead(a);
  {
    const std::lock_guard lock(mutex_);
    stats_ = engine_.stats();  // who has seen the end sees what it took
    n_unfinished_ -= a.job.request.n;
    mean_seconds_ += 0.1 * (ms_between(a.asked, now) / 1000 - mean_seconds_);
  }
  const auto generation = a.job.generation;
  jobs_.erase(generation->info().id);
  generation->finish(std::move(end));
}

// Templates leave the thought out of what the next turn begins with, so that the answer would have
// to be read again then. It is read now, when nobody waits.
void Worker::read_ahead(const Active& a) {
  if (!options_.read_answers_ahead || a.job.request.n != 1 ||
      a.job.answers[0]->how() != Finish::kStop || a.job.answers[0]->n_reasoning_tokens() == 0)
    return;
  auto prompt = prompt_with_answer(model_, a.job.request, a.job.answers[0]->content());
  if (!prompt.ok() || prompt.value().empty() ||
      static_cast<std::int64_t>(prompt.value().size()) >= model_.context_length())
    return;
  GenerationRequest request;
  request.prompt = std::move(prompt).value();
  request.prefill_only = request.background = true;
  request.tenant = a.job.tenant;
  request.cache_salt = a.job.salt;
  request.keep_off_disk = a.job.request.keep_off_disk;
  (void)engine_.add(std::move(request));  // nobody misses it
}

std::string Worker::receipt_of(const Active& a) const {
  std::vector<const AnswerStream*> answers;
  for (const auto& answer : a.job.answers) answers.push_back(answer.get());
  return make_receipt(model_, a.job.request, a.job.prepared, answers);
}

}  // namespace sputnik::service
