#include "server/connection.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>

#include "server/connection_request.h"
#include "server/error_envelope.h"

// g++ 12 takes the allocator of Asio's coroutine frames, which recycles memory, for a mismatched
// one.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

namespace sputnik::server {
namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::size_t kFirstBuffer = 4 << 10;  // enough for most headers: idle connections keep it
constexpr std::size_t kLargestBuffer = 64 << 10;

}  // namespace

Connection::Connection(std::unique_ptr<Transport> transport, asio::any_io_executor strand,
                       Peer peer, ConnectionShared& shared, Purpose purpose)
    : transport_(std::move(transport)),
      strand_(strand),
      timer_(strand),
      peer_(std::move(peer)),
      shared_(shared),
      purpose_(purpose) {}

Connection::~Connection() = default;

asio::awaitable<void> Connection::run() {
  const auto self = shared_from_this();
  bool shaken = false;
  transport_->handshake([self, &shaken](error_code error, std::size_t) {
    self->broken_ |= static_cast<bool>(error);
    shaken = true;
    self->signal();
  });
  const Clock::time_point deadline = Clock::now() + shared_.limits.handshake;
  while (!shaken) {
    if (aborted_ || stopping_ || Clock::now() >= deadline) {
      // The callback refers to this frame: it has to come before the frame goes.
      broken_ = true;
      transport_->close();
      while (!shaken) co_await wait_until(Clock::time_point::max());
    } else {
      co_await wait_until(deadline);
    }
  }
  if (!is_over() && purpose_ == Purpose::kRefuse) {
    Request request(shared_);
    request.keep_alive = false;
    linger_ = true;
    co_await refuse(request, 503, "too many connections; try again in a second");
  } else {
    while (!is_over()) {
      const bool more = co_await serve_one();
      if (!more) break;
    }
  }
  co_await leave();
}

// A close with bytes unread becomes a reset, which can overtake the last reply. So the client is
// told first that no more will come, and is listened to for a moment.
asio::awaitable<void> Connection::leave() {
  if (!is_over() && !write_pending_) {
    const auto self = shared_from_this();
    transport_->end_writing([self](error_code, std::size_t) {});
    const Clock::time_point deadline = Clock::now() + shared_.limits.linger;
    while (linger_ && !gone_ && !is_over() && Clock::now() < deadline) {
      if (!read_pending_) in_begin_ = in_end_ = 0;
      start_read();
      co_await wait_until(deadline);
    }
  }
  transport_->close();
}

void Connection::stop() {
  asio::post(strand_, [self = shared_from_this()] {
    self->stopping_ = true;
    self->signal();
  });
}

void Connection::abort() {
  asio::post(strand_, [self = shared_from_this()] {
    self->aborted_ = true;
    self->transport_->close();
    self->signal();
  });
}

void Connection::signal() {
  signalled_ = true;
  timer_.cancel();
}

