// Rules to automata, and what must hold before they may run: every state can reach its end.
#include <algorithm>
#include <bitset>
#include <map>
#include <unordered_map>
#include <utility>

#include "grammar/automaton.h"
#include "grammar/program.h"

namespace sputnik::grammar {
namespace {

using Label = Automaton::Label;

// Repetitions of more than this become a rule that is called, so that nested counts add up rather
// than multiply.
constexpr std::size_t kSmallPart = 4;
constexpr std::size_t kMaxInlined = 512;

// How many states a part takes, roughly, and not above a bound.
std::size_t size_of(const ExprPtr& expr) {
  constexpr std::size_t kEnough = kMaxInlined + 1;
  std::size_t size = 1;
  switch (expr->kind) {
    case Expr::Kind::kLiteral:
      size = expr->text.size();
      break;
    case Expr::Kind::kRepeat: {
      const auto copies = static_cast<std::size_t>(expr->max < 0 ? expr->min + 1 : expr->max);
      size = std::min(copies, kEnough) * size_of(expr->children[0]);
      break;
    }
    case Expr::Kind::kSequence:
    case Expr::Kind::kChoice:
      for (const ExprPtr& child : expr->children) {
        if (size < kEnough) size += size_of(child);
      }
      break;
    case Expr::Kind::kGraph:
      for (const auto& edge : expr->edges) {
        if (size < kEnough && edge.label != nullptr) size += size_of(edge.label);
      }
      break;
    default:
      break;
  }
  return std::min(size, kEnough);
}

class Compiler {
 public:
  explicit Compiler(const RuleSet& main) : main_(&main) {}

  // The automata of all rules that can be reached; the first is the whole text's.
  Result<std::vector<Automaton>> run() {
    const ExprPtr line_breaks = repeated(literal("\n"), 0, 2);
    keep_.push_back(seq({line_breaks, main_->root}));
    number(main_, keep_.back());
    std::vector<Automaton> automata;
    std::size_t n_states = 0;
    for (std::size_t next = 0; next < rules_.size(); ++next) {
      if (rules_.size() > kMaxRules)
        return unsupported("the grammar is too large: more than {} rules", kMaxRules);
      Automaton automaton;
      owner_ = rules_[next].owner;
      out_ = &automaton;
      budget_ = kMaxStates - n_states;
      const std::int32_t end = automaton.n_states++;
      automaton.ends = {end};
      const ExprPtr body = rules_[next].body;  // the list grows meanwhile
      build(body, 0, end);
      if (is_too_large()) return too_large();
      automaton = determinized(std::move(automaton));
      n_states += static_cast<std::size_t>(automaton.n_states);
      if (n_states > kMaxStates) return too_large();
      automata.push_back(std::move(automaton));
    }
    return automata;
  }

 private:
  struct Rule {
    const RuleSet* owner;
    ExprPtr body;
  };

  static Error too_large() {
    return unsupported("the grammar is too large: more than {} states", kMaxStates);
  }

  bool is_too_large() const {
    return static_cast<std::size_t>(out_->n_states) > budget_ ||
           out_->steps.size() > 8 * kMaxStates;
  }

  std::int32_t number(const RuleSet* owner, const ExprPtr& body) {
    const auto [at, is_new] = numbers_.try_emplace({owner, body.get()}, rules_.size());
    if (is_new) rules_.push_back({owner, body});
    return static_cast<std::int32_t>(at->second);
  }

  std::int32_t add_state() { return out_->n_states++; }
  void step(std::int32_t from, std::int32_t to, Label label, std::int32_t value = 0) {
    out_->steps.push_back({from, to, label, 0, 0, value});
  }

