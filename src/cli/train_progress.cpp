#include "cli/train_progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "base/short_text.h"
#include "cli/terminal_chart.h"

namespace sputnik::cli {
namespace {

constexpr auto kLineEvery = std::chrono::seconds(10);          // where lines stay
constexpr auto kRedrawEvery = std::chrono::milliseconds(100);  // where they are overwritten
constexpr auto kPaceOver = std::chrono::minutes(3);

double seconds(std::chrono::steady_clock::duration d) {
  return std::chrono::duration<double>(d).count();
}

}  // namespace

TrainProgress::TrainProgress(const LogStart& start)
    : is_terminal_(is_capable_terminal(STDERR_FILENO)),
      start_(start),
      marks_({{Clock::now(), start.step}}) {}

double TrainProgress::left_s(std::int64_t step) {
  const Clock::time_point now = Clock::now();
  // A few hundred marks are enough for minutes.
  if (now - marks_.back().time > kPaceOver / 256 || marks_.size() < 2)
    marks_.push_back({now, step});
  while (marks_.size() > 2 && now - marks_.front().time > kPaceOver) marks_.pop_front();
  const Mark& first = marks_.front();
  if (step <= first.step) return 0;
  return seconds(now - first.time) / static_cast<double>(step - first.step) *
         static_cast<double>(start_.n_steps - step);
}

void TrainProgress::show(const LogStep& step) {
  usage_.seconds += step.seconds;
  usage_.energy_j += step.energy_j.value_or(0);
  const double left = left_s(step.step);
  const bool is_last = step.step == start_.n_steps;
  const auto every = is_terminal_ ? Clock::duration(kRedrawEvery) : Clock::duration(kLineEvery);
  if (!is_last && n_shown_ > 0 && Clock::now() - last_shown_ < every) return;
  last_shown_ = Clock::now();
  ++n_shown_;

  const double tokens_per_s = step.seconds > 0 ? step.tokens / step.seconds : 0;
  std::string rest = is_last ? std::string() : fmt::format("{} left", short_duration(left));
  const std::string cost = cost_text(usage_, start_.price_per_hour, start_.currency);
  if (!cost.empty()) rest += (rest.empty() ? "" : ", ") + cost;
  if (!is_terminal_) {
    fmt::print(stderr, "step {} of {}: loss {:.4f}, learning rate {:.2e}, {} tokens/s{}{}\n",
               step.step, start_.n_steps, step.loss, step.learning_rate, short_count(tokens_per_s),
               rest.empty() ? "" : ", ", rest);
    std::fflush(stderr);
    return;
  }
  // What matters most comes first: a narrow terminal cuts the end.
  const int columns = terminal_size(STDERR_FILENO).columns - 1;
  const double share = static_cast<double>(step.step) / static_cast<double>(start_.n_steps);
  const std::string line =
      fmt::format("▕{}▏ {}/{}  loss {:.4f}  {}{}{} tokens/s  rate {:.1e}",
                  bar(share, std::clamp(columns / 5, 4, 30)), step.step, start_.n_steps, step.loss,
                  rest, rest.empty() ? "" : "  ", short_count(tokens_per_s), step.learning_rate);
  fmt::print(stderr, "\r{}\x1b[K", fit(line, columns));
  std::fflush(stderr);
  is_open_ = true;
}

void TrainProgress::say(std::string_view line) {
  // The line that changes is drawn again with the next step.
  if (is_open_) fmt::print(stderr, "\r\x1b[K");
  is_open_ = false;
  n_shown_ = 0;
  fmt::print(stderr, "{}\n", line);
  std::fflush(stderr);
}

void TrainProgress::end_line() {
  if (is_open_) fmt::print(stderr, "\n");
  is_open_ = false;
}

std::string cost_text(const RunHistory::Usage& usage, double price_per_hour,
                      std::string_view currency) {
  std::string text;
  if (usage.energy_j > 0) text = short_energy(usage.energy_j);
  if (price_per_hour > 0) {
    text += (text.empty() ? "" : ", ") +
            short_money(usage.seconds / 3600 * price_per_hour, single_line(currency));
  }
  return text;
}

}  // namespace sputnik::cli
