// log.jsonl of a training run: one JSON object a line, written as the run goes on and only ever
// added to. docs/formats/training-log.md says what stands in it.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "train/trainer.h"

namespace sputnik {

// ---- Lines, as readers see them. Keys that a reader does not know are passed over.

struct LogStart {
  bool is_resumed = false;
  std::int64_t step = 0;          // steps done before it
  std::int64_t n_steps = 0;       // at which it will end; 0: not said
  std::int64_t n_parameters = 0;  // 0: not said
  std::string recipe;             // hash of what is trained
  double price_per_hour = 0;      // of the machine; 0: not said
  std::string currency;
};

struct LogStep {
  std::int64_t step = 0;
  double loss = 0;
  std::optional<double> mtp_loss;
  double learning_rate = 0;
  double gradient_norm = 0;
  double tokens = 0;
  double tokens_total = 0;
  double seconds = 0;
  std::optional<double> expert_load_max_over_mean;
  std::int64_t n_dead_experts = 0;
  std::optional<double> flops, energy_j;
  std::optional<double> mfu;  // 0..1
};

struct LogEvaluation {
  struct Family {
    std::string name;
    double n = 0, right = 0;  // 0 <= right <= n, 1 <= n
  };
  std::int64_t step = 0;
  std::vector<Family> families;
};

struct LogSample {
  std::int64_t step = 0;
  std::string prompt, text;
};

struct LogExpertLoads {
  std::int64_t step = 0;
  std::vector<std::vector<float>> layers;  // of each mixture layer: the share of each expert
};

struct LogEnd {
  enum class Kind { kFinished, kStopped, kFailed };
  Kind kind = Kind::kStopped;
  std::int64_t step = 0;
  std::string message;  // of a failure
};

using LogLine = std::variant<LogStart, LogStep, LogEvaluation, LogSample, LogExpertLoads, LogEnd>;

// A line without its end. Nothing: damaged, or an event of a kind that is not known here.
std::optional<LogLine> parse_log_line(std::string_view line);
// Of lines that this program has just made itself: what readers will see in them.
LogStart log_start_of(const nlohmann::ordered_json& line);
LogStep log_step_of(const nlohmann::ordered_json& line);

// ---- Writing

nlohmann::ordered_json step_line(const StepReport& report, double seconds);

// Loads fill lines of many numbers, so not every step has one.
constexpr std::int64_t kExpertLoadsEvery = 20;
// What to log of the experts after a step; nothing at most steps and for models without experts.
std::optional<nlohmann::ordered_json> expert_loads_line(const StepReport& report);

// Adds lines behind those of earlier starts. A line that an earlier start has not finished ends
// where it was cut.
class TrainingLog {
 public:
  static Result<TrainingLog> open(const std::filesystem::path& path);  // kIo
  // What is no UTF-8 in it becomes U+FFFD. kIo.
  Result<void> add(const nlohmann::ordered_json& line);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  TrainingLog() = default;
  Error system_error() const;

  std::filesystem::path path_;
  std::unique_ptr<std::FILE, Close> file_;
};

// ---- Reading while it grows

class TrainingLogReader {
 public:
  static constexpr std::size_t kMaxLineBytes = 1 << 20;  // longer ones are passed over

  struct News {
    std::vector<LogLine> lines;  // in the order of the file
    bool begins_anew = false;    // another file, or a shorter one: what was read before is void
    bool has_more = false;       // to be asked again at once
  };

  explicit TrainingLogReader(std::filesystem::path path) : path_(std::move(path)) {}

  // Whole lines that were added since the last call, some megabytes at most. A file that does not
  // exist yet has none. kIo.
  Result<News> read();

  const std::filesystem::path& path() const { return path_; }
  bool exists() const { return exists_; }          // at the last read()
  double changed_s() const { return changed_s_; }  // when it last grew, seconds since 1970
  std::int64_t n_unreadable() const { return n_unreadable_; }  // lines that are not JSON objects

 private:
  void begin_anew(News& news);
  void take(std::string_view bytes, News& news);
  void take_line(std::string_view line, News& news);

  std::filesystem::path path_;
  bool exists_ = false;
  double changed_s_ = 0;
  std::uint64_t device_ = 0, inode_ = 0;
  std::int64_t offset_ = 0;
  std::string partial_;       // the beginning of a line whose end is not written yet
  bool is_overlong_ = false;  // and it is longer than any line may be
  std::int64_t n_unreadable_ = 0;
};

}  // namespace sputnik
