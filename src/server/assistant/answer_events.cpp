// The stream of a running answer, in the assistant's own form.
#include <atomic>
#include <chrono>

#include "server/assistant/route_parts.h"
#include "server/common/api_error.h"
#include "server/common/generation_reader.h"
#include "server/common/generation_source.h"

namespace sputnik::server::app {
namespace {

using service::Event;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kBetweenProgress{300};

// How every stream ends: all messages of the generation as they are stored.
void add_end(assistant::Store& store, const std::vector<std::int64_t>& message_ids,
             bool is_temporary, const std::optional<Error>& error, std::int64_t number,
             std::string& body) {
  Json messages = Json::array();
  Json leaf = nullptr;
  for (const std::int64_t id : message_ids) {
    const auto message = store.message(id);
    if (!message.ok()) continue;
    messages.push_back(message_json(message.value(), is_temporary));
    const auto conversation = store.conversation(message.value().conversation_id);
    if (conversation.ok() && conversation.value().active_leaf_id)
      leaf = public_id(*conversation.value().active_leaf_id, is_temporary);
  }
  Json json = {{"type", error ? "error" : "done"}};
  if (error) {
    const Json envelope = Json::parse(error_envelope(Protocol::kOpenAi, *error), nullptr, false);
    json["error"] = envelope.is_object() ? envelope["error"] : Json(error->message);
  }
  json["messages"] = std::move(messages);
  json["active_leaf_id"] = std::move(leaf);
  append_sse(body, dump(json), {}, number);
}

// Wakes a source that may be gone by now.
struct Waker {
  std::mutex mutex;
  std::function<void()> wake;

  void call() {
    const std::lock_guard lock(mutex);
    if (wake) wake();
  }
};

class AnswerSource final : public ReplySource {
 public:
  AnswerSource(AppPtr app, std::shared_ptr<Recording> recording, bool is_temporary,
               std::size_t from)
      : app_(std::move(app)),
        recording_(std::move(recording)),
        is_temporary_(is_temporary),
        reader_(recording_->shared(), from) {}

  ~AnswerSource() override {
    const std::lock_guard lock(waker_->mutex);
    waker_->wake = nullptr;
  }

  State poll(ResponseHead&, std::string& body) override {
    if (ended_) return State::kDone;
    for (const ReadEvent& read : reader_.read()) write(read, body);
    if (!has_last_ && reader_.generation().finished()) {
      // Whoever asks for what comes after the last event.
      for (const ReadEvent& read : reader_.read()) write(read, body);
      has_last_ = true;
    }
    if (!has_last_) {
      write_progress(body);
      return State::kWaiting;
    }
    // The end tells what has been stored.
    if (!recording_->is_over()) return State::kWaiting;
    ended_ = true;
    add_end(recording_->store(), recording_->message_ids(), is_temporary_, error_, last_number_,
            body);
    return State::kDone;
  }

  void set_wake(std::function<void()> wake) override {
    {
      const std::lock_guard lock(waker_->mutex);
      waker_->wake = wake;
    }
    reader_.set_wake(std::move(wake));
    recording_->on_end([waker = waker_] { waker->call(); });
  }
  std::string_view keep_alive() const override { return kSseKeepAlive; }

 private:
  void write(const ReadEvent& read, std::string& body) {
    const Event& event = read.event;
    if (read.number >= 0) last_number_ = read.number;
    Json json;
    switch (event.kind) {
      case Event::Kind::kReasoning:
      case Event::Kind::kContent:
        json["type"] = event.kind == Event::Kind::kReasoning ? "reasoning" : "content";
        if (event.choice != 0) json["choice"] = event.choice;
        json["text"] = event.text;
        break;
      case Event::Kind::kThoughtEnded:
        json["type"] = "thought_end";
        if (event.choice != 0) json["choice"] = event.choice;
        json["reason"] = service::to_string(event.thought_end);
        break;
      case Event::Kind::kFinished:
        json["type"] = "finish";
        if (event.choice != 0) json["choice"] = event.choice;
        json["finish"] = service::to_string(event.finish);
        break;
      case Event::Kind::kFailed:
        has_last_ = true;
        error_ = event.error.value_or(Error{ErrorCode::kIo, "the generation failed"});
        return;
      case Event::Kind::kDone:
        has_last_ = true;
        return;
      case Event::Kind::kProgress:
      case Event::Kind::kToolCall:
      case Event::Kind::kToolArguments:
        return;
    }
    append_sse(body, dump(json), {}, read.number);
  }

  void write_progress(std::string& body) {
    const auto progress = reader_.generation().progress();
    const auto now = Clock::now();
    const char* phase = "writing";
    if (progress.queue_position >= 0) {
      phase = "queued";
    } else if (progress.n_tokens == 0) {
      phase = "reading";
    } else if (progress.thinking) {
      phase = "thinking";
    }
    if (phase == phase_ && now - told_ < kBetweenProgress) return;
    phase_ = phase;
    told_ = now;
    Json json = {{"type", "progress"}, {"phase", phase}};
    if (progress.queue_position >= 0) {
      json["queue_position"] = progress.queue_position;
    } else if (progress.n_tokens == 0) {
      json["prompt_done"] = progress.prompt_done;
      json["prompt_total"] = progress.prompt_total;
    } else {
      if (!first_token_) {
        first_token_ = now;
        n_before_ = progress.n_tokens;
      }
      const double seconds = std::chrono::duration<double>(now - *first_token_).count();
      json["tokens"] = progress.n_tokens;
      json["tokens_per_s"] =
          seconds > 0.2 ? Json(static_cast<double>(progress.n_tokens - n_before_) / seconds)
                        : Json(nullptr);
    }
    append_sse(body, dump(json));
  }

  AppPtr app_;  // whose store is read
  std::shared_ptr<Recording> recording_;
  const bool is_temporary_;
  std::shared_ptr<Waker> waker_ = std::make_shared<Waker>();
  bool has_last_ = false, ended_ = false;
  std::int64_t last_number_ = -1;
  std::optional<Error> error_;
  std::string_view phase_;
  Clock::time_point told_;
  std::optional<Clock::time_point> first_token_;
  std::int64_t n_before_ = 0;
  GenerationReader reader_;
};

}  // namespace

Reply events_reply(const AppPtr& app, const App::Place& message, std::size_t from) {
  const auto recording = app->recorder().find(*message.store, message.id);
  if (recording != nullptr) {
    return stream_reply(recording->generation(),
                        std::make_unique<AnswerSource>(app, recording, message.is_temporary, from),
                        kSse);
  }
  Reply reply;
  reply.head.content_type = kSse;
  reply.head.headers.emplace_back("cache-control", "no-cache");
  add_end(*message.store, {message.id}, message.is_temporary, std::nullopt, -1, reply.body);
  return reply;
}

}  // namespace sputnik::server::app
