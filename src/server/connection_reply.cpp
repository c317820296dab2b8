// How replies leave: whole, or bit by bit as a source has them.
#include <boost/asio/post.hpp>

#include "server/connection_request.h"

// g++ 12 takes the allocator of Asio's coroutine frames, which recycles memory, for a mismatched
// one.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

namespace sputnik::server {
namespace asio = boost::asio;

// Shared by the connection and by the function that the source got, which any thread may call while
// the connection ends.
struct Connection::Wake {
  asio::any_io_executor strand;
  std::weak_ptr<Connection> connection;
  std::atomic<bool> pending{false};  // many calls become one

  static void call(const std::shared_ptr<Wake>& wake) {
    if (wake->pending.exchange(true)) return;
    // The connection is held on its strand alone: whoever calls must not be the one to destroy it.
    asio::post(wake->strand, [wake] {
      wake->pending.store(false);
      const auto alive = wake->connection.lock();
      if (alive == nullptr) return;
      alive->woken_ = true;
      alive->signal();
    });
  }
};

asio::awaitable<bool> Connection::send(Request& request, Reply reply) {
  if (stopping_) request.keep_alive = false;
  request.exchange.status = reply.head.status;
  bool sent = false;
  if (reply.source != nullptr && !request.is_head) {
    sent = co_await send_stream(request, std::move(reply));
  } else {
    sent = co_await send_whole(request, reply);
  }
  request.exchange.completed = sent;
  co_return sent&& request.keep_alive && !stopping_;
}

asio::awaitable<bool> Connection::send_whole(Request& request, const Reply& reply) {
  HeadFrame frame;
  frame.version = request.version;
  frame.keep_alive = request.keep_alive;
  frame.trace_id = request.http.trace_id;
  frame.more_headers = &request.admission.reply_headers;
  frame.length = static_cast<std::int64_t>(reply.body.size());
  if (has_no_body(reply.head.status)) frame.framing = Framing::kNone;
  // The length of a stream that is asked for with HEAD is not known.
  if (reply.source != nullptr) frame.framing = Framing::kNone;
  std::string bytes = format_head(reply.head, frame);
  if (!request.is_head && frame.framing == Framing::kLength) bytes += reply.body;
  const auto n = static_cast<std::int64_t>(bytes.size());
  const bool sent = co_await write(std::move(bytes), false);
  request.exchange.bytes_out = sent ? n : static_cast<std::int64_t>(n_sent_);
  co_return sent;
}

asio::awaitable<bool> Connection::send_stream(Request& request, Reply reply) {
  using State = ReplySource::State;
  const HttpLimits& limits = shared_.limits;
  const auto wake = std::make_shared<Wake>();
  wake->strand = strand_;
  wake->connection = weak_from_this();
  const std::unique_ptr<ReplySource> source = std::move(reply.source);
  source->set_wake([wake] { Wake::call(wake); });

  HeadFrame frame;
  frame.version = request.version;
  frame.trace_id = request.http.trace_id;
  frame.more_headers = &request.admission.reply_headers;
  frame.streams = true;
  bool head_sent = false;
  std::string bytes, body = std::move(reply.body);
  // What is to be written for body, and before it the head if that has not been sent.
  const auto pack = [&](bool is_whole) {
    bytes.clear();
    if (!head_sent) {
      request.exchange.status = reply.head.status;
      const bool unchunked = is_whole || request.version < 11;
      frame.framing = is_whole ? Framing::kLength : unchunked ? Framing::kClose : Framing::kChunked;
      if (has_no_body(reply.head.status)) frame.framing = Framing::kNone;
      if (frame.framing == Framing::kClose || stopping_) request.keep_alive = false;
      frame.keep_alive = request.keep_alive;
      frame.length = static_cast<std::int64_t>(body.size());
      bytes = format_head(reply.head, frame);
      head_sent = true;
    }
    if (frame.framing == Framing::kChunked) {
      append_chunk(bytes, body);
    } else if (frame.framing != Framing::kNone) {
      bytes += body;
    }
    body.clear();
  };
  Clock::time_point last_sent = Clock::now();

  for (;;) {
    if (gone_ || is_over()) co_return false;
    woken_ = false;
    State state = State::kMore;
    while (state == State::kMore && body.size() < limits.reply_piece_bytes)
      state = source->poll(reply.head, body);

    if (state == State::kBroken && body.empty() && !head_sent) co_return false;
    if (!body.empty() || state == State::kDone) {
      pack(state == State::kDone && !head_sent);
      if (state == State::kDone && frame.framing == Framing::kChunked) bytes += kLastChunk;
      const auto n = static_cast<std::int64_t>(bytes.size());
      if (n > 0) {
        const bool sent = co_await write(std::move(bytes), true);
        request.exchange.bytes_out += sent ? n : static_cast<std::int64_t>(n_sent_);
        if (!sent) co_return false;
      }
      last_sent = Clock::now();
    }
    if (state == State::kDone) co_return true;
    if (state == State::kBroken) {
      // No end of any kind, not even TLS's: the client must see that this is a part.
      broken_ = true;
      co_return false;
    }
    if (state == State::kMore) continue;

    while (!woken_ && !gone_ && !is_over()) {
      start_read();
      const std::string_view keep_alive = source->keep_alive();
      const Clock::time_point deadline = last_sent + limits.keep_alive;
      if (keep_alive.empty()) {
        co_await wait_until(Clock::time_point::max());
      } else if (Clock::now() < deadline) {
        co_await wait_until(deadline);
      } else {
        body = keep_alive;
        pack(false);
        const auto n = static_cast<std::int64_t>(bytes.size());
        const bool sent = co_await write(std::move(bytes), true);
        request.exchange.bytes_out += sent ? n : static_cast<std::int64_t>(n_sent_);
        if (!sent) co_return false;
        last_sent = Clock::now();
      }
    }
  }
}

}  // namespace sputnik::server
