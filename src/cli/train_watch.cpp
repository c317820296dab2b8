#include "cli/train_watch.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <utility>

#include "base/short_text.h"
#include "cli/interrupt.h"
#include "cli/run.h"
#include "cli/train_progress.h"

namespace sputnik::cli {
namespace {

using Clock = std::chrono::steady_clock;
using State = RunHistory::State;

constexpr int kLookEvery_ms = 250;
constexpr auto kLineEvery = std::chrono::seconds(10);  // where lines stay

enum class Style { kPlain, kDim, kBold, kGood, kWarning, kAccent };

const char* code_of(Style style) {
  switch (style) {
    case Style::kDim:
      return "\x1b[2m";
    case Style::kBold:
      return "\x1b[1m";
    case Style::kGood:
      return "\x1b[32m";
    case Style::kWarning:
      return "\x1b[33m";
    case Style::kAccent:
      return "\x1b[36m";
    case Style::kPlain:
      break;
  }
  return "";
}

// A line of the screen: pieces of text, cut where the line is full.
class Line {
 public:
  Line(int columns, bool has_color) : left_(columns), has_color_(has_color) {}

  Line& add(std::string_view text, Style style = Style::kPlain) {
    const std::string piece = fit(text, left_);
    if (piece.empty()) return *this;
    left_ -= columns_of(piece);
    const bool is_colored = has_color_ && style != Style::kPlain;
    text_ += is_colored ? code_of(style) + piece + "\x1b[0m" : piece;
    return *this;
  }
  // A word in front of what it names, in a column of its own.
  Line& name(std::string_view text) { return add(fill(text, 16), Style::kDim); }
  int left() const { return left_; }
  const std::string& text() const { return text_; }

 private:
  int left_;
  bool has_color_;
  std::string text_;
};

// When a run that makes no step is worth a word: steps take what they take.
double patience_s(const RunHistory& history) {
  return std::max(10.0, 4 * history.recent_step_s());
}

bool is_silent(const RunHistory& history, const WatchView& view) {
  return history.state() == State::kRunning && view.since_news_s > patience_s(history);
}

double left_s(const RunHistory& history) {
  return history.recent_step_s() *
         static_cast<double>(std::max<std::int64_t>(history.n_steps() - history.step(), 0));
}

bool is_over(const RunHistory& history) {
  return history.state() == State::kFinished || history.state() == State::kFailed;
}

std::string step_text(const RunHistory& history) {
  if (history.n_steps() == 0) return fmt::format("step {}", history.step());
  return fmt::format("step {} of {}", history.step(), history.n_steps());
}

class Screen {
 public:
  Screen(const RunHistory& history, const WatchView& view)
      : history_(history), view_(view), max_lines_(std::max(view.size.rows - 1, 1)) {}

  std::vector<std::string> draw() {
    add_head();
    if (!history_.points().empty()) {
      add_numbers();
      add_experts();
      const int n_sample_lines = history_.newest_prompt() != nullptr ? 5 : 0;
      add_families(n_sample_lines);
      add_sample();
    }
    return std::move(lines_);
  }

 private:
  Line line() const { return {view_.size.columns - 1, view_.has_color}; }
  // Too low for everything: what is looked at least gives way.
  bool is_small() const { return max_lines_ < 17; }
  int room() const { return max_lines_ - static_cast<int>(lines_.size()); }
  void put(const Line& line) {
    if (room() > 0) lines_.push_back(line.text());
  }
  void gap() {
    if (room() > 1) lines_.emplace_back();
  }

  void add_head() {
    const bool is_warning = is_silent(history_, view_) || history_.state() == State::kFailed ||
                            history_.state() == State::kStopped;
    const std::string state = watch_state(history_, view_);
    // A long path gives way to what the run does.
    const int for_title = std::max(view_.size.columns - 4 - columns_of(state), 12);
    put(line()
            .add(fit(single_line(view_.title), for_title), Style::kBold)
            .add("  ")
            .add(state, is_warning ? Style::kWarning : Style::kGood));
    if (view_.n_unreadable > 0) {
      put(line().add(fmt::format("{} lines of the log cannot be read",
                                 short_count(static_cast<double>(view_.n_unreadable))),
                     Style::kWarning));
    }
    if (history_.points().empty()) return;
    Line progress = line();
    std::string numbers = step_text(history_);
    if (history_.n_steps() > 0) {
      const double share =
          static_cast<double>(history_.step()) / static_cast<double>(history_.n_steps());
      numbers += fmt::format("  {:.1f} %", std::min(100 * share, 100.0));
      if (!is_over(history_) && history_.recent_step_s() > 0 && share < 1)
        numbers += fmt::format("  {} left", short_duration(left_s(history_)));
      const int columns = std::clamp(progress.left() - columns_of(numbers) - 4, 4, 60);
      progress.add("▕").add(bar(share, columns), Style::kAccent).add("▏ ");
    }
    put(progress.add(numbers));
    gap();
  }

