#include "train/training_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "formats/json.h"

namespace sputnik {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::int64_t kMaxStep = 1'000'000'000'000;
constexpr std::size_t kChunkBytes = 1 << 18;
constexpr int kMaxChunks = 16;  // of one read()

template <class Json>
std::optional<double> number(const Json& object, const char* key) {
  const auto it = object.find(key);
  if (it == object.end() || !it->is_number()) return std::nullopt;
  const auto x = it->template get<double>();
  return std::isfinite(x) ? std::optional(x) : std::nullopt;
}

// Amounts are not negative; one that is says nothing.
template <class Json>
std::optional<double> amount(const Json& object, const char* key) {
  const auto x = number(object, key);
  return x && *x >= 0 ? x : std::nullopt;
}

template <class Json>
std::optional<std::int64_t> step_number(const Json& object, const char* key) {
  const auto it = object.find(key);
  if (it == object.end() || !it->is_number_integer()) return std::nullopt;
  const auto x = it->template get<double>();  // an unsigned one may be too large for int64
  if (!(x >= 0 && x <= static_cast<double>(kMaxStep))) return std::nullopt;
  return it->template get<std::int64_t>();
}

template <class Json>
std::string text(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->template get<std::string>() : std::string();
}

template <class Json>
std::optional<LogStep> read_step(const Json& object) {
  const auto step = step_number(object, "step");
  const auto loss = number(object, "loss");
  if (!step || !loss) return std::nullopt;
  LogStep line;
  line.step = *step;
  line.loss = *loss;
  line.mtp_loss = number(object, "mtp_loss");
  line.learning_rate = amount(object, "learning_rate").value_or(0);
  line.gradient_norm = amount(object, "gradient_norm").value_or(0);
  line.tokens = amount(object, "tokens").value_or(0);
  line.tokens_total = amount(object, "tokens_total").value_or(0);
  line.seconds = amount(object, "seconds").value_or(0);
  line.expert_load_max_over_mean = amount(object, "expert_load_max_over_mean");
  line.flops = amount(object, "flops");
  line.energy_j = amount(object, "energy_j");
  line.mfu = amount(object, "mfu");
  const auto dead = object.find("dead_experts");
  if (dead != object.end() && dead->is_array())
    line.n_dead_experts = static_cast<std::int64_t>(dead->size());
  return line;
}

template <class Json>
LogStart read_start(const Json& object) {
  LogStart line;
  line.is_resumed = text(object, "event") == "resumed";
  line.step = step_number(object, "step").value_or(0);
  line.n_steps = step_number(object, "steps").value_or(0);
  line.n_parameters = step_number(object, "parameters").value_or(0);
  line.recipe = text(object, "recipe");
  line.price_per_hour = amount(object, "price_per_hour").value_or(0);
  line.currency = text(object, "currency");
  return line;
}

std::optional<LogLine> read_evaluation(const json& object, std::int64_t step) {
  LogEvaluation line{step, {}};
  const auto families = object.find("families");
  if (families == object.end() || !families->is_object()) return std::nullopt;
  for (const auto& [name, counts] : families->items()) {
    if (!counts.is_object()) continue;
    const auto n = amount(counts, "n"), right = amount(counts, "right");
    if (n && right && *n >= 1 && *right <= *n) line.families.push_back({name, *n, *right});
  }
  return line;
}

std::optional<LogLine> read_expert_loads(const json& object, std::int64_t step) {
  LogExpertLoads line{step, {}};
  const auto layers = object.find("layers");
  if (layers == object.end() || !layers->is_array()) return std::nullopt;
  for (const json& shares : *layers) {
    if (!shares.is_array()) return std::nullopt;
    std::vector<float>& layer = line.layers.emplace_back();
    layer.reserve(shares.size());
    for (const json& share : shares) {
      if (!share.is_number()) return std::nullopt;
      const auto x = share.get<double>();
      if (!(x >= 0 && x <= 1)) return std::nullopt;
      layer.push_back(static_cast<float>(x));
    }
  }
  return line;
}

std::optional<LogLine> read_event(const json& object) {
  const auto step = step_number(object, "step");
  const auto kind = object.find("event");
  if (!step || !kind->is_string()) return std::nullopt;
  const auto& event = kind->get_ref<const std::string&>();
  if (event == "started" || event == "resumed") return read_start(object);
  if (event == "evaluation") return read_evaluation(object, *step);
  if (event == "sample") return LogSample{*step, text(object, "prompt"), text(object, "text")};
  if (event == "expert_loads") return read_expert_loads(object, *step);
  if (event == "finished") return LogEnd{LogEnd::Kind::kFinished, *step, ""};
  if (event == "stopped") return LogEnd{LogEnd::Kind::kStopped, *step, ""};
  if (event == "failed") return LogEnd{LogEnd::Kind::kFailed, *step, text(object, "message")};
  return std::nullopt;
}

std::optional<LogLine> read_line(const json& object) {
  if (object.contains("event")) return read_event(object);
  return read_step(object);
}

std::optional<json> parse_object(std::string_view line) {
  if (json_is_deeper_than(line, kMaxJsonDepth)) return std::nullopt;
  json object = json::parse(line, nullptr, false);
  if (!object.is_object()) return std::nullopt;
  return object;
}

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

std::optional<LogLine> parse_log_line(std::string_view line) {
  const auto object = parse_object(line);
  return object ? read_line(*object) : std::nullopt;
}

LogStart log_start_of(const ordered_json& line) {
  return read_start(line);
}

LogStep log_step_of(const ordered_json& line) {
  return read_step(line).value_or(LogStep{});
}

ordered_json step_line(const StepReport& report, double seconds) {
  ordered_json line{{"step", report.step},
                    {"loss", report.loss},
                    {"learning_rate", report.learning_rate},
                    {"gradient_norm", report.gradient_norm},
                    {"tokens", report.n_tokens},
                    {"tokens_total", report.n_tokens_total},
                    {"seconds", seconds},
                    {"expert_load_max_over_mean", report.router.max_over_mean}};
  if (report.mtp_loss != 0) line["mtp_loss"] = report.mtp_loss;
  if (!report.router.dead_experts.empty()) line["dead_experts"] = report.router.dead_experts;
  return line;
}

std::optional<ordered_json> expert_loads_line(const StepReport& report) {
  const bool is_due = report.step == 1 || report.step % kExpertLoadsEvery == 0;
  if (!is_due || report.router.shares.empty()) return std::nullopt;
  ordered_json layers = ordered_json::array();
  for (const std::vector<float>& shares : report.router.shares) {
    ordered_json& layer = layers.emplace_back(ordered_json::array());
    // Four decimals: 0.0039 is an even share of 256 experts.
    for (const float share : shares)
      layer.push_back(std::round(static_cast<double>(share) * 1e4) / 1e4);
  }
  return ordered_json{{"event", "expert_loads"}, {"step", report.step}, {"layers", layers}};
}

Result<TrainingLog> TrainingLog::open(const std::filesystem::path& path) {
  TrainingLog log;
  log.path_ = path;
  log.file_.reset(std::fopen(path.c_str(), "ab+"));
  if (log.file_ == nullptr) return log.system_error();
  std::FILE* file = log.file_.get();
  // A start that was killed while it wrote has left half a line: what follows must not become the
  // other half.
  const bool is_cut = std::fseek(file, -1, SEEK_END) == 0 && std::fgetc(file) != '\n';
  std::fseek(file, 0, SEEK_END);  // between reading and writing
  if (is_cut && (std::fputc('\n', file) == EOF || std::fflush(file) != 0))
    return log.system_error();
  return log;
}

Error TrainingLog::system_error() const {
  return io_error("{}: {}", path_.string(), std::strerror(errno));
}

Result<void> TrainingLog::add(const ordered_json& line) {
  const std::string text = line.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
  if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size() ||
      std::fflush(file_.get()) != 0)
    return system_error();
  return ok_result();
}

