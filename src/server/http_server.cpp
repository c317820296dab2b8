#include "server/http_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "server/connection.h"
#include "server/tls.h"

// g++ 12 takes the allocator of Asio's coroutine frames, which recycles memory, for a mismatched
// one.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

namespace sputnik::server {
namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t kMaxRefusedAtOnce = 64;           // beyond these, nobody is told why
constexpr std::size_t kOtherDescriptors = 256;          // models, logs, the system's own
constexpr std::chrono::milliseconds kAcceptPause{100};  // after no descriptor was left

Result<asio::ip::address> parse_address(const std::string& text) {
  error_code error;
  const auto address = asio::ip::make_address(text == "localhost" ? "127.0.0.1" : text, error);
  if (error) return invalid_argument("\"{}\" is no IP address to listen on", text);
  return address;
}

bool is_loopback(const asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).is_loopback();
  return address.is_loopback();
}

// A program that is started from here (a sandbox, a converter) must not keep a port or a client.
template <class Socket>
void close_on_exec(Socket& socket) {
  (void)::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
}

}  // namespace

bool is_loopback_address(std::string_view address) {
  const auto parsed = parse_address(std::string(address));
  return parsed.ok() && is_loopback(parsed.value());
}

struct HttpServer::Impl {
  Impl(HttpServerOptions with, HttpHooks hooks)
      : options(std::move(with)), shared(options.handler_threads) {
    shared.limits = options.limits;
    shared.hooks = std::move(hooks);
  }

  void raise_descriptor_limit() const;
  Result<void> listen();
  asio::awaitable<void> accept();
  void run();
  void open(tcp::socket socket, asio::any_io_executor strand);
  void closed(const Connection* connection);
  void say(std::string_view what) const {
    if (shared.hooks.say) shared.hooks.say(what);
  }
  template <class Function>
  void for_each_connection(Function function);
  bool wait_until_empty(std::chrono::milliseconds time);

  const HttpServerOptions options;
  ConnectionShared shared;
  std::unique_ptr<asio::ssl::context> tls;
  asio::io_context io;
  asio::strand<asio::io_context::executor_type> accept_strand = asio::make_strand(io);
  tcp::acceptor acceptor{accept_strand};
  asio::steady_timer accept_pause{accept_strand};
  std::vector<std::thread> threads;
  std::uint16_t port = 0;

  std::mutex mutex;
  std::condition_variable changed;
  std::unordered_map<const Connection*, std::shared_ptr<Connection>> connections;
  std::size_t n_refused = 0;  // of connections, those that are told to come again
  bool stopping = false;
};

// Many systems give a program 1,024 descriptors unless it asks for more of those that it may have.
void HttpServer::Impl::raise_descriptor_limit() const {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t wanted = shared.limits.connections + kMaxRefusedAtOnce + kOtherDescriptors;
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < wanted)
    say(fmt::format("ulimit -n is {}: fewer than {} connections can be open at once",
                    limit.rlim_max, shared.limits.connections));
}

Result<void> HttpServer::Impl::listen() {
  SPUTNIK_TRY(const asio::ip::address address, parse_address(options.address));
  const tcp::endpoint endpoint(address, options.port);
  const auto failed = [&](const error_code& error) {
    return io_error("cannot listen on {}{}{} port {}: {}", address.is_v6() ? "[" : "",
                    options.address, address.is_v6() ? "]" : "", options.port, error.message());
  };
  error_code error;
  if (acceptor.open(endpoint.protocol(), error)) return failed(error);
  close_on_exec(acceptor);
  if (acceptor.set_option(tcp::acceptor::reuse_address(true), error)) return failed(error);
  if (acceptor.bind(endpoint, error)) return failed(error);
  if (acceptor.listen(asio::socket_base::max_listen_connections, error)) return failed(error);
  const tcp::endpoint bound = acceptor.local_endpoint(error);
  if (error) return failed(error);
  port = bound.port();
  return ok_result();
}

asio::awaitable<void> HttpServer::Impl::accept() {
  while (acceptor.is_open()) {
    const auto strand = asio::make_strand(io);
    auto [error, socket] =
        co_await acceptor.async_accept(strand, asio::as_tuple(asio::use_awaitable));
    if (!error) {
      open(std::move(socket), strand);
    } else if (error == asio::error::operation_aborted || !acceptor.is_open()) {
      break;
    } else if (error != asio::error::connection_aborted) {
      accept_pause.expires_after(kAcceptPause);
      co_await accept_pause.async_wait(asio::as_tuple(asio::use_awaitable));
    }
  }
}