  void build(const ExprPtr& expr, std::int32_t from, std::int32_t to) {
    if (is_too_large()) return;
    switch (expr->kind) {
      case Expr::Kind::kNothing:
        return;
      case Expr::Kind::kEmpty:
        return step(from, to, Label::kFree);
      case Expr::Kind::kBytes:
        for (const ByteRange& range : expr->ranges)
          out_->steps.push_back({from, to, Label::kBytes, range.lo, range.hi, 0});
        return;
      case Expr::Kind::kLiteral:
        for (std::size_t i = 0; i < expr->text.size(); ++i) {
          const auto byte = static_cast<std::uint8_t>(expr->text[i]);
          const std::int32_t next = i + 1 < expr->text.size() ? add_state() : to;
          out_->steps.push_back({from, next, Label::kBytes, byte, byte, 0});
          from = next;
        }
        return;
      case Expr::Kind::kSequence:
        for (std::size_t i = 0; i < expr->children.size(); ++i) {
          const std::int32_t next = i + 1 < expr->children.size() ? add_state() : to;
          build(expr->children[i], from, next);
          from = next;
        }
        return;
      case Expr::Kind::kChoice:
        for (const ExprPtr& child : expr->children) build(child, from, to);
        return;
      case Expr::Kind::kRepeat:
        return build_repeat(*expr, from, to);
      case Expr::Kind::kToken:
        return step(from, to, Label::kToken, expr->index);
      case Expr::Kind::kRule:
        return step(from, to, Label::kCall, number(owner_, owner_->rules[expr->index]));
      case Expr::Kind::kGrammar: {
        const RuleSet& inner = rule_set(*expr->grammar);
        return step(from, to, Label::kCall, number(&inner, inner.root));
      }
      case Expr::Kind::kGraph:
        return build_graph(*expr, from, to);
    }
  }

  void build_repeat(const Expr& expr, std::int32_t from, std::int32_t to) {
    const ExprPtr& child = expr.children[0];
    const std::size_t size = size_of(child);
    const auto copies = static_cast<std::size_t>(expr.max < 0 ? expr.min + 1 : expr.max);
    const bool is_inlined = copies == 1 || size <= kSmallPart || size * copies <= kMaxInlined;
    const auto add_copy = [&](std::int32_t a, std::int32_t b) {
      if (is_inlined) {
        build(child, a, b);
      } else {
        step(a, b, Label::kCall, number(owner_, child));
      }
    };
    // States of its own at both sides: what surrounds a loop must not get into it.
    std::int32_t at = add_state();
    step(from, at, Label::kFree);
    for (int i = 0; i < expr.min; ++i) {
      const std::int32_t next = add_state();
      add_copy(at, next);
      at = next;
      if (is_too_large()) return;
    }
    if (expr.max < 0) {
      const std::int32_t loop = add_state();
      step(at, loop, Label::kFree);
      const std::int32_t back = add_state();
      add_copy(loop, back);
      step(back, loop, Label::kFree);
      step(loop, to, Label::kFree);
      return;
    }
    for (int i = expr.min; i < expr.max; ++i) {
      step(at, to, Label::kFree);
      const std::int32_t next = add_state();
      add_copy(at, next);
      at = next;
      if (is_too_large()) return;
    }
    step(at, to, Label::kFree);
  }

  void build_graph(const Expr& expr, std::int32_t from, std::int32_t to) {
    const std::int32_t first = out_->n_states;
    out_->n_states += expr.n_nodes;
    step(from, first, Label::kFree);
    for (const auto& edge : expr.edges) {
      if (edge.label == nullptr) {
        step(first + edge.from, first + edge.to, Label::kFree);
      } else {
        build(edge.label, first + edge.from, first + edge.to);
      }
    }
    for (const int end : expr.ends) step(first + end, to, Label::kFree);
  }

  const RuleSet* main_;
  std::vector<ExprPtr> keep_;
  std::vector<Rule> rules_;
  std::map<std::pair<const RuleSet*, const Expr*>, std::size_t> numbers_;
  const RuleSet* owner_ = nullptr;
  Automaton* out_ = nullptr;
  std::size_t budget_ = 0;
};

// All automata side by side, and what follows from them together.
class Linker {
 public:
  explicit Linker(const std::vector<Automaton>& automata) {
    for (const Automaton& automaton : automata) {
      starts_.push_back(n_states_);
      for (Automaton::Step step : automaton.steps) {
        step.from += n_states_;
        step.to += n_states_;
        steps_.push_back(step);
      }
      for (const std::int32_t end : automaton.ends) ends_.push_back(n_states_ + end);
      n_states_ += automaton.n_states;
    }
    for (auto& step : steps_) {
      if (step.label == Label::kCall) step.value = starts_[step.value];
    }
    is_end_.resize(n_states_);
    for (const std::int32_t end : ends_) is_end_[end] = true;
  }