  std::vector<double> of_points(double (*value)(const HistoryPoint&)) const {
    std::vector<double> values;
    for (const HistoryPoint& point : history_.points()) values.push_back(value(point));
    return values;
  }
  void add_number(std::string_view name, const std::string& number,
                  const std::vector<double>& values) {
    Line l = line();
    l.name(name).add(fill(number, 13), Style::kBold).add(" ");
    l.add(sparkline(values, std::min(l.left(), 100)), Style::kAccent);
    put(l);
  }
  void add_numbers() {
    const std::deque<LogStep>& recent = history_.recent();
    if (recent.empty()) return;
    const LogStep& last = recent.back();
    add_number("loss", fmt::format("{:.4f}", last.loss),
               of_points([](const HistoryPoint& p) { return p.loss(); }));
    if (history_.points().size() > recent.size() && !is_small()) {
      std::vector<double> losses;
      double sum = 0;
      for (const LogStep& step : recent) {
        losses.push_back(step.loss);
        sum += step.loss;
      }
      const auto n = static_cast<double>(losses.size());
      add_number(fmt::format("  last {} steps", losses.size()), fmt::format("{:.4f} mean", sum / n),
                 losses);
    }
    if (last.mtp_loss && !is_small()) {
      add_number("next but one", fmt::format("{:.4f}", *last.mtp_loss),
                 of_points([](const HistoryPoint& p) {
                   return p.n_mtp > 0 ? p.mtp_loss_sum / p.n_mtp : NAN;
                 }));
    }
    add_number("learning rate", fmt::format("{:.2e}", last.learning_rate),
               of_points([](const HistoryPoint& p) { return p.learning_rate; }));
    if (!is_small()) {
      add_number("gradient norm", fmt::format("{:.3g}", last.gradient_norm),
                 of_points([](const HistoryPoint& p) { return p.gradient_norm(); }));
    }
    add_number("tokens/s", short_count(history_.recent_tokens_per_s()),
               of_points([](const HistoryPoint& p) { return p.tokens_per_s(); }));
    if ((last.mfu || last.flops) && !is_small()) {
      Line l = line();
      l.name("computing");
      if (last.flops && last.seconds > 0)
        l.add(short_count(*last.flops / last.seconds) + " FLOP/s", Style::kBold).add("  ");
      if (last.mfu) l.add(fmt::format("MFU {:.1f} %", 100 * *last.mfu), Style::kBold);
      put(l);
    }
    const RunHistory::Usage& usage = history_.usage();
    Line l = line();
    l.name("so far")
        .add(short_count(last.tokens_total) + " tokens, ")
        .add(short_duration(usage.seconds));
    const std::string cost = cost_text(usage, history_.price_per_hour(), history_.currency());
    if (!cost.empty()) l.add(", ").add(cost, Style::kBold);
    put(l);
  }

  void add_experts() {
    if (history_.expert_loads().empty()) return;
    const LogExpertLoads& loads = history_.expert_loads().back();
    double low = HUGE_VAL, high = 0, sum = 0, n = 0;
    for (const std::vector<float>& layer : loads.layers) {
      for (const float share : layer) {
        const double load = static_cast<double>(share) * static_cast<double>(layer.size());
        low = std::min(low, load);
        high = std::max(high, load);
        sum += load;
        ++n;
      }
    }
    if (n == 0) return;
    Line l = line();
    l.name("expert load")
        .add(fmt::format("{:.2f} least, {:.2f} mean, {:.2f} most", low, sum / n, high));
    const std::int64_t n_dead =
        history_.recent().empty() ? 0 : history_.recent().back().n_dead_experts;
    if (n_dead > 0) l.add(fmt::format("  {} get no tokens", n_dead), Style::kWarning);
    put(l);
  }