asio::awaitable<void> Connection::wait_until(Clock::time_point time) {
  if (!signalled_) {
    timer_.expires_at(time);
    co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  signalled_ = false;
}

void Connection::start_read() {
  if (read_pending_ || gone_ || is_over()) return;
  if (in_begin_ > 0) {
    std::memmove(in_.data(), in_.data() + in_begin_, in_end_ - in_begin_);
    in_end_ -= in_begin_;
    in_begin_ = 0;
  }
  if (in_end_ == in_.size()) {
    if (in_.size() >= kLargestBuffer) return;  // who sends more than that ahead is not watched
    in_.resize(in_.empty() ? kFirstBuffer : in_.size() * 4);
  }
  read_pending_ = true;
  transport_->read_some(asio::buffer(in_.data() + in_end_, in_.size() - in_end_),
                        [self = shared_from_this()](error_code error, std::size_t n) {
                          self->read_pending_ = false;
                          self->in_end_ += n;
                          self->n_received_ += static_cast<std::int64_t>(n);
                          if (error) self->gone_ = true;
                          // The end of the stream may be half of a close: what has been asked for
                          // can still be answered.
                          if (error && error != asio::error::eof) self->broken_ = true;
                          self->signal();
                        });
}

asio::awaitable<Connection::Read> Connection::read_more(Clock::time_point deadline, bool may_stop) {
  const std::int64_t before = n_received_;
  start_read();
  for (;;) {
    if (n_received_ != before) co_return Read::kBytes;
    if (gone_ || is_over()) co_return Read::kGone;
    if (may_stop && stopping_) co_return Read::kStopping;
    if (Clock::now() >= deadline) co_return Read::kLate;
    co_await wait_until(deadline);
  }
}

void Connection::feed(RequestReader& reader) {
  in_begin_ += reader.feed(received());
}

void Connection::write_next() {
  write_pending_ = true;
  transport_->write_some(asio::buffer(out_.data() + n_sent_, out_.size() - n_sent_),
                         [self = shared_from_this()](error_code error, std::size_t n) {
                           self->write_pending_ = false;
                           self->n_sent_ += n;
                           self->last_progress_ = Clock::now();
                           if (error) self->broken_ = true;
                           if (error || self->n_sent_ == self->out_.size()) {
                             self->signal();
                           } else if (!self->aborted_) {
                             self->write_next();
                           }
                         });
}

// until_gone: a client that has closed its half is not written to any more.
asio::awaitable<bool> Connection::write(std::string bytes, bool until_gone) {
  if (is_over()) co_return false;
  out_ = std::move(bytes);
  n_sent_ = 0;
  last_progress_ = Clock::now();
  write_next();
  start_read();
  while (n_sent_ < out_.size()) {
    if (is_over() || (until_gone && gone_)) co_return false;
    const Clock::time_point deadline = last_progress_ + shared_.limits.write_stall;
    if (Clock::now() >= deadline) {
      broken_ = true;
      co_return false;
    }
    co_await wait_until(deadline);
  }
  co_return true;
}

// ---- one request

asio::awaitable<Connection::Read> Connection::read_head(RequestReader& reader) {
  const Clock::time_point idle_deadline = Clock::now() + shared_.limits.idle;
  Clock::time_point deadline = idle_deadline;
  for (;;) {
    const bool had_begun = reader.has_begun();
    feed(reader);
    if (reader.state() != RequestReader::State::kHeader) co_return Read::kBytes;
    if (!had_begun && reader.has_begun()) deadline = Clock::now() + shared_.limits.header;
    const Read read = co_await read_more(deadline, !reader.has_begun());
    if (read != Read::kBytes) co_return read;
  }
}

asio::awaitable<Connection::Read> Connection::read_body(RequestReader& reader, Request& request) {
  const HttpLimits& limits = shared_.limits;
  const Clock::time_point begin = Clock::now();
  for (;;) {
    feed(reader);
    if (!request.hold_body(reader.body_bytes())) co_return Read::kStopping;
    if (reader.state() != RequestReader::State::kBody) co_return Read::kBytes;
    const auto expected_ms = reader.body_bytes() * 1000 / limits.body_bytes_per_s;
    const Read read = co_await read_more(
        begin + limits.body_grace + std::chrono::milliseconds(expected_ms), false);
    if (read != Read::kBytes) co_return read;
  }
}

asio::awaitable<bool> Connection::refuse(Request& request, int status, std::string_view message) {
  request.keep_alive = false;
  Reply reply;
  reply.head.status = status;
  if (status == 503) reply.head.headers.emplace_back("retry-after", "1");
  reply.body = error_body(request.http.path, status, message, request.http.trace_id);
  const bool sent = co_await send(request, std::move(reply));
  (void)sent;
  co_return false;
}

asio::awaitable<bool> Connection::serve_one() {
  RequestReader reader(shared_.limits);
  const Read head_read = co_await read_head(reader);
  if (head_read != Read::kBytes) {
    if (head_read != Read::kLate || !reader.has_begun()) co_return false;
  }
  Request request(shared_);
  if (head_read == Read::kLate || reader.state() == RequestReader::State::kFailed) {
    linger_ = true;
    const int status = head_read == Read::kLate ? 408 : reader.status();
    if (shared_.hooks.observer != nullptr) shared_.hooks.observer->request_malformed(status);
    const std::string problem =
        head_read == Read::kLate ? "the header did not come in time" : reader.problem();
    co_return co_await refuse(request, status, problem);
  }

  const bool understood = request.begin(reader.head(), peer_);
  linger_ = reader.head().has_body;  // until the body has been read
  if (!understood) co_return co_await refuse(request, 400, request.problem);
  if (request.admission.refusal) {
    // A small body that is here already is not worth a connection.
    if (reader.head().has_body) request.keep_alive = false;
    Reply refusal = std::move(*request.admission.refusal);
    co_return co_await send(request, std::move(refusal));
  }

  reader.begin_body(request.max_body_bytes());
  if (reader.state() == RequestReader::State::kBody) {
    if (!request.hold_body(std::max<std::int64_t>(0, reader.head().content_length)))
      co_return co_await refuse(request, 503, "too many requests are being read");
    if (reader.head().expects_continue && received().empty()) {
      const bool sent = co_await write("HTTP/1.1 100 Continue\r\n\r\n", false);
      if (!sent) co_return false;
    }
    const Read body_read = co_await read_body(reader, request);
    if (body_read == Read::kGone) co_return false;
    if (body_read == Read::kLate)
      co_return co_await refuse(request, 408, "the body did not come in time");
    if (body_read == Read::kStopping)
      co_return co_await refuse(request, 503, "too many requests are being read");
  }
  if (reader.state() == RequestReader::State::kFailed) {
    const int status = reader.status();
    co_return co_await refuse(request, status, reader.problem());
  }
  linger_ = false;
  request.exchange.body_bytes_in = reader.body_bytes();
  request.http.body = reader.take_body();
  // On another thread: reading a long request takes a while, and this one has others to serve.
  Reply reply = co_await asio::co_spawn(
      shared_.handlers, [&request]() -> asio::awaitable<Reply> { co_return request.handle(); },
      asio::use_awaitable);
  co_return co_await send(request, std::move(reply));
}

}  // namespace sputnik::server
