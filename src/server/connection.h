// One client's connection: requests one after the other, and their replies. Includes Asio: for the
// .cpp files of the server alone.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/http_server.h"
#include "server/reply_head.h"
#include "server/request_reader.h"
#include "server/transport.h"

namespace sputnik::server {

// What all connections of a server share. Outlives them.
struct ConnectionShared {
  explicit ConnectionShared(int handler_threads)
      : handlers(static_cast<std::size_t>(handler_threads)) {}

  HttpLimits limits;
  HttpHooks hooks;
  std::atomic<std::int64_t> bodies_bytes{0};  // of requests that are being read or answered
  boost::asio::thread_pool handlers;          // where hooks.handle runs
};

// One coroutine, run(), on a strand. It sleeps in wait_until(); whatever happens meanwhile (bytes
// have come or gone, a source calls, the server stops) leaves its mark in a member and calls
// signal(). A read is always under way while a reply is awaited or sent: that is how the end of a
// client is seen.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Clock = std::chrono::steady_clock;
  enum class Purpose { kServe, kRefuse };  // kRefuse: says 503 and leaves

  Connection(std::unique_ptr<Transport> transport, boost::asio::any_io_executor strand, Peer peer,
             ConnectionShared& shared, Purpose purpose);
  ~Connection();

  // Ends when the connection has.
  boost::asio::awaitable<void> run();

  Purpose purpose() const { return purpose_; }

  // From any thread: no further request, and what is idle ends now; everything ends now.
  void stop();
  void abort();

 private:
  struct Wake;     // what a source's wake() holds
  struct Request;  // one request under way
  enum class Read { kBytes, kGone, kLate, kStopping };

  boost::asio::awaitable<bool> serve_one();  // false: that was the last
  boost::asio::awaitable<Read> read_head(RequestReader& reader);
  boost::asio::awaitable<Read> read_body(RequestReader& reader, Request& request);
  boost::asio::awaitable<bool> refuse(Request& request, int status, std::string_view message);
  boost::asio::awaitable<bool> send(Request& request, Reply reply);
  boost::asio::awaitable<bool> send_whole(Request& request, const Reply& reply);
  boost::asio::awaitable<bool> send_stream(Request& request, Reply reply);
  boost::asio::awaitable<void> leave();

  boost::asio::awaitable<Read> read_more(Clock::time_point deadline, bool may_stop);
  boost::asio::awaitable<bool> write(std::string bytes, bool until_gone);
  boost::asio::awaitable<void> wait_until(Clock::time_point time);
  void signal();

  void start_read();
  void write_next();
  std::string_view received() const { return {in_.data() + in_begin_, in_end_ - in_begin_}; }
  void feed(RequestReader& reader);
  bool is_over() const { return aborted_ || broken_; }

  std::unique_ptr<Transport> transport_;
  boost::asio::any_io_executor strand_;
  boost::asio::steady_timer timer_;
  bool signalled_ = false;
  Peer peer_;
  ConnectionShared& shared_;
  const Purpose purpose_;

  // Bytes that have been received and not been used are [in_begin_, in_end_). A pending read writes
  // behind them, so the buffer moves only when none is pending.
  std::vector<char> in_;
  std::size_t in_begin_ = 0, in_end_ = 0;
  std::int64_t n_received_ = 0;
  bool read_pending_ = false;

  std::string out_;
  std::size_t n_sent_ = 0;
  bool write_pending_ = false;
  Clock::time_point last_progress_;

  bool gone_ = false;    // the client will send no more
  bool broken_ = false;  // and cannot be sent anything either
  bool stopping_ = false;
  bool aborted_ = false;
  bool linger_ = false;  // bytes that nobody read would turn the close into a reset
  bool woken_ = false;
};

}  // namespace sputnik::server