  Result<Program> run() {
    find_needs();
    if (need_[0] < 0) return invalid_argument("no text can satisfy it");
    if (need_[0] > kMaxCallDepth)
      return unsupported("it nests deeper than {} levels", kMaxCallDepth);
    std::erase_if(steps_, [&](const Automaton::Step& step) {
      return need_[step.to] < 0 || need_[step.from] < 0 ||
             (step.label == Label::kCall && need_[step.value] < 0);
    });
    sort_by_state();
    if (begins_with_itself()) return unsupported("a rule begins with itself (left recursion)");
    return make_program();
  }

 private:
  // Which steps come into a state: those that lead there, and calls of the rule that starts there.
  struct Incoming {
    std::vector<std::int32_t> first, steps;
  };
  Incoming incoming() const {
    Incoming in;
    in.first.assign(n_states_ + 1, 0);
    const auto each_target = [&](const auto& visit) {
      for (std::size_t i = 0; i < steps_.size(); ++i) {
        visit(steps_[i].to, i);
        if (steps_[i].label == Label::kCall) visit(steps_[i].value, i);
      }
    };
    each_target([&](std::int32_t target, std::size_t) { ++in.first[target + 1]; });
    for (std::size_t i = 1; i < in.first.size(); ++i) in.first[i] += in.first[i - 1];
    in.steps.resize(in.first.back());
    auto at = in.first;
    each_target([&](std::int32_t target, std::size_t i) {
      in.steps[at[target]++] = static_cast<std::int32_t>(i);
    });
    return in;
  }

  // The least number of open calls that reaching the end of a rule takes; -1: it cannot be
  // reached. Dijkstra's algorithm, backwards, with a list for each distance.
  void find_needs() {
    const Incoming in = incoming();
    need_.assign(n_states_, -1);
    std::vector<std::vector<std::int32_t>> waiting(1, ends_);
    for (std::size_t need = 0; need < waiting.size(); ++need) {
      while (!waiting[need].empty()) {
        const std::int32_t state = waiting[need].back();
        waiting[need].pop_back();
        if (need_[state] >= 0) continue;
        need_[state] = static_cast<std::int32_t>(need);
        for (std::int32_t i = in.first[state]; i < in.first[state + 1]; ++i) {
          const Automaton::Step& step = steps_[in.steps[i]];
          if (need_[step.from] >= 0) continue;
          std::int32_t needs = need_[step.to];
          if (step.label == Label::kCall) {
            if (need_[step.to] < 0 || need_[step.value] < 0) continue;
            needs = std::max(needs, need_[step.value] + 1);
          }
          if (static_cast<std::size_t>(needs) >= waiting.size()) waiting.resize(needs + 1);
          waiting[needs].push_back(step.from);
        }
      }
    }
  }

  void sort_by_state() {
    std::stable_sort(steps_.begin(), steps_.end(), [](const auto& a, const auto& b) {
      return a.from != b.from ? a.from < b.from : a.label < b.label;
    });
    first_.assign(n_states_ + 1, 0);
    for (const auto& step : steps_) ++first_[step.from + 1];
    for (std::size_t i = 1; i < first_.size(); ++i) first_[i] += first_[i - 1];
  }

  template <class Visit>
  void each_step(std::int32_t state, const Visit& visit) const {
    for (std::int32_t i = first_[state]; i < first_[state + 1]; ++i) visit(steps_[i]);
  }

  // States from which the end of the rule can be reached without a byte.
  std::vector<bool> find_nullable() const {
    const Incoming in = incoming();
    std::vector<bool> nullable(n_states_);
    std::vector<std::int32_t> waiting = ends_;
    while (!waiting.empty()) {
      const std::int32_t state = waiting.back();
      waiting.pop_back();
      if (nullable[state]) continue;
      nullable[state] = true;
      for (std::int32_t i = in.first[state]; i < in.first[state + 1]; ++i) {
        const Automaton::Step& step = steps_[in.steps[i]];
        const bool passes =
            step.label == Label::kFree || (step.label == Label::kCall && nullable[step.value]);
        if (passes && nullable[step.to]) waiting.push_back(step.from);
      }
    }
    return nullable;
  }

