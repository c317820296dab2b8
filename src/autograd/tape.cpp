#include "autograd/tape.h"

#include <chrono>

namespace sputnik {
namespace {

void timed(const std::function<void()>& f, double& seconds) {
  const auto start = std::chrono::steady_clock::now();
  f();
  seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

void Tape::clear() {
  entries_.clear();
  starts_ = {0};
}

void Tape::record(const char* name, std::function<void()> forward, std::function<void()> backward,
                  bool keep_forward) {
  timed(forward, profile_.forward_s[name]);
  if (!keep_forward) forward = nullptr;
  entries_.push_back({name, std::move(forward), std::move(backward)});
}

void Tape::boundary() {
  starts_.push_back(entries_.size());
}

void Tape::backward(const std::function<bool(std::int64_t)>& recompute,
                    const std::function<void(std::int64_t)>& before,
                    const std::function<void(std::int64_t)>& done) {
  std::size_t end = entries_.size();
  for (std::int64_t segment = n_segments() - 1; segment >= 0; --segment) {
    const std::size_t start = starts_[static_cast<std::size_t>(segment)];
    before(segment);
    if (recompute(segment)) {
      for (std::size_t i = start; i < end; ++i) {
        if (entries_[i].forward)
          timed(entries_[i].forward, profile_.recomputed_s[entries_[i].name]);
      }
    }
    for (std::size_t i = end; i-- > start;) {
      if (entries_[i].backward) timed(entries_[i].backward, profile_.backward_s[entries_[i].name]);
    }
    done(segment);
    end = start;
  }
}

}  // namespace sputnik
