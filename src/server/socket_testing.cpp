#include "server/socket_testing.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>

namespace sputnik::server {
namespace {

constexpr auto kPatience = std::chrono::seconds(10);

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

TestClient::TestClient(std::uint16_t port) : TestClient(port, MayFail{}) {
  EXPECT_TRUE(connected_);
}

TestClient::TestClient(std::uint16_t port, MayFail) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
  const timeval patience{std::chrono::seconds(kPatience).count(), 0};
  (void)::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  (void)::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  const int on = 1;
  (void)::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  connected_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

TestClient::~TestClient() {
  if (socket_ >= 0) ::close(socket_);
}

bool TestClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

std::size_t TestClient::send_until_full(std::string_view bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t n =
        ::send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n <= 0) break;
    sent += static_cast<std::size_t>(n);
  }
  return sent;
}

void TestClient::end_sending() {
  (void)::shutdown(socket_, SHUT_WR);
}

void TestClient::reset() {
  const linger none{1, 0};
  (void)::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  ::close(socket_);
  socket_ = -1;
}

std::string TestClient::read_some() {
  if (!buffer_.empty()) return std::exchange(buffer_, {});
  char bytes[16 << 10];
  const ssize_t n = ::recv(socket_, bytes, sizeof bytes, 0);
  return n > 0 ? std::string(bytes, static_cast<std::size_t>(n)) : std::string();
}

std::string TestClient::read_until(std::string_view mark) {
  std::string all;
  for (;;) {
    const std::size_t at = all.find(mark);
    if (at != std::string::npos) {
      buffer_.insert(0, all.substr(at + mark.size()));
      return all.substr(0, at + mark.size());
    }
    const std::string more = read_some();
    if (more.empty()) return all;
    all += more;
  }
}

std::string TestClient::read_to_end() {
  std::string all;
  for (std::string more = read_some(); !more.empty(); more = read_some()) all += more;
  return all;
}

bool TestClient::is_closed() {
  return read_some().empty() && errno != EAGAIN;
}

TestReply TestClient::read_reply() {
  TestReply reply;
  reply.head = read_until("\r\n\r\n");
  if (!reply.head.ends_with("\r\n\r\n")) return reply;
  reply.status = std::atoi(reply.head.substr(9, 3).c_str());
  std::size_t line = reply.head.find("\r\n") + 2;
  while (line + 2 < reply.head.size()) {
    const std::size_t end = reply.head.find("\r\n", line);
    const std::string field = reply.head.substr(line, end - line);
    const std::size_t colon = field.find(": ");
    if (colon != std::string::npos)
      reply.headers[lower(field.substr(0, colon))] = field.substr(colon + 2);
    line = end + 2;
  }
  if (reply.headers.count("transfer-encoding") > 0) {
    for (;;) {
      const std::string size_line = read_until("\r\n");
      if (!size_line.ends_with("\r\n")) return reply;
      std::size_t left = std::stoul(size_line, nullptr, 16) + 2;
      const bool last = left == 2;
      std::string chunk;
      while (chunk.size() < left) {
        const std::string more = read_some();
        if (more.empty()) return reply;
        chunk += more;
      }
      buffer_.insert(0, chunk.substr(left));
      if (last) break;
      reply.body += chunk.substr(0, left - 2);
    }
    reply.complete = true;
  } else if (const auto length = reply.headers.find("content-length");
             length != reply.headers.end()) {
    const std::size_t wanted = std::stoul(length->second);
    while (reply.body.size() < wanted) {
      const std::string more = read_some();
      if (more.empty()) return reply;
      reply.body += more;
    }
    buffer_.insert(0, reply.body.substr(wanted));
    reply.body.resize(wanted);
    reply.complete = true;
  } else if (reply.status >= 200 && reply.status != 204 && reply.status != 304) {
    reply.body = read_to_end();
    reply.complete = true;
  }
  return reply;
}