  void add_families(int n_lines_behind) {
    const auto& evaluations = history_.evaluations();
    if (evaluations.empty() || room() < 3) return;
    gap();
    std::int64_t step = 0;
    std::size_t widest = 0;
    double right = 0, n = 0;
    for (const auto& [name, values] : evaluations) {
      step = std::max(step, values.back().step);
      right += values.back().right;
      n += values.back().n;
      widest = std::max(widest, static_cast<std::size_t>(columns_of(single_line(name))));
    }
    put(line()
            .add(fmt::format("right answers at step {}: ", step), Style::kDim)
            .add(fmt::format("{:.0f} %", 100 * right / n), Style::kBold));
    // Several columns of families where the terminal is wide.
    const int name_columns = static_cast<int>(std::clamp<std::size_t>(widest, 8, 24));
    const int cell = name_columns + 1 + 12 + 6 + 3;  // a name, a bar, a number, and room between
    const int n_columns = std::max((view_.size.columns - 1 + 3) / cell, 1);
    const int n_rows =
        static_cast<int>((evaluations.size() + static_cast<std::size_t>(n_columns) - 1) /
                         static_cast<std::size_t>(n_columns));
    const int n_shown = std::min(n_rows, std::max(room() - n_lines_behind, 1));
    auto it = evaluations.begin();
    std::size_t n_left = evaluations.size();
    for (int row = 0; row < n_shown; ++row) {
      Line l = line();
      if (row + 1 == n_shown && n_shown < n_rows) {
        l.add(fmt::format("and {} more families", n_left), Style::kDim);
        put(l);
        break;
      }
      for (int column = 0; column < n_columns && it != evaluations.end(); ++column, ++it) {
        const double share = it->second.back().share();
        if (column > 0) l.add("   ");
        l.add(fill(single_line(it->first), name_columns) + " ");
        l.add(bar(share, 12), Style::kAccent);
        l.add(fmt::format(" {:>3.0f} %", 100 * share));
        --n_left;
      }
      put(l);
    }
  }

  void add_sample() {
    const RunHistory::Prompt* prompt = history_.newest_prompt();
    if (prompt == nullptr || room() < 2) return;
    gap();
    const RunHistory::Text& newest = prompt->texts.back();
    put(line()
            .add(fmt::format("sample at step {}: ", newest.step), Style::kDim)
            .add(single_line(prompt->prompt), Style::kDim));
    const auto most = static_cast<std::size_t>(std::clamp(room(), 0, 6));
    for (const std::string& text : wrap(single_line(newest.text), view_.size.columns - 1, most))
      put(line().add(text));
  }

  const RunHistory& history_;
  const WatchView& view_;
  const int max_lines_;
  std::vector<std::string> lines_;
};

// Draws one screen over the one before, in place: nothing is cleared that will be written again,
// so nothing flickers, and whatever ends the program the terminal is as it was.
class Painter {
 public:
  // is_elsewhere: the cursor is no longer below the screen before.
  void draw(const std::vector<std::string>& lines, TerminalSize size, bool is_elsewhere) {
    if (lines == last_ && size == size_ && !is_elsewhere) return;
    std::string out;
    if (size != size_ && !last_.empty()) {
      out += "\x1b[H\x1b[2J";  // the terminal has moved the lines: where to is not known
    } else if (!last_.empty() && !is_elsewhere) {
      out += fmt::format("\x1b[{}A\r", last_.size());
    }
    for (const std::string& line : lines) out += line + "\x1b[K\n";
    out += "\x1b[J";
    write(out);
    flush();
    size_ = size;
    last_ = lines;
  }

