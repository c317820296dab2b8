#include "evaluation/response_log.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/utf8.h"
#include "formats/json.h"
#include "formats/printable.h"

namespace sputnik::evaluation {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kMaxTokens = std::int64_t{1} << 40;  // of a response

Json to_json(const Record& record) {
  Json json{{"item", record.item},
            {"sample", record.sample},
            {"right", record.right},
            {"answer", record.answer ? Json(*record.answer) : Json(nullptr)},
            {"truncated", record.truncated},
            {"well_formed", record.well_formed},
            {"thought_tokens", record.n_thought_tokens},
            {"answer_tokens", record.n_answer_tokens}};
  if (record.sample == 0) {
    json["thought"] = record.thought;
    json["text"] = record.text;
  }
  return json;
}

Result<Record> parse_record(std::string_view line, const std::string& where, std::int64_t n_items,
                            std::int64_t n_samples) {
  SPUTNIK_TRY(const JsonDocument document, JsonDocument::parse(line, where));
  const JsonObject object = document.root();
  Record record;
  SPUTNIK_TRY(record.item, object.get_i64("item", 0, n_items - 1));
  SPUTNIK_TRY(record.sample, object.get_i64("sample", 0, n_samples - 1));
  SPUTNIK_TRY(record.right, object.get_bool("right"));
  SPUTNIK_TRY(record.truncated, object.get_bool("truncated"));
  SPUTNIK_TRY(record.well_formed, object.get_bool("well_formed"));
  SPUTNIK_TRY(record.n_thought_tokens, object.get_i64("thought_tokens", 0, kMaxTokens));
  SPUTNIK_TRY(record.n_answer_tokens, object.get_i64("answer_tokens", 0, kMaxTokens));
  if (object.has("answer")) {
    SPUTNIK_TRY(record.answer, object.get_string("answer"));
  }
  SPUTNIK_TRY(record.thought, object.get_string_or("thought", ""));
  SPUTNIK_TRY(record.text, object.get_string_or("text", ""));
  return record;
}

// What differs first, in words; empty if nothing does.
std::string difference(const nlohmann::json& found, const Json& expected) {
  for (const auto& [key, value] : expected.items()) {
    const auto it = found.find(key);
    if (it == found.end()) return fmt::format("it does not say {}", key);
    if (it->is_object() && value.is_object()) {
      std::string inner = difference(*it, value);
      if (!inner.empty()) return inner;
    } else if (*it != nlohmann::json(value)) {
      return fmt::format("its {} is {}, not {}", key, printable(it->dump(), 60),
                         printable(value.dump(), 60));
    }
  }
  return "";
}

}  // namespace

Error ResponseLog::system_error() const {
  return io_error("{}: {}", path_.string(), std::strerror(errno));
}

bool ResponseLog::has(std::int64_t item, std::int64_t sample) const {
  return is_there_[static_cast<std::size_t>(item * n_samples_ + sample)];
}

Result<ResponseLog> ResponseLog::open(const std::filesystem::path& path, const Json& identity,
                                      std::int64_t n_items, std::int64_t n_samples) {
  ResponseLog log;
  log.path_ = path;
  log.n_items_ = n_items;
  log.n_samples_ = n_samples;
  log.is_there_.resize(static_cast<std::size_t>(n_items * n_samples));
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) return log.system_error();
  log.file_.reset(::fdopen(fd, "r+b"));
  if (log.file_ == nullptr) {
    ::close(fd);
    return log.system_error();
  }
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0)
    return io_error("{}: another evaluation is writing to it", path.string());
  SPUTNIK_CHECK_OK(log.read(identity));
  return log;
}

Result<void> ResponseLog::take_line(std::int64_t number, std::string_view line,
                                    const Json& identity) {
  if (number == 1) {
    const auto found = parse_json(line);
    if (!found.ok() || !found.value().is_object())
      return corrupt("{}: this is not the record of an evaluation", path_.string());
    const std::string what = difference(found.value(), identity);
    if (what.empty()) return ok_result();
    return invalid_argument("{} belongs to another evaluation: {}; --output names another folder",
                            path_.string(), what);
  }
  const std::string where = fmt::format("{} line {}", path_.string(), number);
  SPUTNIK_TRY(Record record, parse_record(line, where, n_items_, n_samples_));
  if (has(record.item, record.sample))
    return corrupt("{}: item {} has its sample {} already", where, record.item, record.sample);
  take(std::move(record));
  return ok_result();
}

Result<void> ResponseLog::read(const Json& identity) {
  struct Line {
    char* data = nullptr;
    std::size_t capacity = 0;
    ~Line() { std::free(data); }
  } line;
  off_t end = 0;  // of the last whole line
  for (std::int64_t number = 1;; ++number) {
    const ssize_t n = ::getline(&line.data, &line.capacity, file_.get());
    if (n <= 0 || line.data[n - 1] != '\n') break;
    SPUTNIK_CHECK_OK(take_line(number, {line.data, static_cast<std::size_t>(n - 1)}, identity));
    end += n;
  }
  if (std::ferror(file_.get()) != 0 || ::ftruncate(::fileno(file_.get()), end) != 0 ||
      ::fseeko(file_.get(), end, SEEK_SET) != 0)
    return system_error();
  return end > 0 ? ok_result() : write_line(identity.dump());
}

Result<void> ResponseLog::write_line(const std::string& text) {
  const std::string line = text + "\n";
  if (std::fwrite(line.data(), 1, line.size(), file_.get()) != line.size() ||
      std::fflush(file_.get()) != 0)
    return system_error();
  return ok_result();
}

void ResponseLog::take(Record record) {
  is_there_[static_cast<std::size_t>(record.item * n_samples_ + record.sample)] = true;
  records_.push_back(std::move(record));
}

Result<void> ResponseLog::add(Record record) {
  SPUTNIK_ASSERT(!has(record.item, record.sample));
  // A model may say bytes that are no text.
  if (record.answer) record.answer = sanitize_utf8(*record.answer);
  record.thought = record.sample == 0 ? sanitize_utf8(record.thought) : "";
  record.text = record.sample == 0 ? sanitize_utf8(record.text) : "";
  SPUTNIK_CHECK_OK(write_line(to_json(record).dump()));
  take(std::move(record));
  return ok_result();
}

}  // namespace sputnik::evaluation
