// The way back: what was done in a forward pass, in order, and how to undo each step.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace sputnik {

// One operation. forward fills memory that was set aside when the operation was recorded, so it
// can be run again; it is empty if that is never needed. backward adds to the gradients of the
// inputs.
struct TapeEntry {
  const char* name;
  std::function<void()> forward;
  std::function<void()> backward;
};

// Time spent by name of operation, in seconds.
struct TapeProfile {
  std::map<std::string, double> forward_s, recomputed_s, backward_s;
};

// Segments are the operations between two boundaries, one layer of a model. The tape owns the
// entries and nothing that they point to.
class Tape {
 public:
  void clear();
  // Runs forward and remembers both. keep_forward: it will be run again by backward().
  void record(const char* name, std::function<void()> forward, std::function<void()> backward,
              bool keep_forward);
  void boundary();
  std::int64_t n_segments() const { return static_cast<std::int64_t>(starts_.size()); }

  // Runs all backward functions, last first. recompute(segment) says whether the results of a
  // segment were dropped; then its forward functions run again first. done(segment) is called after
  // each.
  void backward(const std::function<bool(std::int64_t)>& recompute,
                const std::function<void(std::int64_t)>& before,
                const std::function<void(std::int64_t)>& done);

  const TapeProfile& profile() const { return profile_; }
  void clear_profile() { profile_ = {}; }

 private:
  std::vector<TapeEntry> entries_;
  std::vector<std::size_t> starts_{0};  // of segments
  TapeProfile profile_;
};

}  // namespace sputnik
