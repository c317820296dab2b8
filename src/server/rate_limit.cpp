#include "server/rate_limit.h"

#include <algorithm>
#include <cmath>

namespace sputnik::server {

void RateLimiter::Bucket::fill(std::int64_t rate, Clock::time_point now) {
  const auto wanted = static_cast<double>(rate);
  if (wanted != per_min) {  // new, or its owner has changed the limit
    per_min = wanted;
    left = wanted;
  } else {
    const double seconds = std::chrono::duration<double>(now - filled).count();
    left = std::min(per_min, left + std::max(0.0, seconds) * per_min / 60);
  }
  filled = now;
}

int RateLimiter::Bucket::seconds_until(double amount) const {
  if (per_min <= 0 || left >= amount) return 0;
  return std::max(1, static_cast<int>(std::ceil((amount - left) * 60 / per_min)));
}

int RateLimiter::admit(std::string_view key_id, std::int64_t requests_per_min,
                       std::int64_t tokens_per_min, Clock::time_point now) {
  if (requests_per_min <= 0 && tokens_per_min <= 0) return 0;
  const std::lock_guard lock(mutex_);
  Buckets& buckets = buckets_[std::string(key_id)];
  buckets.requests.fill(std::max<std::int64_t>(0, requests_per_min), now);
  buckets.tokens.fill(std::max<std::int64_t>(0, tokens_per_min), now);
  // A bucket that is filled by quarters of a token must not ask for the next request before it is
  // whole; of tokens, one is enough to begin.
  const int wait = std::max(buckets.requests.seconds_until(1), buckets.tokens.seconds_until(1));
  if (wait > 0) return wait;
  if (buckets.requests.per_min > 0) buckets.requests.left -= 1;
  return 0;
}

void RateLimiter::spend_tokens(std::string_view key_id, std::int64_t n_tokens,
                               Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  const auto found = buckets_.find(key_id);
  if (found == buckets_.end()) return;
  Bucket& bucket = found->second.tokens;
  bucket.fill(static_cast<std::int64_t>(bucket.per_min), now);
  bucket.left -= static_cast<double>(std::max<std::int64_t>(0, n_tokens));
}

}  // namespace sputnik::server
