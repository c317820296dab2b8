// How much each key may ask for: requests and tokens per minute.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace sputnik::server {

// Any thread may call any function. Buckets hold a minute's worth and fill evenly. How many tokens
// an answer takes is known when it has ended, so a bucket of tokens may be overdrawn; nothing more
// is let in until the debt has been paid off.
class RateLimiter {
 public:
  using Clock = std::chrono::steady_clock;

  // Takes one request. 0: it may go on; otherwise the seconds after which it makes sense to try
  // again, and nothing has been taken. Limits of 0 are none.
  int admit(std::string_view key_id, std::int64_t requests_per_min, std::int64_t tokens_per_min,
            Clock::time_point now = Clock::now());
  // What a request has taken, prompt and answer. Keys that admit() has not seen are not counted.
  void spend_tokens(std::string_view key_id, std::int64_t n_tokens,
                    Clock::time_point now = Clock::now());

 private:
  struct Bucket {
    double per_min = 0;  // 0: without limit
    double left = 0;
    Clock::time_point filled;

    void fill(std::int64_t rate, Clock::time_point now);
    int seconds_until(double amount) const;
  };
  struct Buckets {
    Bucket requests, tokens;
  };

  std::mutex mutex_;
  std::map<std::string, Buckets, std::less<>> buckets_;  // as many as keys have been used
};

}  // namespace sputnik::server