TestReply TestClient::ask(std::string_view request) {
  if (!send(request)) return {};
  return read_reply();
}

std::string get(std::string_view target, std::string_view more_headers) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: localhost\r\n" +
         std::string(more_headers) + "\r\n";
}

std::string post(std::string_view target, std::string_view body, std::string_view more_headers) {
  return "POST " + std::string(target) +
         " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n" + std::string(more_headers) + "\r\n" +
         std::string(body);
}

namespace {

HttpServerOptions on_any_port(HttpServerOptions options) {
  options.port = 0;
  return options;
}

}  // namespace

TestServer::TestServer(HttpHooks hooks, HttpServerOptions options)
    : server(on_any_port(std::move(options)), std::move(hooks)) {
  const auto started = server.start();
  EXPECT_TRUE(started.ok()) << (started.ok() ? "" : started.error().message);
}

TestServer::TestServer(Handler handler, HttpServerOptions options)
    : TestServer(HttpHooks{.handle = std::move(handler)}, std::move(options)) {}

struct ScriptedSource::State {
  std::mutex mutex;
  std::condition_variable changed;
  std::string text;
  int status = 200;
  bool ended = false, broken = false, destroyed = false;
  int n_polls = 0;
  std::function<void()> wake;
};

namespace {

class Script final : public ReplySource {
 public:
  Script(std::shared_ptr<ScriptedSource::State> state, std::string keep_alive)
      : state_(std::move(state)), keep_alive_(std::move(keep_alive)) {}
  ~Script() override {
    const std::lock_guard lock(state_->mutex);
    state_->destroyed = true;
    state_->wake = nullptr;
    state_->changed.notify_all();
  }
  State poll(ResponseHead& head, std::string& body) override {
    const std::lock_guard lock(state_->mutex);
    ++state_->n_polls;
    state_->changed.notify_all();
    head.status = state_->status;
    const bool said = !state_->text.empty();
    body += std::exchange(state_->text, {});
    if (state_->broken) return State::kBroken;
    if (state_->ended) return State::kDone;
    return said ? State::kMore : State::kWaiting;
  }
  void set_wake(std::function<void()> wake) override {
    const std::lock_guard lock(state_->mutex);
    state_->wake = std::move(wake);
  }
  std::string_view keep_alive() const override { return keep_alive_; }

 private:
  std::shared_ptr<ScriptedSource::State> state_;
  std::string keep_alive_;
};

template <class Change>
void change(ScriptedSource::State& state, Change what) {
  const std::lock_guard lock(state.mutex);
  what();
  if (state.wake) state.wake();  // under the lock: never after the source is gone
}

}  // namespace

ScriptedSource::ScriptedSource() : state_(std::make_shared<State>()) {}
ScriptedSource::~ScriptedSource() = default;

std::unique_ptr<ReplySource> ScriptedSource::source(std::string keep_alive) {
  return std::make_unique<Script>(state_, std::move(keep_alive));
}
void ScriptedSource::say(std::string_view text) {
  change(*state_, [&] { state_->text += text; });
}
void ScriptedSource::end() {
  change(*state_, [&] { state_->ended = true; });
}
void ScriptedSource::break_off() {
  change(*state_, [&] { state_->broken = true; });
}
void ScriptedSource::set_status(int status) {
  change(*state_, [&] { state_->status = status; });
}
bool ScriptedSource::wait_until_polled(int n) {
  std::unique_lock lock(state_->mutex);
  return state_->changed.wait_for(lock, kPatience, [&] { return state_->n_polls >= n; });
}
bool ScriptedSource::wait_until_destroyed() {
  std::unique_lock lock(state_->mutex);
  return state_->changed.wait_for(lock, kPatience, [&] { return state_->destroyed; });
}
int ScriptedSource::n_polls() const {
  const std::lock_guard lock(state_->mutex);
  return state_->n_polls;
}

}  // namespace sputnik::server
