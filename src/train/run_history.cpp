#include "train/run_history.h"

#include <algorithm>

#include "base/utf8.h"

namespace sputnik {
namespace {

constexpr std::size_t kMaxRecent = 64;
constexpr std::size_t kMaxStarts = 200;
constexpr std::size_t kMaxNameBytes = 64;
constexpr std::size_t kMaxPromptBytes = 1024;

// At most n bytes, and no half character at the end.
std::string cut(const std::string& text, std::size_t n) {
  if (text.size() <= n) return text;
  const std::string_view head = std::string_view(text).substr(0, n);
  return std::string(head.substr(0, complete_utf8_prefix(head)));
}

// Takes away the one whose neighbours are nearest to each other, so that what stays is spread over
// the whole run; the first and the newest stay.
template <class T>
void take_one_away(std::vector<T>& values) {
  std::size_t chosen = 1;
  for (std::size_t i = 1; i + 1 < values.size(); ++i) {
    if (values[i + 1].step - values[i - 1].step < values[chosen + 1].step - values[chosen - 1].step)
      chosen = i;
  }
  values.erase(values.begin() + static_cast<std::ptrdiff_t>(chosen));
}

template <class T>
void forget_steps_after(std::vector<T>& values, std::int64_t step) {
  while (!values.empty() && values.back().step > step) values.pop_back();
}

// Values stay in the order of their steps: of a step that is said again, the later word counts.
template <class T>
void append(std::vector<T>& values, T value, std::size_t max) {
  forget_steps_after(values, value.step - 1);
  values.push_back(std::move(value));
  if (values.size() > max) take_one_away(values);
}

HistoryPoint point_of(const LogStep& line) {
  HistoryPoint point;
  point.first_step = point.last_step = line.step;
  point.n = 1;
  point.loss_sum = point.loss_min = point.loss_max = line.loss;
  point.mtp_loss_sum = line.mtp_loss.value_or(0);
  point.n_mtp = line.mtp_loss ? 1 : 0;
  point.gradient_norm_sum = line.gradient_norm;
  point.expert_load_sum = line.expert_load_max_over_mean.value_or(0);
  point.n_expert_load = line.expert_load_max_over_mean ? 1 : 0;
  point.mfu_sum = line.mfu.value_or(0);
  point.n_mfu = line.mfu ? 1 : 0;
  point.learning_rate = line.learning_rate;
  point.tokens = line.tokens;
  point.seconds = line.seconds;
  point.flops = line.flops.value_or(0);
  return point;
}

void join(HistoryPoint& point, const HistoryPoint& next) {
  point.last_step = next.last_step;
  point.n += next.n;
  point.loss_sum += next.loss_sum;
  point.loss_min = std::min(point.loss_min, next.loss_min);
  point.loss_max = std::max(point.loss_max, next.loss_max);
  point.mtp_loss_sum += next.mtp_loss_sum;
  point.n_mtp += next.n_mtp;
  point.gradient_norm_sum += next.gradient_norm_sum;
  point.expert_load_sum += next.expert_load_sum;
  point.n_expert_load += next.n_expert_load;
  point.mfu_sum += next.mfu_sum;
  point.n_mfu += next.n_mfu;
  point.learning_rate = next.learning_rate;
  point.tokens += next.tokens;
  point.seconds += next.seconds;
  point.flops += next.flops;
}

void scale(HistoryPoint& point, double share) {
  for (double* sum : {&point.n, &point.loss_sum, &point.mtp_loss_sum, &point.n_mtp,
                      &point.gradient_norm_sum, &point.expert_load_sum, &point.n_expert_load,
                      &point.mfu_sum, &point.n_mfu, &point.tokens, &point.seconds, &point.flops})
    *sum *= share;
}

}  // namespace

void RunHistory::add(const LogLine& line) {
  if (const auto* start = std::get_if<LogStart>(&line)) return add_start(*start);
  if (const auto* end = std::get_if<LogEnd>(&line)) {
    state_ = end->kind == LogEnd::Kind::kFinished  ? State::kFinished
             : end->kind == LogEnd::Kind::kStopped ? State::kStopped
                                                   : State::kFailed;
    failure_ = cut(end->message, kMaxPromptBytes);
    return;
  }
  state_ = State::kRunning;
  if (const auto* step = std::get_if<LogStep>(&line)) add_step(*step);
  if (const auto* evaluation = std::get_if<LogEvaluation>(&line)) add_evaluation(*evaluation);
  if (const auto* sample = std::get_if<LogSample>(&line)) add_sample(*sample);
  if (const auto* loads = std::get_if<LogExpertLoads>(&line)) add_expert_loads(*loads);
}

void RunHistory::add_start(const LogStart& line) {
  if (!recipe_.empty() && !line.recipe.empty() && line.recipe != recipe_) clear();
  if (!line.recipe.empty()) recipe_ = cut(line.recipe, kMaxNameBytes);
  state_ = State::kRunning;
  failure_.clear();
  if (line.n_steps > 0) n_steps_ = line.n_steps;
  if (line.n_parameters > 0) n_parameters_ = line.n_parameters;
  if (line.price_per_hour > 0) price_per_hour_ = line.price_per_hour;
  if (!line.currency.empty()) currency_ = cut(line.currency, 8);
  if (starts_.size() == kMaxStarts) starts_.erase(starts_.begin());
  starts_.push_back({line.is_resumed, line.step});
  forget_after(line.step);
}

void RunHistory::add_step(const LogStep& line) {
  if (line.step <= step_) forget_after(line.step - 1);
  step_ = line.step;
  recent_.push_back(line);
  if (recent_.size() > kMaxRecent) recent_.pop_front();
  usage_.steps += 1;
  usage_.tokens += line.tokens;
  usage_.seconds += line.seconds;
  usage_.flops += line.flops.value_or(0);
  usage_.energy_j += line.energy_j.value_or(0);
  const auto bucket = [this](std::int64_t step) { return (step - 1) / stride_; };
  const HistoryPoint point = point_of(line);
  if (!points_.empty() && bucket(points_.back().last_step) == bucket(line.step)) {
    join(points_.back(), point);
    return;
  }
  points_.push_back(point);
  while (points_.size() > kMaxPoints) halve_points();
}

void RunHistory::halve_points() {
  stride_ *= 2;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < points_.size(); ++i) {
    const bool joins_last = kept > 0 && (points_[kept - 1].last_step - 1) / stride_ ==
                                            (points_[i].first_step - 1) / stride_;
    if (joins_last) {
      join(points_[kept - 1], points_[i]);
    } else {
      points_[kept++] = points_[i];
    }
  }
  points_.resize(kept);
}