void HttpServer::Impl::open(tcp::socket socket, asio::any_io_executor strand) {
  close_on_exec(socket);
  error_code error;
  const tcp::endpoint remote = socket.remote_endpoint(error);
  if (error) return;  // it has left already
  (void)socket.set_option(tcp::no_delay(true), error);
  Peer peer;
  peer.address = remote.address().to_string();
  peer.is_loopback = is_loopback(remote.address());
  peer.local_port = port;
  peer.is_tls = tls != nullptr;

  auto transport =
      tls == nullptr ? make_transport(std::move(socket)) : make_transport(std::move(socket), *tls);
  std::shared_ptr<Connection> connection;
  {
    const std::lock_guard lock(mutex);
    if (stopping) return;
    const bool full = connections.size() - n_refused >= shared.limits.connections;
    if (full && n_refused >= kMaxRefusedAtOnce) return;
    n_refused += full;
    connection = std::make_shared<Connection>(
        std::move(transport), strand, std::move(peer), shared,
        full ? Connection::Purpose::kRefuse : Connection::Purpose::kServe);
    connections.emplace(connection.get(), connection);
  }
  if (shared.hooks.observer != nullptr) {
    shared.hooks.observer->connection_opened();
    if (connection->purpose() == Connection::Purpose::kRefuse)
      shared.hooks.observer->connection_refused();
  }
  // An exception is memory that ran out: it ends this connection and no other.
  asio::co_spawn(strand, connection->run(),
                 [this, connection](std::exception_ptr) { closed(connection.get()); });
}

void HttpServer::Impl::closed(const Connection* connection) {
  if (shared.hooks.observer != nullptr) shared.hooks.observer->connection_closed();
  std::shared_ptr<Connection> last;  // destroyed after the lock
  const std::lock_guard lock(mutex);
  const auto found = connections.find(connection);
  if (found == connections.end()) return;
  last = std::move(found->second);
  n_refused -= connection->purpose() == Connection::Purpose::kRefuse;
  connections.erase(found);
  changed.notify_all();
}

// What a handler throws is memory that ran out; the others go on.
void HttpServer::Impl::run() {
  for (;;) {
    try {
      io.run();
      return;
    } catch (const std::exception&) {
    }
  }
}

template <class Function>
void HttpServer::Impl::for_each_connection(Function function) {
  std::vector<std::shared_ptr<Connection>> all;
  {
    const std::lock_guard lock(mutex);
    for (const auto& [key, connection] : connections) all.push_back(connection);
  }
  for (const auto& connection : all) function(*connection);
}

bool HttpServer::Impl::wait_until_empty(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex);
  return changed.wait_for(lock, time, [&] { return connections.empty(); });
}

HttpServer::HttpServer(HttpServerOptions options, HttpHooks hooks)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(hooks))) {}

HttpServer::~HttpServer() {
  stop(std::chrono::milliseconds(0));
}

Result<void> HttpServer::start() {
  SPUTNIK_ASSERT(impl_->threads.empty() && impl_->shared.hooks.handle);
  if (sodium_init() < 0) return io_error("the system has no random numbers");
  const HttpServerOptions& options = impl_->options;
  if (!options.tls_certificate.empty() || !options.tls_key.empty()) {
    SPUTNIK_TRY(impl_->tls, make_tls_context(options.tls_certificate, options.tls_key));
  }
  impl_->raise_descriptor_limit();
  SPUTNIK_CHECK_OK(impl_->listen());
  asio::co_spawn(impl_->accept_strand, impl_->accept(), [](std::exception_ptr) {});
  for (int i = 0; i < std::max(1, options.threads); ++i)
    impl_->threads.emplace_back([this] { impl_->run(); });
  return ok_result();
}

void HttpServer::stop(std::chrono::milliseconds deadline) {
  Impl& impl = *impl_;
  if (impl.threads.empty()) return;
  asio::post(impl.accept_strand, [&impl] {
    error_code ignored;
    (void)impl.acceptor.close(ignored);
    impl.accept_pause.cancel();
  });
  {
    const std::lock_guard lock(impl.mutex);
    impl.stopping = true;
  }
  // One that was idle is gone in no time; what is left after that is a reply that goes on.
  impl.for_each_connection([](Connection& connection) { connection.stop(); });
  if (!impl.wait_until_empty(std::min(deadline, std::chrono::milliseconds(200))) &&
      deadline.count() > 0) {
    impl.say(fmt::format("stopping: {} replies go on; they are broken in {} s", connections(),
                         deadline.count() / 1000));
    (void)impl.wait_until_empty(deadline);
  }
  if (const std::size_t n = connections(); n > 0) {
    impl.say(fmt::format("stopping: {} connections are broken", n));
    impl.for_each_connection([](Connection& connection) { connection.abort(); });
  }
  // Nothing is left to do once the last connection has ended: run() returns by itself.
  for (std::thread& thread : impl.threads) thread.join();
  impl.threads.clear();
  impl.say("stopped");
}

std::uint16_t HttpServer::port() const {
  return impl_->port;
}

std::size_t HttpServer::connections() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->connections.size();
}

}  // namespace sputnik::server
