// What the log of a training run says so far, in bounded memory however long the run is.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "train/training_log.h"

namespace sputnik {

// Some steps that follow each other, as one point of a plot.
struct HistoryPoint {
  std::int64_t first_step = 0, last_step = 0;
  double n = 0;  // steps in it
  double loss_sum = 0, loss_min = 0, loss_max = 0;
  double mtp_loss_sum = 0, n_mtp = 0;
  double gradient_norm_sum = 0;
  double expert_load_sum = 0, n_expert_load = 0;
  double mfu_sum = 0, n_mfu = 0;
  double learning_rate = 0;  // of its last step
  double tokens = 0, seconds = 0, flops = 0;

  double loss() const { return loss_sum / n; }
  double gradient_norm() const { return gradient_norm_sum / n; }
  double tokens_per_s() const { return seconds > 0 ? tokens / seconds : 0; }
};

// Lines are added in the order of the log. A run that goes on from a checkpoint repeats the steps
// behind it: the later ones count, except in what the run has cost. A start with another recipe is
// another run, and what stood before it is forgotten.
class RunHistory {
 public:
  static constexpr std::size_t kMaxPoints = 2000;
  static constexpr std::size_t kMaxFamilies = 200;
  static constexpr std::size_t kMaxPrompts = 16;
  static constexpr std::size_t kMaxEvaluations = 500;  // of a family
  static constexpr std::size_t kMaxTexts = 24;         // of a prompt
  static constexpr std::size_t kMaxTextBytes = 4096;
  static constexpr std::size_t kMaxExpertLoads = 200;
  static constexpr std::size_t kMaxLoadValues = 1 << 21;  // of all of them

  struct Evaluation {
    std::int64_t step = 0;
    double n = 0, right = 0;
    double share() const { return right / n; }
  };
  struct Text {
    std::int64_t step = 0;
    std::string text;
  };
  struct Prompt {
    std::string prompt;
    std::vector<Text> texts;
  };
  struct Start {
    bool is_resumed = false;
    std::int64_t step = 0;
  };
  enum class State { kEmpty, kRunning, kFinished, kStopped, kFailed };

  // What the run has used, repeated steps included.
  struct Usage {
    double steps = 0, tokens = 0, seconds = 0, flops = 0, energy_j = 0;
  };

  void add(const LogLine& line);
  void clear() { *this = RunHistory(); }

  State state() const { return state_; }
  const std::string& failure() const { return failure_; }
  std::int64_t n_steps() const { return n_steps_; }  // 0: not known
  std::int64_t n_parameters() const { return n_parameters_; }
  double price_per_hour() const { return price_per_hour_; }
  const std::string& currency() const { return currency_; }
  const std::vector<Start>& starts() const { return starts_; }  // the newest some hundred
  std::int64_t step() const { return step_; }                   // steps done

  const std::vector<HistoryPoint>& points() const { return points_; }
  // The newest steps one by one, the last one at the end; empty if none has been made.
  const std::deque<LogStep>& recent() const { return recent_; }
  double recent_tokens_per_s() const;
  double recent_step_s() const;  // 0: not known
  const Usage& usage() const { return usage_; }

  // By name; values in the order of their steps.
  const std::map<std::string, std::vector<Evaluation>>& evaluations() const { return evaluations_; }
  const std::vector<Prompt>& prompts() const { return prompts_; }
  const Prompt* newest_prompt() const;  // whose last text is the newest; null: there is none
  const std::vector<LogExpertLoads>& expert_loads() const { return expert_loads_; }

 private:
  void add_start(const LogStart& line);
  void add_step(const LogStep& line);
  void add_evaluation(const LogEvaluation& line);
  void add_sample(const LogSample& line);
  void add_expert_loads(const LogExpertLoads& line);
  void forget_after(std::int64_t step);
  void halve_points();

  State state_ = State::kEmpty;
  std::string failure_, recipe_, currency_;
  std::int64_t n_steps_ = 0, n_parameters_ = 0, step_ = 0;
  double price_per_hour_ = 0;
  std::vector<Start> starts_;
  std::vector<HistoryPoint> points_;
  std::int64_t stride_ = 1;  // steps of a point: (i * stride, (i + 1) * stride]
  std::deque<LogStep> recent_;
  Usage usage_;
  std::map<std::string, std::vector<Evaluation>> evaluations_;
  std::vector<Prompt> prompts_;
  std::vector<LogExpertLoads> expert_loads_;
};

// Reads a run's log again and again into its history.
class RunFollower {
 public:
  explicit RunFollower(const std::filesystem::path& folder) : reader_(folder / "log.jsonl") {}

  struct News {
    std::vector<LogLine> lines;
    bool has_more = false;
  };
  // The history holds the lines already. kIo.
  Result<News> update();

  const RunHistory& history() const { return history_; }
  const TrainingLogReader& reader() const { return reader_; }

 private:
  TrainingLogReader reader_;
  RunHistory history_;
};

}  // namespace sputnik