 private:
  TerminalSize size_;
  std::vector<std::string> last_;
};

// After Ctrl-Z and fg the cursor is elsewhere.
std::atomic<bool> was_continued{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may touch nothing else");

void on_continue(int /*signal*/) {
  was_continued.store(true);
}

void catch_continue() {
  struct sigaction action = {};
  action.sa_handler = on_continue;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  (void)sigaction(SIGCONT, &action, nullptr);
}

// Lines for who is no terminal.
class LineWriter {
 public:
  explicit LineWriter(std::string title) : title_(std::move(title)) {}

  void show(const RunHistory& history, const WatchView& view, const std::vector<LogLine>& news) {
    const bool is_first = !std::exchange(has_shown_, true);
    if (!is_first) {
      for (const LogLine& line : news) show_event(line);
    }
    const bool ends = is_over(history) || history.state() == State::kStopped;
    if (!ends) show_state(history, view);
    const bool is_due = Clock::now() - last_step_time_ >= kLineEvery;
    if (!history.recent().empty() && history.step() != last_step_ && (is_first || is_due || ends))
      show_step(history);
    if (ends) show_state(history, view);
  }

 private:
  static void say(const std::string& text) {
    write(fit(single_line(text), 400) + "\n");
    flush();
  }
  void show_state(const RunHistory& history, const WatchView& view) {
    const std::string state = watch_state(history, view);
    // How long nothing has come changes all the time, and is said once.
    const std::string kind = is_silent(history, view) ? "silent" : state;
    if (kind != last_kind_) say(fmt::format("{}: {}", title_, state));
    last_kind_ = kind;
  }
  void show_step(const RunHistory& history) {
    last_step_ = history.step();
    last_step_time_ = Clock::now();
    const LogStep& last = history.recent().back();
    std::string text =
        fmt::format("{}: loss {:.4f}, learning rate {:.2e}, {} tokens/s", step_text(history),
                    last.loss, last.learning_rate, short_count(history.recent_tokens_per_s()));
    if (last.mfu) text += fmt::format(", MFU {:.1f} %", 100 * *last.mfu);
    if (!is_over(history) && history.n_steps() > history.step())
      text += fmt::format(", {} left", short_duration(left_s(history)));
    const std::string cost =
        cost_text(history.usage(), history.price_per_hour(), history.currency());
    if (!cost.empty()) text += ", " + cost;
    say(text);
  }
  static void show_event(const LogLine& line) {
    if (const auto* start = std::get_if<LogStart>(&line)) {
      say(fmt::format("{} step {}", start->is_resumed ? "going on after" : "starting at",
                      start->step));
    } else if (const auto* evaluation = std::get_if<LogEvaluation>(&line)) {
      std::string text = fmt::format("right answers at step {}:", evaluation->step);
      for (const LogEvaluation::Family& family : evaluation->families)
        text += fmt::format(" {} {:.0f} %", family.name, 100 * family.right / family.n);
      say(text);
    } else if (const auto* sample = std::get_if<LogSample>(&line)) {
      say(fmt::format("sample at step {}: {} -> {}", sample->step, sample->prompt, sample->text));
    }
  }

  std::string title_, last_kind_;
  bool has_shown_ = false;
  std::int64_t last_step_ = -1;
  Clock::time_point last_step_time_{};
};

double now_s() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// For a while, or until Ctrl-C.
void wait_ms(int ms) {
  struct pollfd ready = {interrupt_descriptor(), POLLIN, 0};
  (void)::poll(&ready, 1, ms);
}

}  // namespace

std::string watch_state(const RunHistory& history, const WatchView& view) {
  if (!view.has_log) return "waiting: there is no log.jsonl yet";
  switch (history.state()) {
    case State::kEmpty:
      return "waiting: nothing is in the log yet";
    case State::kFinished:
      return "finished";
    case State::kStopped:
      return fmt::format("stopped after step {}; sputnik train --resume goes on", history.step());
    case State::kFailed:
      return "failed: " + single_line(history.failure());
    case State::kRunning:
      break;
  }
  if (!is_silent(history, view)) return history.points().empty() ? "started" : "running";
  return fmt::format("no {} since {}", history.points().empty() ? "first step" : "new step",
                     short_duration(view.since_news_s));
}

std::vector<std::string> watch_screen(const RunHistory& history, const WatchView& view) {
  return Screen(history, view).draw();
}

Result<std::filesystem::path> newest_run(const std::filesystem::path& runs_folder) {
  std::filesystem::path newest;
  std::filesystem::file_time_type newest_time;
  std::error_code error;
  std::filesystem::directory_iterator entries(runs_folder, error);
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    std::error_code missing;
    const auto time = std::filesystem::last_write_time(entries->path() / "log.jsonl", missing);
    if (missing || (!newest.empty() && time <= newest_time)) continue;
    newest = entries->path();
    newest_time = time;
  }
  if (newest.empty())
    return not_found("{}: no run has a log here; name a recipe or a run's folder",
                     runs_folder.string());
  return newest;
}

Result<int> watch_run(const std::filesystem::path& folder) {
  const std::atomic<bool>& interrupted = catch_interrupts();
  const bool is_terminal = is_capable_terminal(STDOUT_FILENO);
  if (is_terminal) catch_continue();
  RunFollower follower(folder);
  WatchView view;
  view.title = folder.string();
  view.has_color = wants_color();
  Painter painter;
  LineWriter line_writer(single_line(view.title));
  double last_news_s = 0;
  while (!interrupted) {
    // A long log is read through before anything of it is shown.
    std::vector<LogLine> lines;
    bool has_more = true, has_step = false;
    while (has_more && !interrupted) {
      SPUTNIK_TRY(RunFollower::News news, follower.update());
      lines = std::move(news.lines);
      has_more = news.has_more;
      has_step |= std::any_of(lines.begin(), lines.end(), [](const LogLine& line) {
        return std::holds_alternative<LogStep>(line) || std::holds_alternative<LogStart>(line);
      });
    }
    const RunHistory& history = follower.history();
    if (has_step) last_news_s = follower.reader().changed_s();
    view.has_log = follower.reader().exists();
    view.n_unreadable = follower.reader().n_unreadable();
    view.since_news_s = std::max(now_s() - last_news_s, 0.0);
    if (is_terminal) {
      view.size = terminal_size(STDOUT_FILENO);
      painter.draw(watch_screen(history, view), view.size, was_continued.exchange(false));
    } else {
      line_writer.show(history, view, lines);
    }
    if (is_over(history) || std::ferror(stdout) != 0) break;
    wait_ms(kLookEvery_ms);
  }
  if (is_terminal && interrupted) write("\n");  // behind the terminal's "^C"
  return 0;
}

}  // namespace sputnik::cli
