// What connections cost that say nothing: a page that waits for an answer keeps one open.
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "server/socket_testing.h"

namespace sputnik::server {
namespace {

constexpr int kStreams = 2000;

std::int64_t resident_bytes() {
  std::ifstream in("/proc/self/statm");
  std::int64_t pages = 0, resident = 0;
  in >> pages >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

bool is_sanitized() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return true;
#else
  return false;
#endif
}

// Says one thing and then waits.
class Idle final : public ReplySource {
 public:
  explicit Idle(std::atomic<int>& n_open) : n_open_(n_open) { ++n_open_; }
  ~Idle() override { --n_open_; }
  State poll(ResponseHead&, std::string& body) override {
    if (!said_) body += "data: begun\n\n";
    said_ = true;
    return State::kWaiting;
  }
  void set_wake(std::function<void()>) override {}
  std::string_view keep_alive() const override { return ": keep-alive\n\n"; }

 private:
  std::atomic<int>& n_open_;
  bool said_ = false;
};

TEST(HttpIdle, TwoThousandStreamsTakeLittleMemory) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  constexpr rlim_t kNeeded = 2 * kStreams + 100;
  if (limit.rlim_cur < kNeeded) {
    if (limit.rlim_max < kNeeded) GTEST_SKIP() << "ulimit -n is " << limit.rlim_max;
    limit.rlim_cur = kNeeded;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  }
  std::atomic<int> n_open = 0;
  TestServer server([&](const HttpRequest&) {
    Reply reply;
    reply.head.content_type = "text/event-stream";
    reply.source = std::make_unique<Idle>(n_open);
    return reply;
  });
  ::malloc_trim(0);
  const std::int64_t before = resident_bytes();
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < kStreams; ++i) {
    clients.push_back(std::make_unique<TestClient>(server.port()));
    ASSERT_TRUE(clients.back()->send(get("/")));
    ASSERT_NE(clients.back()->read_until("begun"), "");
  }
  EXPECT_EQ(n_open, kStreams);
  const std::int64_t per_stream = (resident_bytes() - before) / kStreams;
  RecordProperty("bytes_per_stream", std::to_string(per_stream));
  std::printf("%lld bytes per idle stream, this test's end of it included\n",
              static_cast<long long>(per_stream));
  if (!is_sanitized()) {
    EXPECT_LT(per_stream, 32'000);
  }

  clients.clear();
  for (int i = 0; i < 1000 && n_open > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(n_open, 0) << "all of them are over when their clients have left";
}

}  // namespace
}  // namespace sputnik::server
