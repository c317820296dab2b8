#include "server/common/generation_source.h"

#include <utility>

namespace sputnik::server {
namespace {

using service::Event;
using service::Generation;

Error failure_of(const Event& event) {
  return event.error.value_or(Error{ErrorCode::kIo, "the generation failed"});
}

ReplySource::State whole_failure(Protocol protocol, const Error& error, ResponseHead& head,
                                 std::string& body) {
  Reply reply = error_reply(protocol, error);
  head.status = reply.head.status;
  head.content_type = reply.head.content_type;
  body += reply.body;
  return ReplySource::State::kDone;
}

class StreamSource final : public ReplySource {
 public:
  StreamSource(std::shared_ptr<Generation> generation, std::unique_ptr<EventWriter> writer,
               StreamFormat format, std::size_t from)
      : writer_(std::move(writer)),
        format_(std::move(format)),
        reader_(std::move(generation), from) {}

  State poll(ResponseHead& head, std::string& body) override {
    if (ended_) return State::kDone;
    const std::size_t before = body.size();
    const bool is_over = reader_.generation().finished();
    for (const ReadEvent& read : reader_.read()) {
      if (read.event.kind == Event::Kind::kFailed) {
        ended_ = true;
        const Error error = failure_of(read.event);
        if (!has_written_ && body.size() == before) {
          return whole_failure(format_.protocol, error, head, body);
        }
        writer_->fail(error, body);
        return State::kBroken;
      }
      writer_->write(read, reader_.generation(), body);
      if (read.event.kind == Event::Kind::kDone) {
        ended_ = true;
        return State::kDone;
      }
    }
    has_written_ = has_written_ || body.size() > before;
    // Somebody who asks for what comes after the last event gets nothing, rather than waits.
    return is_over ? State::kDone : State::kWaiting;
  }

  void set_wake(std::function<void()> wake) override { reader_.set_wake(std::move(wake)); }
  std::string_view keep_alive() const override { return format_.keep_alive; }

 private:
  std::unique_ptr<EventWriter> writer_;
  StreamFormat format_;
  bool has_written_ = false;
  bool ended_ = false;
  GenerationReader reader_;
};

class AnswerSource final : public ReplySource {
 public:
  AnswerSource(std::shared_ptr<Generation> generation, RenderAnswer render, Protocol protocol)
      : render_(std::move(render)), protocol_(protocol), reader_(std::move(generation)) {}

  State poll(ResponseHead& head, std::string& body) override {
    if (ended_) return State::kDone;
    for (const ReadEvent& read : reader_.read()) {
      ended_ = read.event.kind == Event::Kind::kFailed || read.event.kind == Event::Kind::kDone;
      if (read.event.kind == Event::Kind::kFailed) {
        return whole_failure(protocol_, failure_of(read.event), head, body);
      }
      answer_.add(read.event);
      if (ended_) {
        if (answer_.choices.empty()) answer_.choices.resize(1);
        body += render_(answer_, reader_.generation());
        return State::kDone;
      }
    }
    return State::kWaiting;
  }

  void set_wake(std::function<void()> wake) override { reader_.set_wake(std::move(wake)); }
  std::string_view keep_alive() const override { return "\n"; }

 private:
  RenderAnswer render_;
  Protocol protocol_;
  Answer answer_;
  bool ended_ = false;
  GenerationReader reader_;
};

}  // namespace

std::unique_ptr<ReplySource> make_stream_source(std::shared_ptr<Generation> generation,
                                                std::unique_ptr<EventWriter> writer,
                                                StreamFormat format, std::size_t from) {
  return std::make_unique<StreamSource>(std::move(generation), std::move(writer), std::move(format),
                                        from);
}

std::unique_ptr<ReplySource> make_answer_source(std::shared_ptr<Generation> generation,
                                                RenderAnswer render, Protocol protocol) {
  return std::make_unique<AnswerSource>(std::move(generation), std::move(render), protocol);
}

Reply stream_reply(const Generation& generation, std::unique_ptr<ReplySource> source,
                   std::string_view content_type) {
  Reply reply;
  reply.head.content_type = content_type;
  reply.head.headers.emplace_back("x-sputnik-generation", generation.info().id);
  if (content_type != "application/json") {
    reply.head.headers.emplace_back("cache-control", "no-cache");
    // Proxies that gather replies would turn a stream into one late block.
    reply.head.headers.emplace_back("x-accel-buffering", "no");
  }
  reply.source = std::move(source);
  return reply;
}

void append_sse(std::string& body, std::string_view data, std::string_view event, std::int64_t id) {
  if (!event.empty()) body.append("event: ").append(event).append("\n");
  if (id >= 0) body.append("id: ").append(std::to_string(id)).append("\n");
  body.append("data: ").append(data).append("\n\n");
}

}  // namespace sputnik::server