Result<TrainingLogReader::News> TrainingLogReader::read() {
  News news;
  const auto system_error = [this] {
    return io_error("{}: {}", path_.string(), std::strerror(errno));
  };
  // O_NONBLOCK: opening a pipe must not wait for its other end.
  const FileDescriptor fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  exists_ = fd.get() >= 0;
  if (!exists_) {
    if (errno != ENOENT && errno != ENOTDIR) return system_error();
    // A later file may get the same number.
    if (offset_ > 0) begin_anew(news);
    return news;
  }
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return system_error();
  if (!S_ISREG(info.st_mode)) return io_error("{}: is not a regular file", path_.string());
  if (device_ != info.st_dev || inode_ != info.st_ino || info.st_size < offset_) {
    begin_anew(news);
    device_ = info.st_dev;
    inode_ = info.st_ino;
  }
  changed_s_ =
      static_cast<double>(info.st_mtim.tv_sec) + 1e-9 * static_cast<double>(info.st_mtim.tv_nsec);
  std::string chunk(kChunkBytes, '\0');
  for (int i = 0; i < kMaxChunks; ++i) {
    const ssize_t n = ::pread(fd.get(), chunk.data(), chunk.size(), offset_);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error();
    if (n == 0) return news;
    offset_ += n;
    take(std::string_view(chunk).substr(0, static_cast<std::size_t>(n)), news);
  }
  news.has_more = true;
  return news;
}

void TrainingLogReader::begin_anew(News& news) {
  news.begins_anew = offset_ > 0;
  offset_ = 0;
  partial_.clear();
  is_overlong_ = false;
  n_unreadable_ = 0;
}

void TrainingLogReader::take(std::string_view bytes, News& news) {
  for (;;) {
    const std::size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    if (!is_overlong_ && partial_.size() + piece.size() > kMaxLineBytes) {
      is_overlong_ = true;
      partial_.clear();
    }
    if (!is_overlong_) partial_ += piece;
    if (end == std::string_view::npos) return;
    if (is_overlong_) {
      ++n_unreadable_;
    } else {
      take_line(partial_, news);
    }
    partial_.clear();
    is_overlong_ = false;
    bytes.remove_prefix(end + 1);
  }
}

void TrainingLogReader::take_line(std::string_view line, News& news) {
  if (line.empty()) return;
  const auto object = parse_object(line);
  if (!object) {
    ++n_unreadable_;
    return;
  }
  if (auto known = read_line(*object)) news.lines.push_back(*std::move(known));
}

}  // namespace sputnik
