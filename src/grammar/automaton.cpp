#include "grammar/automaton.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

namespace sputnik::grammar {
namespace {

using Set = std::vector<std::int32_t>;  // sorted

struct SetHash {
  std::size_t operator()(const Set& set) const {
    std::uint64_t hash = set.size();
    for (const std::int32_t state : set)
      hash = (hash ^ static_cast<std::uint32_t>(state)) * 0x9e3779b97f4a7c15u + (hash >> 29);
    return hash;
  }
};

class SubsetConstruction {
 public:
  explicit SubsetConstruction(const Automaton& in)
      : in_(in), is_end_(in.n_states), mark_(in.n_states) {
    first_.assign(static_cast<std::size_t>(in.n_states) + 1, 0);
    for (const auto& step : in.steps) ++first_[step.from + 1];
    for (std::size_t i = 1; i < first_.size(); ++i) first_[i] += first_[i - 1];
    by_state_.resize(in.steps.size());
    auto at = first_;
    for (std::size_t i = 0; i < in.steps.size(); ++i)
      by_state_[at[in.steps[i].from]++] = static_cast<std::int32_t>(i);
    for (const std::int32_t end : in.ends) is_end_[end] = true;
    // Sets that hold many states each would take quadratic memory.
    max_states_ = 2 * static_cast<std::size_t>(in.n_states) + 1000;
    max_members_ = 8 * static_cast<std::size_t>(in.n_states) + 1'000'000;
  }

  bool run(Automaton& out) {
    out.n_states = 0;
    number(closed({0}));
    for (std::size_t next = 0; next < sets_.size(); ++next) {
      if (sets_.size() > max_states_ || n_members_ > max_members_) return false;
      expand(static_cast<std::int32_t>(next), out);
    }
    out.n_states = static_cast<std::int32_t>(sets_.size());
    for (std::size_t i = 0; i < sets_.size(); ++i) {
      const bool is_end = std::any_of(sets_[i]->begin(), sets_[i]->end(),
                                      [&](std::int32_t state) { return is_end_[state]; });
      if (is_end) out.ends.push_back(static_cast<std::int32_t>(i));
    }
    return true;
  }

 private:
  Set closed(Set set) {
    ++epoch_;
    Set stack;
    Set result;
    const auto add = [&](std::int32_t state) {
      if (mark_[state] == epoch_) return;
      mark_[state] = epoch_;
      stack.push_back(state);
    };
    for (const std::int32_t state : set) add(state);
    while (!stack.empty()) {
      const std::int32_t state = stack.back();
      stack.pop_back();
      bool has_step = is_end_[state];
      for (std::int32_t i = first_[state]; i < first_[state + 1]; ++i) {
        const auto& step = in_.steps[by_state_[i]];
        if (step.label == Automaton::Label::kFree) {
          add(step.to);
        } else {
          has_step = true;
        }
      }
      if (has_step) result.push_back(state);
    }
    std::sort(result.begin(), result.end());
    return result;
  }

  std::int32_t number(Set set) {
    const auto size = set.size();
    const auto [at, is_new] =
        numbers_.try_emplace(std::move(set), static_cast<std::int32_t>(sets_.size()));
    if (is_new) {
      sets_.push_back(&at->first);
      n_members_ += size;
    }
    return at->second;
  }

  void expand(std::int32_t from, Automaton& out) {
    std::map<std::pair<Automaton::Label, std::int32_t>, Set> others;
    byte_steps_.clear();
    cuts_.clear();
    for (const std::int32_t state : *sets_[from]) {
      for (std::int32_t i = first_[state]; i < first_[state + 1]; ++i) {
        const auto& step = in_.steps[by_state_[i]];
        if (step.label == Automaton::Label::kBytes) {
          byte_steps_.push_back(&step);
          cuts_.push_back(step.lo);
          cuts_.push_back(step.hi + 1);
        } else if (step.label != Automaton::Label::kFree) {
          others[{step.label, step.value}].push_back(step.to);
        }
      }
    }
    for (auto& [key, targets] : others) {
      out.steps.push_back({from, number(closed(targets)), key.first, 0, 0, key.second});
    }
    std::sort(cuts_.begin(), cuts_.end());
    cuts_.erase(std::unique(cuts_.begin(), cuts_.end()), cuts_.end());
    std::size_t first_out = out.steps.size();
    for (std::size_t c = 0; c + 1 < cuts_.size(); ++c) {
      Set targets;
      for (const auto* step : byte_steps_) {
        if (step->lo <= cuts_[c] && cuts_[c] <= step->hi) targets.push_back(step->to);
      }
      if (targets.empty()) continue;
      const std::int32_t to = number(closed(std::move(targets)));
      const auto lo = static_cast<std::uint8_t>(cuts_[c]);
      const auto hi = static_cast<std::uint8_t>(cuts_[c + 1] - 1);
      if (out.steps.size() > first_out && out.steps.back().to == to &&
          out.steps.back().hi + 1 == lo) {
        out.steps.back().hi = hi;
      } else {
        out.steps.push_back({from, to, Automaton::Label::kBytes, lo, hi, 0});
      }
    }
  }

  const Automaton& in_;
  std::vector<std::int32_t> first_, by_state_;
  std::vector<bool> is_end_;
  std::vector<std::uint32_t> mark_;
  std::uint32_t epoch_ = 0;
  std::unordered_map<Set, std::int32_t, SetHash> numbers_;  // whose keys stay where they are
  std::vector<const Set*> sets_;
  std::size_t n_members_ = 0, max_states_ = 0, max_members_ = 0;
  std::vector<const Automaton::Step*> byte_steps_;
  std::vector<int> cuts_;
};

}  // namespace

Automaton determinized(Automaton automaton) {
  Automaton result;
  if (SubsetConstruction(automaton).run(result)) return result;
  return automaton;
}

}  // namespace sputnik::grammar