  bool begins_with_itself() const {
    const std::vector<bool> nullable = find_nullable();
    // Edges between states: what may be reached without a byte. A cycle through a call's start is
    // a left recursion; cycles of free steps alone are loops of nothing, which do no harm.
    std::unordered_map<std::int32_t, std::vector<std::int32_t>> called;
    std::vector<std::int32_t> mark(n_states_, -1);
    for (const std::int32_t start : starts_) {
      std::vector<std::int32_t> stack = {start};
      std::vector<std::int32_t>& calls = called[start];
      const auto add = [&](std::int32_t state) {
        if (mark[state] == start) return;
        mark[state] = start;
        stack.push_back(state);
      };
      mark[start] = start;
      while (!stack.empty()) {
        const std::int32_t state = stack.back();
        stack.pop_back();
        each_step(state, [&](const Automaton::Step& step) {
          if (step.label == Label::kFree) add(step.to);
          if (step.label != Label::kCall) return;
          calls.push_back(step.value);
          if (nullable[step.value]) add(step.to);
        });
      }
    }
    // Rules without a way back are taken away until none is left, or a cycle.
    std::unordered_map<std::int32_t, std::vector<std::int32_t>> callers;
    std::unordered_map<std::int32_t, std::size_t> n_called;
    std::vector<std::int32_t> done;
    for (const auto& [start, calls] : called) {
      n_called[start] = calls.size();
      if (calls.empty()) done.push_back(start);
      for (const std::int32_t callee : calls) callers[callee].push_back(start);
    }
    std::size_t n_done = 0;
    while (!done.empty()) {
      const std::int32_t start = done.back();
      done.pop_back();
      ++n_done;
      for (const std::int32_t caller : callers[start]) {
        if (--n_called[caller] == 0) done.push_back(caller);
      }
    }
    return n_done < called.size();
  }

  Program make_program() const {
    Program program;
    program.states.resize(n_states_);
    const auto size = [](const auto& list) { return static_cast<std::int32_t>(list.size()); };
    for (std::int32_t s = 0; s < n_states_; ++s) {
      Program::State& state = program.states[s];
      state.bytes_begin = size(program.byte_steps);
      state.tokens_begin = size(program.token_steps);
      state.calls_begin = size(program.call_steps);
      state.free_begin = size(program.free_steps);
      each_step(s, [&](const Automaton::Step& step) {
        switch (step.label) {
          case Label::kBytes:
            program.byte_steps.push_back({step.lo, step.hi, step.to});
            break;
          case Label::kToken:
            program.token_steps.push_back({step.value, step.to});
            break;
          case Label::kCall:
            program.call_steps.push_back({step.value, step.to});
            break;
          case Label::kFree:
            program.free_steps.push_back(step.to);
            break;
        }
      });
      state.bytes_end = size(program.byte_steps);
      state.tokens_end = size(program.token_steps);
      state.calls_end = size(program.call_steps);
      state.free_end = size(program.free_steps);
      state.need = need_[s];
      state.is_end = is_end_[s];
      state.is_last = is_end_[s] && first_[s] == first_[s + 1];
    }
    find_classes(program);
    return program;
  }

  static void find_classes(Program& program) {
    std::bitset<257> cuts;
    cuts.set(0);
    // Where the kinds of a JSON string's bytes change, which masks ask about, and UTF-8's.
    for (const int cut : {0x20, 0x22, 0x23, 0x5C, 0x5D, 0x80, 0x90, 0xA0, 0xC0, 0xC2, 0xE0, 0xE1,
                          0xED, 0xEE, 0xF0, 0xF1, 0xF4, 0xF5}) {
      cuts.set(static_cast<std::size_t>(cut));
    }
    for (const auto& step : program.byte_steps) {
      cuts.set(step.lo);
      cuts.set(std::size_t{step.hi} + 1);
    }
    for (std::size_t byte = 0; byte < 256; ++byte) {
      if (cuts[byte]) program.class_byte.push_back(static_cast<std::uint8_t>(byte));
      program.byte_class[byte] = static_cast<std::uint8_t>(program.class_byte.size() - 1);
    }
  }

  std::int32_t n_states_ = 0;
  std::vector<std::int32_t> starts_, ends_, need_, first_;
  std::vector<Automaton::Step> steps_;
  std::vector<bool> is_end_;
};

}  // namespace

Result<Program> compile(const RuleSet& grammar) {
  SPUTNIK_TRY(const auto automata, Compiler(grammar).run());
  return Linker(automata).run();
}

}  // namespace sputnik::grammar