void RunHistory::forget_after(std::int64_t step) {
  step_ = std::min(step_, step);
  while (!points_.empty() && points_.back().first_step > step) points_.pop_back();
  if (!points_.empty() && points_.back().last_step > step) {
    // Which part of the sums belongs to the steps that stay is no longer known: their share of the
    // steps is nearest.
    HistoryPoint& point = points_.back();
    scale(point, static_cast<double>(step - point.first_step + 1) /
                     static_cast<double>(point.last_step - point.first_step + 1));
    point.last_step = step;
  }
  while (!recent_.empty() && recent_.back().step > step) recent_.pop_back();
  for (auto it = evaluations_.begin(); it != evaluations_.end();) {
    forget_steps_after(it->second, step);
    it = it->second.empty() ? evaluations_.erase(it) : std::next(it);
  }
  for (Prompt& prompt : prompts_) forget_steps_after(prompt.texts, step);
  std::erase_if(prompts_, [](const Prompt& prompt) { return prompt.texts.empty(); });
  forget_steps_after(expert_loads_, step);
}

void RunHistory::add_evaluation(const LogEvaluation& line) {
  for (const LogEvaluation::Family& family : line.families) {
    const std::string name = cut(family.name, kMaxNameBytes);
    if (evaluations_.size() >= kMaxFamilies && !evaluations_.contains(name)) continue;
    append(evaluations_[name], {line.step, family.n, family.right}, kMaxEvaluations);
  }
}

void RunHistory::add_sample(const LogSample& line) {
  const std::string prompt = cut(line.prompt, kMaxPromptBytes);
  auto it = std::find_if(prompts_.begin(), prompts_.end(),
                         [&](const Prompt& other) { return other.prompt == prompt; });
  if (it == prompts_.end()) {
    if (prompts_.size() == kMaxPrompts) {
      // Where every sample has a prompt of its own, the newest are shown.
      prompts_.erase(
          std::min_element(prompts_.begin(), prompts_.end(), [](const Prompt& a, const Prompt& b) {
            return a.texts.back().step < b.texts.back().step;
          }));
    }
    prompts_.push_back({prompt, {}});
    it = prompts_.end() - 1;
  }
  append(it->texts, {line.step, cut(line.text, kMaxTextBytes)}, kMaxTexts);
}

void RunHistory::add_expert_loads(const LogExpertLoads& line) {
  append(expert_loads_, line, kMaxExpertLoads);
  const auto n_values = [this] {
    std::size_t n = 0;
    for (const LogExpertLoads& loads : expert_loads_)
      for (const std::vector<float>& layer : loads.layers) n += layer.size() + 8;
    return n;
  };
  while (expert_loads_.size() > 2 && n_values() > kMaxLoadValues) take_one_away(expert_loads_);
}

const RunHistory::Prompt* RunHistory::newest_prompt() const {
  const Prompt* newest = nullptr;
  for (const Prompt& prompt : prompts_) {
    if (newest == nullptr || prompt.texts.back().step >= newest->texts.back().step)
      newest = &prompt;
  }
  return newest;
}

double RunHistory::recent_step_s() const {
  double seconds = 0;
  for (const LogStep& step : recent_) seconds += step.seconds;
  return recent_.empty() ? 0 : seconds / static_cast<double>(recent_.size());
}

double RunHistory::recent_tokens_per_s() const {
  double tokens = 0, seconds = 0;
  for (const LogStep& step : recent_) {
    tokens += step.tokens;
    seconds += step.seconds;
  }
  return seconds > 0 ? tokens / seconds : 0;
}

Result<RunFollower::News> RunFollower::update() {
  SPUTNIK_TRY(TrainingLogReader::News read, reader_.read());
  if (read.begins_anew) history_.clear();
  for (const LogLine& line : read.lines) history_.add(line);
  return News{std::move(read.lines), read.has_more};
}

}  // namespace sputnik
