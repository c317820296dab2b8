#include "server/assistant/recorder.h"

#include <algorithm>
#include <map>

#include "server/common/json_out.h"
#include "server/openai/reply_parts.h"

namespace sputnik::server::app {
namespace {

using assistant::MessageState;
using service::Event;
using service::Finish;

constexpr std::chrono::milliseconds kBetweenWrites{700};
constexpr std::chrono::milliseconds kBetweenLooks{
    50};                          // many tokens at once rather than one by one
constexpr int kMaxFailures = 20;  // of writing the end of an answer

MessageState state_of(Finish finish) {
  switch (finish) {
    case Finish::kStop:
    case Finish::kToolCalls:
      return MessageState::kComplete;
    case Finish::kLength:
    case Finish::kRepetition:
    case Finish::kCancelled:
    case Finish::kVoteDecided:
      return MessageState::kInterrupted;
    case Finish::kFailed:
      break;
  }
  return MessageState::kFailed;
}

}  // namespace

Recording::Recording(std::shared_ptr<service::Generation> generation, assistant::Store& store,
                     std::vector<Answer> answers, std::int64_t n_stored)
    : generation_(std::move(generation)),
      store_(store),
      listener_(generation_->attach()),
      n_stored_(static_cast<std::size_t>(std::max<std::int64_t>(n_stored, 0))) {
  for (Answer& answer : answers) {
    message_ids_.push_back(answer.message_id);
    Progress progress;
    progress.answer = std::move(answer);
    answers_.push_back(std::move(progress));
  }
}

bool Recording::is_over() const {
  const std::lock_guard lock(mutex_);
  return over_;
}

bool Recording::wait(std::chrono::milliseconds most) const {
  std::unique_lock lock(mutex_);
  return over_changed_.wait_for(lock, most, [&] { return over_; });
}

void Recording::on_end(std::function<void()> wake) {
  {
    const std::lock_guard lock(mutex_);
    if (!over_) {
      on_end_.push_back(std::move(wake));
      return;
    }
  }
  wake();
}

void Recording::read(Clock::time_point now) {
  std::vector<Event> events;
  const std::size_t end = generation_->events(next_, events);
  std::size_t number = next_;
  for (Event& event : events) {
    if (event.kind == Event::Kind::kProgress) continue;
    const bool is_new = number++ >= n_stored_;
    has_news_ = true;
    if (event.kind == Event::Kind::kDone) ended_ = true;
    if (event.kind == Event::Kind::kFailed) {
      ended_ = true;
      error_ = event.error.value_or(Error{ErrorCode::kIo, "the generation failed"});
      // The server is being stopped, and will go on with this answer when it is started again.
      stopped_ = error_->code == ErrorCode::kCancelled;
    }
    const auto answer = std::find_if(answers_.begin(), answers_.end(), [&](const Progress& one) {
      return one.answer.choice == event.choice;
    });
    if (answer == answers_.end()) continue;
    switch (event.kind) {
      case Event::Kind::kReasoning:
        if (is_new) answer->reasoning += event.text;
        if (is_new && !answer->thought_began && n_stored_ == 0) answer->thought_began = now;
        if (answer->thought_began) answer->thought_ended = now;
        break;
      case Event::Kind::kContent:
        if (is_new) answer->content += event.text;
        break;
      case Event::Kind::kThoughtEnded:
        answer->thought_end = event.thought_end;
        break;
      case Event::Kind::kFinished:
        answer->finish = event.finish;
        break;
      default:
        break;
    }
  }
  next_ = end;
}

Result<void> Recording::write() {
  std::vector<assistant::AnswerPiece> pieces;
  for (const Progress& one : answers_) {
    pieces.push_back({one.answer.message_id, one.reasoning, one.content,
                      static_cast<std::int64_t>(std::max(next_, n_stored_))});
  }
  SPUTNIK_CHECK_OK(store_.append(pieces));
  for (Progress& one : answers_) {
    one.reasoning.clear();
    one.content.clear();
  }
  has_news_ = false;
  return ok_result();
}

std::string Recording::facts_of(const Progress& one) const {
  Json facts = Json::parse(one.answer.facts, nullptr, false);
  if (!facts.is_object()) facts = Json::object();
  const service::Usage usage = generation_->usage();
  const service::Timing timing = generation_->timing();
  facts["model"] = generation_->info().model;
  facts["finish"] = service::to_string(one.finish.value_or(Finish::kFailed));
  facts["usage"] = {{"prompt_tokens", usage.prompt_tokens()},
                    {"prompt_cache_hit_tokens", usage.prompt_cache_hit_tokens},
                    {"prompt_cache_miss_tokens", usage.prompt_cache_miss_tokens},
                    {"completion_tokens", usage.completion_tokens},
                    {"reasoning_tokens", usage.reasoning_tokens}};
  facts["timing"] = openai::timing_json(timing);
  const double seconds = timing.generation_ms / 1000;
  facts["tokens_per_s"] =
      seconds > 0 ? Json(static_cast<double>(usage.completion_tokens) / seconds) : Json(nullptr);
  facts["thought_ms"] = nullptr;
  if (one.thought_began) {
    facts["thought_ms"] = std::chrono::duration_cast<std::chrono::milliseconds>(*one.thought_ended -
                                                                                *one.thought_began)
                              .count();
  } else if (usage.reasoning_tokens > 0 && usage.completion_tokens > 0) {
    // Nobody was there when it began.
    facts["thought_ms"] = static_cast<std::int64_t>(timing.generation_ms *
                                                    static_cast<double>(usage.reasoning_tokens) /
                                                    static_cast<double>(usage.completion_tokens));
  }
  facts["thought_end"] =
      one.thought_end ? Json(service::to_string(*one.thought_end)) : Json(nullptr);
  facts["vote"] = nullptr;
  if (const auto vote = generation_->vote()) {
    facts["vote"] = {{"answer", vote->answer},
                     {"n_votes", vote->n_votes},
                     {"n_counted", vote->n_counted},
                     {"is_winner", vote->choice == one.answer.choice}};
  }
  facts["error"] = error_ ? Json(error_->message) : Json(nullptr);
  return dump(facts);
}

Result<void> Recording::write_end() {
  std::vector<assistant::AnswerEnd> ends;
  const std::string receipt = error_ ? std::string() : generation_->receipt();
  const auto vote = generation_->vote();
  std::optional<std::int64_t> show;
  for (const Progress& one : answers_) {
    const MessageState state =
        error_ ? MessageState::kFailed : state_of(one.finish.value_or(Finish::kFailed));
    ends.push_back({one.answer.message_id, state, facts_of(one), receipt});
    if (vote && vote->choice == one.answer.choice) show = one.answer.message_id;
  }
  return store_.finish(ends, show);
}

// ------------------------------------------------------------------------------------------------

Recorder::Recorder(service::Service& service, std::function<void(const std::string&)> log)
    : service_(service), log_(std::move(log)) {
  thread_ = std::thread([this] { run(); });
}

Recorder::~Recorder() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

Result<void> Recorder::resume(assistant::Store& store) {
  SPUTNIK_TRY(const std::vector<assistant::Message> messages, store.running_messages());
  std::map<std::string, std::vector<assistant::Message>> by_generation;
  for (const assistant::Message& message : messages)
    by_generation[message.generation_id].push_back(message);
  for (const auto& [id, answers] : by_generation) {
    auto generation = service_.find(id);
    if (generation.ok()) {
      std::vector<Recording::Answer> known;
      for (const assistant::Message& message : answers)
        known.push_back({message.id, message.choice, message.facts});
      (void)begin(std::shared_ptr<Recording>(new Recording(
          std::move(generation).value(), store, std::move(known), answers.front().n_events)));
      continue;
    }
    std::vector<assistant::AnswerEnd> ends;
    for (const assistant::Message& message : answers) {
      Json facts = Json::parse(message.facts, nullptr, false);
      if (!facts.is_object()) facts = Json::object();
      facts["finish"] = service::to_string(Finish::kFailed);
      facts["error"] = "the server was ended while this answer was written";
      ends.push_back({message.id, MessageState::kInterrupted, dump(facts), {}});
    }
    SPUTNIK_CHECK_OK(store.finish(ends, std::nullopt));
  }
  return ok_result();
}

std::shared_ptr<Recording> Recorder::record(std::shared_ptr<service::Generation> generation,
                                            assistant::Store& store,
                                            std::vector<Recording::Answer> answers) {
  return begin(std::shared_ptr<Recording>(
      new Recording(std::move(generation), store, std::move(answers), 0)));
}

std::shared_ptr<Recording> Recorder::begin(std::shared_ptr<Recording> recording) {
  recording->subscription_ = recording->generation_->subscribe([this] {
    const std::lock_guard lock(mutex_);
    has_news_ = true;
    wake_.notify_all();
  });
  {
    const std::lock_guard lock(mutex_);
    recordings_.push_back(recording);
    has_news_ = true;
  }
  wake_.notify_all();
  return recording;
}

std::shared_ptr<Recording> Recorder::find(const assistant::Store& store,
                                          std::int64_t message_id) const {
  const std::lock_guard lock(mutex_);
  for (const auto& recording : recordings_) {
    if (&recording->store_ != &store) continue;
    const auto& ids = recording->message_ids_;
    if (std::find(ids.begin(), ids.end(), message_id) != ids.end()) return recording;
  }
  return nullptr;
}

std::vector<std::shared_ptr<Recording>> Recorder::running() const {
  const std::lock_guard lock(mutex_);
  return {recordings_.begin(), recordings_.end()};
}

void Recorder::run() {
  for (;;) {
    std::vector<std::shared_ptr<Recording>> recordings;
    bool is_last = false;
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, kBetweenWrites, [&] { return has_news_ || ending_; });
      has_news_ = false;
      is_last = ending_;
      recordings.assign(recordings_.begin(), recordings_.end());
    }
    for (const auto& recording : recordings) serve(recording, is_last);
    if (is_last) {
      // Whoever waits for an end would wait for ever.
      for (const auto& recording : recordings) recording->subscription_.reset();
      return;
    }
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, kBetweenLooks, [&] { return ending_; });
  }
}

void Recorder::serve(const std::shared_ptr<Recording>& recording, bool must_write) {
  const auto now = Recording::Clock::now();
  recording->read(now);
  const bool is_due = recording->has_news_ && (must_write || recording->ended_ ||
                                               now - recording->written_ >= kBetweenWrites);
  if (is_due) {
    recording->written_ = now;
    auto written = recording->write();
    if (written.ok() && recording->ended_ && !recording->stopped_) written = recording->write_end();
    if (!written.ok()) {
      recording->has_news_ = true;
      if (recording->n_failures_++ == 0)
        log_("an answer cannot be stored: " + written.error().message);
      if (recording->n_failures_ < kMaxFailures && !must_write) return;
    }
  }
  if (!recording->ended_) return;
  {
    const std::lock_guard lock(mutex_);
    recordings_.remove(recording);
  }
  recording->subscription_.reset();
  std::vector<std::function<void()>> wakes;
  {
    const std::lock_guard lock(recording->mutex_);
    recording->over_ = true;
    wakes.swap(recording->on_end_);
  }
  recording->over_changed_.notify_all();
  for (const auto& wake : wakes) wake();
}

}  // namespace sputnik::server::app
